import type { BiasDriftValues } from '../parameters/drift-parameters.ts'
import { OrnsteinUhlenbeck } from './ornstein-uhlenbeck.ts'
import { S_PER_H } from './room.ts'

/** How far the null of a modulator has moved, and by how much more its controller misses it. */
export class BiasDrift {
  readonly #nullV: OrnsteinUhlenbeck
  readonly #lockV: OrnsteinUhlenbeck

  /** `name`: of the bias controller. */
  constructor(name: string, what: BiasDriftValues, seed: number) {
    const tauS = what.mzmCorrelationH * S_PER_H
    const drift = (quantity: string, sigma: number): OrnsteinUhlenbeck =>
      new OrnsteinUhlenbeck(seed, `modulator/${name}/${quantity} drift`, { sigma, tauS })
    this.#nullV = drift('null', what.mzmNullDriftV)
    this.#lockV = drift('lock', what.mzmLockDriftV)
  }

  nullV(ageS: number): number {
    return this.#nullV.at(ageS)
  }

  lockV(ageS: number): number {
    return this.#lockV.at(ageS)
  }
}
