import type { Clock } from '../../core/clock.ts'
import { RandomStream } from '../../core/random.ts'
import type { MainsPort } from './world-ports.ts'

/** The meter in the supply of the whole bench: integrates what is drawn over the bench's clock. */
export class Mains implements MainsPort {
  readonly #drawnW: () => number
  readonly #clock: Clock
  #energyKwh: number
  #readNs: number

  constructor(drawnW: () => number, seed: number, clock: Clock) {
    this.#drawnW = drawnW
    this.#clock = clock
    this.#energyKwh = new RandomStream(seed, 'mains').uniform(100, 9000)
    this.#readNs = clock.monotonicNs()
  }

  powerW(): number {
    return this.#drawnW()
  }

  /** Called before every change of load, so that each load is counted for as long as it lasted. */
  energyKwh(): number {
    const nowNs = this.#clock.monotonicNs()
    this.#energyKwh += (this.#drawnW() * (nowNs - this.#readNs)) / 1e9 / 3.6e6
    this.#readNs = nowNs
    return this.#energyKwh
  }
}
