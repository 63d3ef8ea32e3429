import type { RandomStream } from '../core/random.ts'
import type { RealMatrix } from '../orchestrator/tiles/tile-product.ts'

/** Distributions that matrices of real work have, more or less. */
const DRAWS = {
  normal: (random: RandomStream) => random.normal(),
  uniform: (random: RandomStream) => random.uniform(),
  signed: (random: RandomStream) => random.uniform(-1, 1),
  /** Heavy tails: most are small, few are large. */
  laplace: (random: RandomStream) => Math.log(random.uniform()) * (random.uniform() < 0.5 ? -1 : 1),
  /** Behind a rectifier. */
  rectified: (random: RandomStream) => Math.max(0, random.normal()),
} as const
const KINDS = Object.values(DRAWS)
/** Elements of a product at least: of fewer, the RMS error of one product is a matter of luck. */
const FEWEST_ELEMENTS = 256

/** Sizes, distributions, scales by matrix and by row, and sparsity, all at random. */
export function randomJob(random: RandomStream): { readonly a: RealMatrix; readonly b: RealMatrix } {
  const size = (): number => 1 + Math.floor(random.uniform(0, 48))
  let [rows, columns] = [size(), size()]
  while (rows * columns < FEWEST_ELEMENTS) [rows, columns] = [size(), size()]
  const inner = size()
  return { a: randomFactor(rows, inner, random), b: randomFactor(inner, columns, random) }
}

function randomFactor(rows: number, columns: number, random: RandomStream): RealMatrix {
  const draw = KINDS[Math.floor(random.uniform(0, KINDS.length))]!
  const scale = 10 ** random.uniform(-6, 6)
  // Half of them are dense; of the others up to nine in ten elements are zero.
  const kept = Math.min(1, random.uniform(0.1, 1.9))
  const spread = random.uniform() < 0.3 ? 1 : 0
  const data = new Float64Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    const rowScale = scale * 2 ** (spread * random.normal())
    for (let column = 0; column < columns; column++) {
      const value = rowScale * draw(random)
      data[row * columns + column] = random.uniform() < kept ? value : 0
    }
  }
  return { rows, columns, data }
}
