import { median } from '../figure.ts'

type Work = () => number | Promise<number>

/** What each of several returned in turns. */
export class Rounds<Name extends string> {
  readonly #taken: Readonly<Record<Name, readonly number[]>>

  constructor(taken: Readonly<Record<Name, readonly number[]>>) {
    this.#taken = taken
  }

  median(name: Name): number {
    return median(this.#taken[name])
  }

  /** Median of the ratios of each turn: a slow minute of the machine slows both. */
  ratio(of: Name, over: Name): number {
    const divisors = this.#taken[over]
    return median(this.#taken[of].map((value, round) => value / divisors[round]!))
  }
}

/** Several in turns, after one turn each that does not count. */
export async function interleaved<Name extends string>(
  works: Readonly<Record<Name, Work>>,
  rounds: number,
): Promise<Rounds<Name>> {
  const names = Object.keys(works) as Name[]
  const taken = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      const value = await works[name]()
      if (round >= 0) taken[name].push(value)
    }
  }
  return new Rounds(taken)
}

export function milliseconds(work: () => unknown): number {
  const start = performance.now()
  work()
  return performance.now() - start
}

export async function asyncMilliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
