import type { LightBench } from '../core/light-bench.ts'
import type { PlanStep } from '../orchestrator/plans/plan.ts'

/** What one step of a calibration will play. */
export interface StepEstimate {
  readonly name: string
  readonly frames: number
  /** Input vectors: symbols times lanes. */
  readonly vectors: number
  /** Settling of heaters and symbols of frames; what instruments need to be told and read comes on top. */
  readonly benchSeconds: number
}

/** What a calibration will play, before anything is switched on. */
export interface CalibrationEstimate extends Omit<StepEstimate, 'name'> {
  readonly steps: readonly StepEstimate[]
  /** Where what is found may ask for more: what it then comes to at most. */
  readonly mostVectors?: number
}

/** Frames of one kind that a step plays. */
export interface PlayedFrames {
  readonly name: string
  readonly frames: number
  readonly symbols: number
}

/** What the estimate needs to know of a bench: nothing that has to be opened. */
export type EstimatedBench = Pick<LightBench, 'timing' | 'heaterSettleMs'>

export function estimateOf(
  { timing, heaterSettleMs }: EstimatedBench,
  lanes: number,
  played: readonly PlayedFrames[],
): CalibrationEstimate {
  const steps = played.map(({ name, frames, symbols }) => ({
    name,
    frames,
    vectors: frames * symbols * lanes,
    benchSeconds: frames * (heaterSettleMs / 1e3 + symbols * timing.symbolPeriodS),
  }))
  return { steps, ...sumOf(steps) }
}

/** Of some steps together. */
export function sumOf(steps: readonly StepEstimate[]): Omit<StepEstimate, 'name'> {
  const sum = (key: 'frames' | 'vectors' | 'benchSeconds'): number =>
    steps.reduce((total, step) => total + step[key], 0)
  return { frames: sum('frames'), vectors: sum('vectors'), benchSeconds: sum('benchSeconds') }
}

/** Where each step lies in the whole plan, 0…1 by its vectors; those that `isKnown` play none. */
export function sharesOf(
  { steps }: CalibrationEstimate,
  isKnown: (name: string) => boolean,
): ReadonlyMap<string, NonNullable<PlanStep['share']>> {
  const shares = new Map<string, { from: number; to: number }>()
  const left = steps.map(({ name, vectors }) => ({ name, vectors: isKnown(name) ? 0 : vectors }))
  const all = left.reduce((sum, { vectors }) => sum + vectors, 0) || 1
  let before = 0
  for (const { name, vectors } of left) {
    shares.set(name, { from: before / all, to: (before + vectors) / all })
    before += vectors
  }
  return shares
}
