import { lossDbToPowerRatio } from '../../../core/quantities.ts'
import type { LaserDriftValues } from '../parameters/drift-parameters.ts'
import { OrnsteinUhlenbeck } from './ornstein-uhlenbeck.ts'
import { S_PER_H } from './room.ts'

export interface LaserOutput {
  readonly powerMw: number
  readonly frequencyThz: number
}

/** What a laser emits beside what it was set to, and does not notice. */
export class LaserDrift {
  readonly #frequencyMhz: OrnsteinUhlenbeck
  readonly #powerDb: OrnsteinUhlenbeck

  constructor(name: string, what: LaserDriftValues, seed: number) {
    const tauS = what.laserCorrelationH * S_PER_H
    const drift = (quantity: string, sigma: number): OrnsteinUhlenbeck =>
      new OrnsteinUhlenbeck(seed, `laser/${name}/${quantity} drift`, { sigma, tauS })
    this.#frequencyMhz = drift('frequency', what.laserFrequencyDriftMhz)
    this.#powerDb = drift('power', what.laserPowerDriftDb)
  }

  emitted({ powerMw, frequencyThz }: LaserOutput, ageS: number): LaserOutput {
    return {
      powerMw: powerMw * lossDbToPowerRatio(-this.#powerDb.at(ageS)),
      frequencyThz: frequencyThz + this.#frequencyMhz.at(ageS) / 1e6,
    }
  }
}
