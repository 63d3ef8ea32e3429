import { RandomStream } from '../../core/random.ts'
import type { LightValues } from './parameters/light-parameters.ts'

/** What was built of one Mach–Zehnder modulator with its driver amplifier. */
export interface ModulatorTruth {
  readonly vpiV: number
  /** Electrode voltage of least transmission. */
  readonly nullBiasV: number
  /** Where the bias controller believes the null to be. */
  readonly lockBiasV: number
  /** Field that leaks at the null, in quadrature with the signal: 10^(−ER/20). */
  readonly leakField: number
  readonly driverGain: number
}

export function fabricateModulator(name: string, what: LightValues, seed: number): ModulatorTruth {
  const stream = new RandomStream(seed, `modulator/${name}`)
  const vpiV = what.mzmVpiV * stream.normal(1, what.mzmVpiSpread)
  const nullBiasV = stream.uniform(-vpiV, vpiV)
  return {
    vpiV,
    nullBiasV,
    lockBiasV: nullBiasV + stream.normal(0, what.mzmBiasOffsetV),
    leakField: 10 ** (-what.mzmExtinctionDb / 20),
    driverGain: what.driverGain,
  }
}

/**
 * Field behind a push-pull modulator for a field of 1 before it: sin of half the phase difference, and the leak of
 * its unequal arms in quadrature.
 *
 * Source: field form of the MZM transfer with finite extinction, docs/physics.md.
 */
export function modulatorField(mzm: ModulatorTruth, driveV: number, biasV: number): { re: number; im: number } {
  const halfPhase = (Math.PI * (mzm.driverGain * driveV + biasV - mzm.nullBiasV)) / (2 * mzm.vpiV)
  return { re: Math.sin(halfPhase), im: mzm.leakField * Math.cos(halfPhase) }
}
