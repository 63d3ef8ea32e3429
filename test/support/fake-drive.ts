import type { DrivePort } from '../../sim/optics/world-ports.ts'

/** The connectors of a symbol generator, with a test at the other end of the cables. */
export class FakeDrive implements DrivePort {
  restV: readonly number[] = [0, 0, 0, 0]
  loaded: { readonly levelsV: readonly Float64Array[]; readonly symbolPeriodS: number } | undefined
  /** [frame][channel][symbol] */
  readonly played: number[][][] = []
  playing = false
  #listener: (() => void) | undefined

  rest(levelsV: readonly number[]): void {
    this.restV = [...levelsV]
    this.playing = false
  }

  load(levelsV: readonly Float64Array[], symbolPeriodS: number): void {
    this.loaded = { levelsV, symbolPeriodS }
    this.playing = false
  }

  start(): void {
    this.played.push((this.loaded?.levelsV ?? []).map((channel) => [...channel]))
    this.playing = true
  }

  onTrigger(listener: () => void): void {
    this.#listener = listener
  }

  /** A pulse at the trigger input. */
  pulse(): void {
    this.#listener?.()
  }
}
