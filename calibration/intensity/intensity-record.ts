import type { MeshDesign } from '../../core/mesh-design.ts'

/**
 * How well a mesh read by photodiodes is programmed, on unitaries that no fit has seen. Powers have no signs. Each input is
 * read by both signs of its light, so that what dark modulators leave over falls out.
 */
export interface IntensityVerification {
  /** Haar unitaries programmed. */
  readonly targets: number
  /** Σ_i √(p_i·p̂_i) of shares of the light at all outputs, mean over inputs and targets. */
  readonly amplitudeFidelity: number
  /** Total variation distance from the target, ½·Σ_i |p_i − p̂_i|, mean. Losses and splitters out of reach included. */
  readonly tvd: number
  /** From what the fitted chip should show with these voltages, by one sign, dark modulators included: how well it is known. */
  readonly modelTvd: number
  /** Refused: the chip is not what was fitted. */
  readonly verdict: 'accepted' | 'refused'
}

/** All that a job needs to know of a single mesh read by photodiodes. Plain data: it is stored and read back as JSON. */
export interface IntensityCalibration {
  readonly schema: 'fringe-intensity-calibration-1'
  readonly design: MeshDesign
  readonly size: number
  readonly lanes: number
  /** [output] what its photodiode shows without light. */
  readonly darkMw: readonly number[]
  /** Parameters of the fitted chip, in the order of `intensityBlocks`. */
  readonly chip: readonly number[]
  /** Standard deviation of each; 0 for what was held. */
  readonly chipSigma: readonly number[]
  readonly fit: {
    /** What the fit leaves, relative to the RMS of the readings. */
    readonly relativeResidual: number
    /** The same on settings that the fit has not seen. */
    readonly heldOutResidual: number
    /** Total variation distance on those, mean over their vectors. */
    readonly heldOutTvd: number
    readonly iterations: number
    readonly settings: number
    readonly crosstalkNeighbour: number
    readonly crosstalkDecayPitch: number
    readonly splitterMeanRad: number
    /** Of all splitter angles from π/4, their mean included. */
    readonly splitterRmsRad: number
  }
  readonly verification: IntensityVerification
}
