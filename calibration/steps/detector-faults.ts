import { BenchError } from '../../core/errors.ts'
import type { LightBench, MeterPort } from '../../core/light-bench.ts'

/** What one output showed while its local oscillator was turned: means above dark in mW; NaN rad/V² where no fringe. */
export interface OutputLight {
  readonly radPerV2: number
  readonly meanPlus: number
  readonly meanMinus: number
}

/** Of what a lane's detectors see in the middle. Losses of paths and responsivities differ by far less. */
const DARK_SHARE = 0.1

/**
 * Refuses a lane without light and a detector that sees none of its lane's.
 *
 * Shape of `light`: [lane][port].
 * Throws: CALIBRATION_FAILED naming the lane, or lane, output and meter port of the first detector in the dark.
 */
export function requireLitDetectors(bench: LightBench, light: readonly (readonly OutputLight[])[]): void {
  for (const [lane, { detectors }] of bench.lanes.entries()) {
    const outputs = light[lane]!
    const all = outputs.flatMap(({ meanPlus, meanMinus }) => [meanPlus, meanMinus]).toSorted((a, b) => a - b)
    const usualMw = all[all.length >> 1]!
    // What all of them miss is no fault of one detector.
    if (!(usualMw > 0) || outputs.every(({ radPerV2 }) => Number.isNaN(radPerV2))) throw darkLane(bench, lane, usualMw)
    for (const [port, { plus, minus }] of detectors.entries()) {
      const isDark = (mw: number): boolean => !(mw > DARK_SHARE * usualMw)
      const { meanPlus: meanPlusMw, meanMinus: meanMinusMw } = outputs[port]!
      const [plusDark, minusDark] = [isDark(meanPlusMw), isDark(meanMinusMw)]
      const context = { lane, port, meanPlusMw, meanMinusMw, usualMw }
      if (plusDark && minusDark) throw darkPair(bench, lane, port, [plus, minus!], context)
      if (plusDark || minusDark)
        throw darkDetector(bench, plusDark ? 'plus' : 'minus', plusDark ? plus : minus!, context)
    }
  }
}

function darkLane({ lasers }: LightBench, lane: number, usualMw: number): BenchError {
  const { name = `laser of lane ${lane}` } = lasers[lane] ?? {}
  return new BenchError(
    'CALIBRATION_FAILED',
    `lane ${lane}: its detectors see no light; check ${name}, its fibre and the split to the local oscillators`,
    { context: { lane, usualMw } },
  )
}

function darkPair(
  bench: LightBench,
  lane: number,
  port: number,
  pair: readonly MeterPort[],
  context: Readonly<Record<string, number>>,
): BenchError {
  const both = pair.map((at) => meterPortName(bench, at)).join(' and ')
  return new BenchError(
    'CALIBRATION_FAILED',
    `lane ${lane}, output ${port}: both detectors (${both}) see no light; check the fibre of its local oscillator, its coupler and both fibres to the meter`,
    { context },
  )
}

function darkDetector(
  bench: LightBench,
  side: 'plus' | 'minus',
  at: MeterPort,
  context: Readonly<Record<string, number>> & { readonly lane: number; readonly port: number },
): BenchError {
  const meterPort = meterPortName(bench, at)
  const { lane, port } = context
  return new BenchError(
    'CALIBRATION_FAILED',
    `lane ${lane}, output ${port}: the ${side} detector, ${meterPort}, sees no light and its partner does; check the fibre to ${meterPort}, or take another port`,
    { context: { ...context, side, meterPort } },
  )
}

/** As on the front panel: `pm-0.3`, counted from 1. */
export const meterPortName = ({ meterNames }: LightBench, { meter, port }: MeterPort): string =>
  `${meterNames?.[meter] ?? `meter ${meter}`}.${port + 1}`
