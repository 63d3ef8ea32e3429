import { DenseArray } from '../arrays/dense-array.ts'
import type { ArraySink, ArraySource, Block } from '../arrays/dense-array.ts'
import { arrayProducts, productShape } from './array-products.ts'
import { convolutionJob } from './convolution.ts'
import type { ConvolutionOptions } from './convolution.ts'
import { exactProduct } from './matmul.ts'
import type { ProductJob } from './multiply-panels.ts'
import { factorsOfPart } from './share-product.ts'

/**
 * A·B, or with options a convolution of the image A with the kernels B; of either a part.
 *
 * Throws: SHAPE_MISMATCH.
 */
export function productJob(
  left: ArraySource,
  right: ArraySource,
  convolution?: ConvolutionOptions,
  part?: Block,
): ProductJob {
  if (convolution !== undefined) return convolutionJob(left, right, convolution, part)
  const { a, b } = factorsOfPart(left, right, part)
  return {
    shape: productShape(a, b),
    isComplex: a.isComplex || b.isComplex,
    products: (sink) => arrayProducts(a, b, sink),
  }
}

/** The result in float64, to compare with; of arrays that fit into memory. */
export async function exactResult(job: ProductJob): Promise<DenseArray> {
  const exact = new DenseArray('exact C', job.shape, job.isComplex)
  const { signal } = new AbortController()
  for (const product of job.products(exact)) {
    const { rows, columns } = product
    const real = exactProduct(await product.readA(0, rows, signal), await product.readB(0, columns, signal))
    await product.write({ firstRow: 0, rows, firstColumn: 0, columns }, product.combine(real))
  }
  return exact
}

/** Where a result goes that nobody keeps. */
export const noSink: ArraySink = { writeBlock: () => Promise.resolve() }
