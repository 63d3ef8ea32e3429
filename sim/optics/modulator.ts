import { RandomStream } from '../../core/random.ts'
import { eamField, eamOf } from './eam.ts'
import type { EamTruth } from './eam.ts'
import type { LightValues } from './parameters/light-parameters.ts'

/** What was built of one modulator with its driver amplifier: a Mach–Zehnder, unless it has an `eam`. */
export interface ModulatorTruth {
  readonly vpiV: number
  /** Electrode voltage of least transmission. */
  readonly nullBiasV: number
  /** Where the bias controller believes the null to be. */
  readonly lockBiasV: number
  /** Field that leaks at the null, in quadrature with the signal: 10^(−ER/20). */
  readonly leakField: number
  readonly driverGain: number
  /** Of the low-pass from generator to optics, 1/(2π·f₃dB). */
  readonly timeConstantS: number
  /** α: phase of the field over the angle of its amplitude, 0 in perfect push-pull. */
  readonly chirp: number
  /** Where the driver amplifier clips. Undefined: nowhere. */
  readonly driverClipV?: number
  readonly eam?: EamTruth
}

export function fabricateModulator(name: string, what: LightValues, seed: number): ModulatorTruth {
  const stream = new RandomStream(seed, `modulator/${name}`)
  const vpiV = what.mzmVpiV * stream.normal(1, what.mzmVpiSpread)
  const eam = eamOf(what)
  // An absorber has no null: its controller holds half the swing, so that codes of either sign move the light.
  const nullBiasV = eam === undefined ? stream.uniform(-vpiV, vpiV) : 0
  const heldV = eam === undefined ? nullBiasV : eam.swingV / 2
  return {
    vpiV,
    nullBiasV,
    lockBiasV: heldV + stream.normal(0, what.mzmBiasOffsetV),
    leakField: 10 ** (-what.mzmExtinctionDb / 20),
    driverGain: what.driverGain,
    timeConstantS: 1 / (2 * Math.PI * what.mzmBandwidthMhz * 1e6),
    chirp: what.mzmChirp,
    driverClipV: what.driverClipV,
    ...(eam && { eam }),
  }
}

/**
 * Field behind a modulator for a field of 1 before it. Push-pull Mach–Zehnder: sin of half the phase difference, and the leak of
 * its unequal arms in quadrature, all turned by α times that half where the arms are not driven alike.
 *
 * Source: field form of the MZM transfer with finite extinction, docs/physics.md.
 */
export function modulatorField(mzm: ModulatorTruth, driveV: number, biasV: number): { re: number; im: number } {
  const { driverClipV: clipV = Infinity } = mzm
  const drivenV = Math.min(Math.max(mzm.driverGain * driveV, -clipV), clipV)
  if (mzm.eam !== undefined) return eamField(mzm.eam, drivenV + biasV)
  const halfPhase = (Math.PI * (drivenV + biasV - mzm.nullBiasV)) / (2 * mzm.vpiV)
  const [re, im] = [Math.sin(halfPhase), mzm.leakField * Math.cos(halfPhase)]
  if (mzm.chirp === 0) return { re, im }
  const [c, s] = [Math.cos(mzm.chirp * halfPhase), Math.sin(mzm.chirp * halfPhase)]
  return { re: re * c - im * s, im: re * s + im * c }
}
