import type { LightBench } from '../../core/light-bench.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import type { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import type { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'

/** What every step works with. */
export interface CalibrationContext {
  readonly bench: MeshBench
  readonly frames: FrameRunner
  readonly heaters: HeaterSetter
}

/** [lane][port], one number each. */
export type PortTable = readonly (readonly number[])[]

export function portTable({ lanes }: LightBench, value: (lane: number, port: number) => number): number[][] {
  return lanes.map(({ detectors }, lane) => detectors.map((_, port) => value(lane, port)))
}

/** All heaters at 0 V. */
export const coldHeaters = (bench: MeshBench): Float64Array => new Float64Array(bench.layout.heaters.length)

/** Voltages whose squares, and so the phases they make, are evenly spaced from 0 to the limit. */
export function evenPhaseVoltagesV(bench: MeshBench, points: number): Float64Array {
  const { max } = bench.heaterLimitsV
  return Float64Array.from({ length: points }, (_, i) => max * Math.sqrt(i / (points - 1)))
}

/** Fringe frequencies looked for: from half a turn to three turns over the whole voltage range, in rad/V². */
export function fringeRange(bench: MeshBench): { min: number; max: number } {
  const { max } = bench.heaterLimitsV
  return { min: Math.PI / max ** 2, max: (6 * Math.PI) / max ** 2 }
}
