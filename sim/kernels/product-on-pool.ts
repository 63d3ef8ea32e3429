import { productScratch } from './behavioural-product.ts'
import type { ProductJob } from './behavioural-product.ts'
import type { KernelPool } from './kernel-pool.ts'
import { partsOf } from './kernel-pool.ts'
import type { Kernels } from './kernels.ts'

/** Rows after which a thread looks up: so soon an abort is seen, and so evenly the threads end. */
const ROWS_A_PART = 256

/**
 * A behavioural product on all threads of a pool, one at a time on one memory. Returns over-range readings.
 *
 * Throws: the signal's reason; rows that were begun are then in `job.sums`, others are not.
 */
export async function behaviouralProduct(
  { memory }: Kernels,
  pool: KernelPool,
  job: ProductJob,
  signal: AbortSignal,
): Promise<number> {
  using _scratch = memory.scope()
  const rounds = Math.ceil(job.rows / (pool.threads * ROWS_A_PART))
  // A thread works in the same places from part to part: they stay in its cache.
  const scratches = Array.from({ length: pool.threads }, () => productScratch(memory, job))
  const parts = partsOf(job.rows, pool.threads * rounds).map((part) => ({ job, scratches, ...part }))
  return await pool.run('product', parts, signal)
}
