import type { AwgrForm } from '../../core/awgr-layout.ts'
import type { Verification } from '../calibration-record.ts'
import type { MeasuredCurve } from './measured-curve.ts'

/** What the foundry made of one ring, with its heater. */
export interface FittedRing {
  /** Resonance at 0 V, relative to the ring's own laser. */
  readonly offsetGhz: number
  /** How far a volt squared on its own heater pulls the resonance down. */
  readonly tuningGhzPerV2: number
  readonly fwhmGhz: number
  /** Power that stays on the through bus at resonance. */
  readonly throughFloor: number
}

/**
 * Transmission is sin²(radPerCode · code + biasRad), above what leaks at the null: that is in every symbol, and goes
 * with the silent one. Shapes: [port].
 */
export interface IntensityModulators {
  readonly radPerCode: readonly number[]
  readonly biasRad: readonly number[]
  /** Counts in the place of the sine where a modulator is no interferometer; null where it is. Undefined: all are. */
  readonly curves?: readonly (MeasuredCurve | null)[]
}

/** Light of one input at full scale on its way to the detectors, per wavelength. Shapes: [port][wavelength]. */
export interface PathGains {
  /** All of it dropped; all of it let through. */
  readonly dropMw: readonly (readonly number[])[]
  readonly throughMw: readonly (readonly number[])[]
}

/** Light that leaves the AWGR by other outputs than its own, relative to its own. Shapes: [port][wavelength][output]. */
export interface PathLeaks {
  readonly drop: readonly (readonly (readonly number[])[])[]
  readonly through: readonly (readonly (readonly number[])[])[]
}

/** How heaters warm other rings: share · exp(−(d − 1)/decay) of the aggressor's own shift, d in heater pitches. */
export interface ThermalLaw {
  readonly neighbourShare: number
  readonly decayPitch: number
}

/** All that a job needs to know of a bench with an AWGR core. Plain data: it is stored and read back as JSON. */
export interface AwgrCalibration {
  readonly schema: 'fringe-awgr-calibration-1'
  readonly size: number
  readonly form: AwgrForm
  readonly modulators: IntensityModulators
  /** [heater of the layout] */
  readonly rings: readonly FittedRing[]
  readonly thermal: ThermalLaw
  readonly gains: PathGains
  readonly leaks: PathLeaks
  readonly fit: {
    /** What the fit of the ring curves leaves, relative to the RMS of the data. */
    readonly relativeResidual: number
    /** The same on settings kept out of the fit. */
    readonly heldOutResidual: number
    readonly settings: number
    /** log2(2 / RMS error) of weights −1…1, each tile scaled to its rows' reach. */
    readonly weightAccuracyBits: number
    /** log2(2 / σ) of one weight set again and again, with other weights in between. */
    readonly weightPrecisionBits: number
    readonly crosstalkNeighbour: number
    readonly crosstalkDecayPitch: number
    readonly fwhmMedianGhz: number
  }
  readonly verification: Verification
}
