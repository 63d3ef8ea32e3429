import type { KernelPool } from './kernel-pool.ts'
import { partsOf } from './kernel-pool.ts'
import type { PlainProduct } from './kernel-tasks.ts'
import { MULTIPLY_SCRATCH_FLOATS } from './kernel-engine.ts'
import type { Kernels } from './kernels.ts'
import { findOpenBlas } from './openblas.ts'

/** Below so many multiply-accumulates a library that must be called is no gain. */
const LARGE_MACS = 256 ** 3

/**
 * C = A·B in plain float32, rows divided among threads; one at a time on one memory.
 *
 * Shapes: a [rows][inner], b [inner][columns], row-major, in shared memory; so is the result [rows][columns].
 */
export async function plainProduct(
  kernels: Kernels,
  pool: KernelPool,
  a: Float32Array,
  b: Float32Array,
  rows: number,
  inner: number,
  columns: number,
  signal: AbortSignal,
): Promise<Float32Array> {
  const { memory, engine, engineName } = kernels
  const c = memory.float32(rows * columns)
  using _scratch = memory.scope()
  const large = rows * inner * columns >= LARGE_MACS
  const byOpenBlas = engineName === 'openblas' && large && findOpenBlas() !== undefined
  const packed = memory.float32(byOpenBlas ? 0 : inner * ((columns + 7) & ~7))
  if (!byOpenBlas) engine.packColumns(b, columns, inner, columns, packed)
  const product: PlainProduct = { a, aStride: inner, b, packed, c, cStride: columns, inner, columns, byOpenBlas }
  const parts = partsOf(rows, pool.threads).map((part) => ({
    product,
    scratch: memory.float32(MULTIPLY_SCRATCH_FLOATS),
    ...part,
  }))
  await pool.run('multiply', parts, signal)
  return c
}
