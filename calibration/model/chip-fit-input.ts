import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import type { ChipReading } from '../steps/chip-readings.ts'

/** What was believed of a parameter before the measurement: a Gaussian. */
export interface Priors {
  /** [parameter] */
  readonly mean: Float64Array
  readonly sigma: Float64Array
}

export interface ChipFitInput {
  readonly layout: SvdCoreLayout
  readonly readings: readonly ChipReading[]
  readonly lane: number
  /** Parameters that may move. */
  readonly free: readonly number[]
  readonly priors: Priors
  /** Standard deviation of one matrix element's reading. */
  readonly noise: number
}
