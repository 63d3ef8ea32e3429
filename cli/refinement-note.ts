import type { Refined } from '../calibration/tile-refiner.ts'

/** What refining the tiles of a job came to. */
export interface RefinementNote {
  /** Corrections that each tile could get. */
  readonly rounds: number
  /** Tiles that were measured; one that comes back after others may be measured again. */
  readonly tiles: number
  /** Corrections that were kept, all tiles together. */
  readonly corrections: number
  readonly frames: number
  /** Input vectors that were sent to measure and not to multiply: symbols times lanes. */
  readonly vectors: number
  /** RMS over the tiles of what their weights were read off by, relative to them; null where none could be read. */
  readonly before: number | null
  readonly after: number | null
}

/** Of several cores together; null where none was refined. */
export function refinementOf(cores: readonly RefinementNote[]): RefinementNote | null {
  const [first] = cores
  if (first === undefined) return null
  const sum = (key: 'tiles' | 'corrections' | 'frames' | 'vectors'): number =>
    cores.reduce((total, core) => total + core[key], 0)
  const rms = (key: 'before' | 'after'): number | null => {
    const read = cores.filter((core) => core[key] !== null)
    const tiles = read.reduce((total, core) => total + core.tiles, 0)
    return tiles === 0 ? null : Math.sqrt(read.reduce((total, core) => total + core.tiles * core[key]! ** 2, 0) / tiles)
  }
  return {
    ...{ rounds: first.rounds, tiles: sum('tiles'), corrections: sum('corrections') },
    ...{ frames: sum('frames'), vectors: sum('vectors'), before: rms('before'), after: rms('after') },
  }
}

/** Adds up what is told of single tiles. */
export class RefinementSum {
  readonly #refined: Refined[] = []

  add(refined: Refined): void {
    this.#refined.push(refined)
  }

  noteOf(rounds: number): RefinementNote {
    const all = this.#refined
    const sum = (of: (refined: Refined) => number): number => all.reduce((total, refined) => total + of(refined), 0)
    const read = all.filter(({ before }) => before !== null)
    const rmsOf = (key: 'before' | 'after'): number | null =>
      read.length === 0 ? null : Math.sqrt(read.reduce((total, one) => total + one[key]! ** 2, 0) / read.length)
    return {
      rounds,
      tiles: all.length,
      corrections: sum((refined) => refined.rounds),
      frames: sum(({ frames }) => frames),
      vectors: sum(({ vectors }) => vectors),
      before: rmsOf('before'),
      after: rmsOf('after'),
    }
  }
}
