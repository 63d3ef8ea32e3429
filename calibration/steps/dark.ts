import type { LightBench } from '../../core/light-bench.ts'
import type { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import type { PortTable } from './calibration-context.ts'

export interface DarkReadings {
  readonly darkPlusMw: PortTable
  readonly darkMinusMw: PortTable
}

/** Of the one frame that shows the dark. */
export const DARK_SYMBOLS = 16

/**
 * Reads all detectors without light.
 *
 * Leaves: lasers dark.
 */
export async function measureDark(
  { bench, frames }: { readonly bench: LightBench; readonly frames: FrameRunner },
  signal: AbortSignal,
): Promise<DarkReadings> {
  for (const { laser } of bench.lasers) await laser.setEmission(false, signal)
  const silent = bench.lanes.map(({ modulators }) => modulators.map(() => new Int8Array(DARK_SYMBOLS)))
  const { plusMw, minusMw } = await frames.run(silent, signal)
  const mean = (series: Float64Array): number => series.reduce((sum, value) => sum + value, 0) / DARK_SYMBOLS
  return {
    darkPlusMw: plusMw.map((ports) => ports.map(mean)),
    // Single photodiodes are all plus.
    darkMinusMw: minusMw.map((ports) => ports.map(mean)),
  }
}
