/**
 * Counter-based random numbers: the value depends on (seed, stream, counter) alone, so the order in which
 * instruments ask does not matter and two ways of computing the same frame see the same noise.
 *
 * Mixing: two rounds of the 32-bit finaliser of MurmurHash3 (Appleby, public domain constants) over the
 * three words; moments and independence of neighbouring counters are tested.
 */
export class CounterRandom {
  readonly #key: number

  constructor(seed: number, stream: string) {
    this.#key = streamKey(seed, stream)
  }

  /** Uniform in (0, 1), both ends excluded. */
  uniform(counter: number): number {
    return (this.#word(counter) + 0.5) / 2 ** 32
  }

  /** Standard normal, by Box and Muller. */
  normal(counter: number): number {
    const radius = Math.sqrt(-2 * Math.log(this.uniform(2 * counter)))
    return radius * Math.cos(2 * Math.PI * this.uniform(2 * counter + 1))
  }

  #word(counter: number): number {
    const low = counter >>> 0
    const high = Math.floor(counter / 2 ** 32) >>> 0
    return mix(mix(this.#key, low), high ^ 0x9e3779b9) >>> 0
  }
}

/** A stream read in order, for drawing parameters one after the other. */
export class RandomStream {
  readonly #random: CounterRandom
  #counter = 0

  constructor(seed: number, stream: string) {
    this.#random = new CounterRandom(seed, stream)
  }

  uniform(min = 0, max = 1): number {
    return min + (max - min) * this.#random.uniform(this.#counter++)
  }

  normal(mean = 0, sigma = 1): number {
    return mean + sigma * this.#random.normal(this.#counter++ + 2 ** 31)
  }
}

/** The 32 bits that set one stream of a seed apart from all others. */
export function streamKey(seed: number, stream: string): number {
  let key = mix(seed | 0, Math.floor(seed / 2 ** 32) | 0)
  for (let i = 0; i < stream.length; i++) key = mix(key, stream.charCodeAt(i))
  return key
}

export function mix(left: number, right: number): number {
  let h = (left ^ Math.imul(right, 0xcc9e2d51)) | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  h ^= h >>> 16
  h = Math.imul((h + 0x7ed55d16) | 0, 0x846ca68b)
  return h ^ (h >>> 15)
}
