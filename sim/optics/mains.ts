import type { Clock } from '../../core/clock.ts'
import { RandomStream } from '../../core/random.ts'
import type { BenchAge } from './drift/bench-age.ts'
import type { MainsPort } from './world-ports.ts'

/** The meter in the supply of the whole bench: integrates what is drawn over the bench's clock. */
export class Mains implements MainsPort {
  readonly #drawnW: (ageS: number) => number
  readonly #clock: Clock
  readonly #age: BenchAge
  #energyKwh: number
  #readNs: number

  /** `drawnW(ageS)`: with the settings of now, at an age of the world. */
  constructor(drawnW: (ageS: number) => number, seed: number, clock: Clock, age: BenchAge) {
    this.#drawnW = drawnW
    this.#clock = clock
    this.#age = age
    this.#energyKwh = new RandomStream(seed, 'mains').uniform(100, 9000)
    this.#readNs = clock.monotonicNs()
  }

  powerW(): number {
    return this.#drawnW(this.#age.heldS())
  }

  /** Called before every change of load, so that each load is counted for as long as it lasted: drifts, hold by hold. */
  energyKwh(): number {
    const nowNs = this.#clock.monotonicNs()
    for (const { ageS, durationNs } of this.#age.holdsBetween(this.#readNs, nowNs)) {
      if (durationNs > 0) this.#energyKwh += (this.#drawnW(ageS) * durationNs) / 1e9 / 3.6e6
    }
    this.#readNs = nowNs
    return this.#energyKwh
  }
}
