import type { MeshDesign } from '../core/mesh-design.ts'
import type { KnownErrors } from '../core/optical-core.ts'
import type { FrameReading } from '../orchestrator/frames/frame-runner.ts'

/** How well a calibration multiplies, on matrices that it had not seen. */
export interface Verification {
  /** ‖M − M0‖_F / √N over random orthogonal matrices, mean. */
  readonly E: number
  /** |tr(M0†M)|² / (tr(M0†M0)·tr(M†M)), mean. */
  readonly F: number
  /** (1/N)·Σ|M0_ij||M_ij| of M scaled to the norm of M0, mean. */
  readonly amplitudeFidelity: number
  /** Total variation distance of the output distributions, mean over inputs and matrices. */
  readonly tvd: number
  /** log2(range / RMS error) of products with random inputs. */
  readonly effectiveBits: number
  /** Absent in records from before it was measured. */
  readonly errors?: KnownErrors
}

/**
 * All that a job needs to know of a bench with a mesh core. Plain data: it is stored and read back as JSON.
 *
 * Shapes: [lane][port] unless said otherwise.
 */
export interface MeshCalibration {
  readonly schema: 'fringe-mesh-calibration-1'
  /** Absent in records from before there were others: `DEFAULT_DESIGN`. */
  readonly design?: MeshDesign
  readonly size: number
  readonly lanes: number
  readonly detectors: {
    readonly darkPlusMw: readonly (readonly number[])[]
    readonly darkMinusMw: readonly (readonly number[])[]
    /** Factors that make the two readings of a pair agree on equal light. */
    readonly balancePlus: readonly (readonly number[])[]
    readonly balanceMinus: readonly (readonly number[])[]
    /** Most that each detector showed in the verification; absent in records from before it was kept. */
    readonly brightest?: {
      readonly plusMw: readonly (readonly number[])[]
      readonly minusMw: readonly (readonly number[])[]
    }
  }
  readonly modulators: {
    /** Field is sin(radPerCode · code + biasRad), in units of the modulator's full field. */
    readonly radPerCode: readonly (readonly number[])[]
    readonly biasRad: readonly (readonly number[])[]
    /** Field that leaks at the null, in quadrature. */
    readonly leak: readonly (readonly number[])[]
  }
  /** Parameters of the fitted chip, in the order of `parameterBlocks`. */
  readonly chip: readonly number[]
  /** Standard deviation of each, 0 for what was not fitted to lane 0; absent for large chips and in older records. */
  readonly chipSigma?: readonly number[]
  readonly fit: {
    /** What the fit leaves, relative to the RMS of the data. */
    readonly relativeResidual: number
    readonly heldOutResidual: number
    /** How far the taps between the meshes are from what the fitted V† makes; undefined where the core has no taps. */
    readonly tapDisagreement: number | undefined
    readonly iterations: number
    readonly settings: number
    readonly crosstalkNeighbour: number
    readonly crosstalkDecayPitch: number
    readonly splitterRmsRad: number
  }
  readonly verification: Verification
}

/** Power readings to balanced signals of one pair, [symbol]: proportional to the field along the local oscillator. */
export function balancedSignals(
  detectors: MeshCalibration['detectors'],
  lane: number,
  port: number,
  { plusMw, minusMw }: FrameReading,
): Float64Array {
  const [darkPlusMw, darkMinusMw] = [detectors.darkPlusMw[lane]![port]!, detectors.darkMinusMw[lane]![port]!]
  const [balancePlus, balanceMinus] = [detectors.balancePlus[lane]![port]!, detectors.balanceMinus[lane]![port]!]
  const [plus, minus] = [plusMw[lane]![port]!, minusMw[lane]![port]!]
  const signals = new Float64Array(plus.length)
  for (let symbol = 0; symbol < signals.length; symbol++) {
    signals[symbol] = (plus[symbol]! - darkPlusMw) * balancePlus - (minus[symbol]! - darkMinusMw) * balanceMinus
  }
  return signals
}
