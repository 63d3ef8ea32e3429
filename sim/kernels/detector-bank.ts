import { streamKey } from '../../core/random.ts'
import { DETECTOR_FLOATS } from './reference/detection.ts'
import type { Kernels } from './kernels.ts'

/** Elementary charge. Source: SI definition. */
const ELEMENTARY_CHARGE_C = 1.602176634e-19

/** One photodiode, its amplifier, its converter, and what its codes count for. */
export interface DetectorParameters {
  readonly responsivityAPerW: number
  /** What the meter takes the responsivity for. */
  readonly nominalAPerW: number
  readonly darkA: number
  readonly thermalAPerRtHz: number
  readonly bandwidthHz: number
  /** Power at the top code of the converter. */
  readonly fullScaleMw: number
  /** 4096 for 12 bits. */
  readonly steps: number
  /** Name of the stream that its noise comes from. */
  readonly noiseStream: string
  /** Decoded value = weight · power read + offset, in the caller's unit. */
  readonly weightPerMw?: number
  readonly offset?: number
}

/**
 * Detectors as the kernels read them, [detector][8] float32:
 * reading = gain · P + dark in mW of the nominal responsivity; variance = shot · reading + thermal; code = ⌊reading ·
 * inverse step + ½⌋, over range above the top code; decoded = code · weight + offset.
 *
 * Source: noise of docs/physics.md, Paths and detection.
 */
export class DetectorBank {
  readonly count: number
  readonly parameters: Float32Array
  readonly keys: Int32Array

  constructor(kernels: Kernels, detectors: readonly DetectorParameters[], seed: number) {
    this.count = detectors.length
    this.parameters = kernels.memory.float32(detectors.length * DETECTOR_FLOATS)
    this.keys = kernels.memory.int32(detectors.length)
    for (const [d, detector] of detectors.entries()) {
      const { nominalAPerW, bandwidthHz, fullScaleMw, steps } = detector
      const mwPerA = 1e3 / nominalAPerW
      const stepMw = fullScaleMw / steps
      this.parameters.set(
        [
          detector.responsivityAPerW / nominalAPerW,
          detector.darkA * mwPerA,
          2 * ELEMENTARY_CHARGE_C * bandwidthHz * mwPerA,
          (detector.thermalAPerRtHz * mwPerA) ** 2 * bandwidthHz,
          1 / stepMw,
          steps,
          (detector.weightPerMw ?? 0) * stepMw,
          detector.offset ?? 0,
        ],
        d * DETECTOR_FLOATS,
      )
      this.keys[d] = streamKey(seed, detector.noiseStream)
    }
  }
}
