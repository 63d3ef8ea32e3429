import type { Figure } from './figure.ts'
import { clementsFigures } from './kernels/clements-figures.ts'
import { meshFigures } from './kernels/mesh-figures.ts'
import { noiseFigures } from './kernels/noise-figures.ts'
import { productFigures, sizeFigures } from './kernels/product-figures.ts'

/** Speed of the optical world's kernels beside reference codes of our own, in perf/reference. */
export async function kernels(): Promise<readonly Figure[]> {
  return [
    ...(await noiseFigures()),
    ...(await clementsFigures()),
    ...(await meshFigures()),
    ...(await productFigures()),
    ...sizeFigures(),
  ]
}
