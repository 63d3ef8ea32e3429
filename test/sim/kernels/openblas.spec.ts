import { describe, expect, test } from 'vitest'
import { KernelPool } from '../../../sim/kernels/kernel-pool.ts'
import { describeEngine, Kernels } from '../../../sim/kernels/kernels.ts'
import { findOpenBlas } from '../../../sim/kernels/openblas.ts'
import { plainProduct } from '../../../sim/kernels/plain-product.ts'
import { filled } from '../../support/kernels.ts'

const { signal } = new AbortController()
const SIZE = 264
const found = findOpenBlas()
if (found === undefined) console.info('OpenBLAS is not installed (libopenblas.so.0): products by it are not tested')

async function product(kernels: Kernels): Promise<Float32Array> {
  await using pool = new KernelPool(kernels, 2)
  const a = filled(kernels.memory.float32(SIZE * SIZE), 1)
  const b = filled(kernels.memory.float32(SIZE * SIZE), 2)
  return (await plainProduct(kernels, pool, a, b, SIZE, SIZE, SIZE, signal)).slice()
}

describe('the openblas engine', () => {
  test('large products are those of the kernel within single precision, with the library or without', async () => {
    const [ours, theirs] = [await product(new Kernels('wasm')), await product(new Kernels('openblas'))]
    // Sums of 264 products of at most 1, each rounded to 2^-24 of a sum that stays below 264.
    for (const [i, value] of ours.entries()) expect(Math.abs(value - theirs[i]!)).toBeLessThan(SIZE * SIZE * 2 ** -24)
  })

  test.skipIf(found === undefined)('names the library and the processor it chose its code for', () => {
    expect(describeEngine('openblas', 2)).toMatch(
      /^WebAssembly SIMD, float32, large plain products by OpenBLAS [\d.]+ for \w+, 2 threads$/,
    )
  })

  test('the other engines are named for a run’s header, too', () => {
    expect(describeEngine('wasm', 1)).toBe('WebAssembly SIMD, float32, 1 thread')
    expect(describeEngine('javascript', 2)).toBe('plain JavaScript, float32, 2 threads')
  })
})
