/** Electrical outputs of one symbol generator: what it plays, and where it rests. */
export class GeneratorOutput {
  /** [channel] */
  restV: number[] = []
  /** Runs when a pulse arrives at the trigger input. */
  onTrigger: (() => void) | undefined
  /** The loaded frame plays, since the last trigger. */
  playing = false
  #levelsV: readonly Float64Array[] = []
  #symbolPeriodS = 1

  rest(levelsV: readonly number[]): void {
    this.restV = [...levelsV]
    this.playing = false
  }

  load(levelsV: readonly Float64Array[], symbolPeriodS: number): void {
    this.#levelsV = levelsV
    this.#symbolPeriodS = symbolPeriodS
    this.playing = false
  }

  /** Number of the symbol on the outputs, −1 at rest. */
  symbolAt(timeS: number): number {
    const symbol = Math.floor(timeS / this.#symbolPeriodS)
    return this.playing && symbol < (this.#levelsV[0]?.length ?? 0) ? symbol : -1
  }

  levelV(channel: number, timeS: number): number {
    const symbol = this.symbolAt(timeS)
    return symbol < 0 ? (this.restV[channel] ?? 0) : (this.#levelsV[channel]?.[symbol] ?? 0)
  }
}
