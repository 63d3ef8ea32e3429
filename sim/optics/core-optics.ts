import type { HeaterArray } from './heater-array.ts'

/** What reaches the optics of a core in one time slot. */
export interface Light {
  /** [laser]: power that leaves its fibre, 0 when dark. */
  readonly powersMw: Float64Array
  /** [laser] */
  readonly frequenciesThz: Float64Array
  /** [modulator]: field behind it for a field of 1 before it. */
  readonly fieldRe: Float64Array
  readonly fieldIm: Float64Array
  /** By how much all local oscillators are turned, where the core has any. */
  readonly loTurnRad?: number
}

/** The passive optics between modulators and detectors, with the heaters that set them. Time is the injected clock's. */
export interface CoreOptics {
  readonly heaters: HeaterArray
  /** What was fabricated: hidden from everything but the light. */
  readonly truth: object
  /** How many photodiodes it lights. */
  readonly detectors: number
  /** How many monitor taps it has. */
  readonly taps: number
  /** Each modulator carries the light of all lasers; otherwise modulators belong to their lane's laser. */
  readonly sharedModulators: boolean
  /** Its detectors see light beat with the same laser's, so that phases show. */
  readonly localOscillators: boolean
  /** Power on each detector from each laser, in mW. Shape: [laser, detector]. */
  detectorPowersMw(light: Light): Float64Array
  /** Power on each monitor tap, of all lasers, in mW. Shape: [tap]. */
  tapPowersMw(light: Light): Float64Array
}
