import { RandomStream } from '../../core/random.ts'

/** Known inputs at the start of every frame, in pairs of both signs. */
export const PROBES = 4
const PROBE_SEED = 1

/** Shape: [probe, input], values over the whole range, each followed by its negative. */
export function probeVectors(inputs: number): Float64Array {
  const random = new RandomStream(PROBE_SEED, 'probes')
  return inPairs(
    Array.from({ length: PROBES / 2 }, () => Float64Array.from({ length: inputs }, () => random.uniform(-1, 1))),
  )
}

/**
 * Known inputs that show every weight of a tile: orthogonal vectors, each followed by its negative.
 *
 * Source: the discrete cosine transform, Ahmed, Natarajan and Rao, IEEE Trans. Comput. 23, 90 (1974).
 */
export function weightProbes(inputs: number): Float64Array {
  return inPairs(
    Array.from({ length: inputs }, (_, k) =>
      Float64Array.from({ length: inputs }, (_, i) => Math.cos((Math.PI * k * (2 * i + 1)) / (2 * inputs))),
    ),
  )
}

function inPairs(vectors: readonly Float64Array[]): Float64Array {
  return Float64Array.from(vectors.flatMap((vector) => [...vector, ...vector.map((value) => -value)]))
}
