import type { DacNoise } from './dac-noise.ts'

/** Time constants after which a low-pass has followed, to the last bit of a double. */
const SETTLED = 40

/** Electrical outputs of one symbol generator: what it plays, and where it rests. */
export class GeneratorOutput {
  /** [channel] */
  restV: number[] = []
  /** Runs when a pulse arrives at the trigger input. */
  onTrigger: (() => void) | undefined
  /** The loaded frame plays, since the last trigger. */
  playing = false
  readonly #noise: DacNoise | undefined
  #loadedV: readonly Float64Array[] = []
  /** What plays: the loaded levels as the converters make them. */
  #levelsV: readonly Float64Array[] = []
  #symbolPeriodS = 1
  #starts = 0

  constructor(noise?: DacNoise) {
    this.#noise = noise
  }

  rest(levelsV: readonly number[]): void {
    this.restV = [...levelsV]
    this.playing = false
  }

  load(levelsV: readonly Float64Array[], symbolPeriodS: number): void {
    this.#loadedV = this.#levelsV = levelsV
    this.#symbolPeriodS = symbolPeriodS
    this.playing = false
  }

  start(): void {
    this.playing = true
    this.#starts++
    this.#levelsV = this.#noise?.spoiled(this.#loadedV, this.#symbolPeriodS, this.restV, this.#starts) ?? this.#loadedV
  }

  /** Number of the symbol on the outputs, −1 at rest. */
  symbolAt(timeS: number): number {
    const symbol = Math.floor(timeS / this.#symbolPeriodS)
    return this.playing && symbol < (this.#levelsV[0]?.length ?? 0) ? symbol : -1
  }

  levelV(channel: number, timeS: number): number {
    return this.#symbolV(channel, this.symbolAt(timeS))
  }

  /**
   * The level behind a first-order low-pass, which still remembers the symbols before.
   *
   * y(t) = v + (y₀ − v)·e^(−t/τ) within a symbol of level v, from where the one before it ended.
   */
  lowPassV(channel: number, timeS: number, timeConstantS: number): number {
    if (!this.playing || timeConstantS === 0) return this.levelV(channel, timeS)
    const period = Math.floor(timeS / this.#symbolPeriodS)
    const kept = Math.exp(-this.#symbolPeriodS / timeConstantS)
    const reach = Math.ceil((SETTLED * timeConstantS) / this.#symbolPeriodS)
    let levelV = this.#symbolV(channel, Math.max(-1, period - reach - 1))
    for (let past = Math.max(0, period - reach); past < period; past++) {
      const towardsV = this.#symbolV(channel, past)
      levelV = towardsV + (levelV - towardsV) * kept
    }
    const towardsV = this.#symbolV(channel, period)
    return towardsV + (levelV - towardsV) * Math.exp(-this.#ageS(timeS) / timeConstantS)
  }

  /** The same text, the same levels behind a low-pass. */
  lowPassState(timeS: number, timeConstantS: number): string {
    const moving = this.playing && this.#ageS(timeS) < SETTLED * timeConstantS
    return moving ? `${this.symbolAt(timeS)}@${timeS}` : `${this.symbolAt(timeS)}`
  }

  /** Time since the symbol under way began; after the frame they are symbols of the rest level. */
  #ageS(timeS: number): number {
    return timeS - Math.floor(timeS / this.#symbolPeriodS) * this.#symbolPeriodS
  }

  /** The rest level outside the frame. */
  #symbolV(channel: number, symbol: number): number {
    const inside = symbol >= 0 && symbol < (this.#levelsV[0]?.length ?? 0)
    return inside ? (this.#levelsV[channel]?.[symbol] ?? 0) : (this.restV[channel] ?? 0)
  }
}
