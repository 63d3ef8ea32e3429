// One behavioural product of a size, in a process of its own: prints its cost and the memory that it took.
import { productRows, productScratch } from '../../sim/kernels/behavioural-product.ts'
import { KernelPool } from '../../sim/kernels/kernel-pool.ts'
import { Kernels } from '../../sim/kernels/kernels.ts'
import { behaviouralProduct } from '../../sim/kernels/product-on-pool.ts'
import { productJob } from './product-job.ts'

const THREADS = 2
/** Batches of so many multiply-accumulates at least are timed one by one, and of so many rows at most. */
const MACS = 2 ** 28
const ROWS = 256
/** As many for each size, so that all meet a quiet moment of the machine as surely. */
const BATCHES = 16
const WARM_MACS = 2 ** 28

const size = Number(process.argv[2])
const kernels = new Kernels('wasm')
const job = productJob(kernels, size)
const { signal } = new AbortController()
await using pool = new KernelPool(kernels, THREADS)
// The whole product, once on all threads: its memory.
await behaviouralProduct(kernels, pool, job, signal)
const rssMib = process.resourceUsage().maxRSS / 1024

const scratch = productScratch(kernels.memory, job)
const rows = Math.min(size, ROWS)
const multiply = (first: number): number => productRows(kernels.engine, job, scratch, first, rows)
for (let done = 0; done < WARM_MACS; done += rows * size ** 2) multiply(0)
const inBatch = Math.ceil(MACS / (rows * size ** 2))
const costs = Array.from({ length: BATCHES }, (_, batch) => {
  // Time that the thread computed: what else this machine does is no cost of a product.
  const before = process.cpuUsage()
  for (let round = 0; round < inBatch; round++) multiply((batch * rows) % size)
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1e6) / (inBatch * rows * size ** 2)
})
// The least disturbed batch: whatever else comes on top belongs to the machine.
console.log(JSON.stringify({ picosecondsPerMac: Math.min(...costs), rssMib }))
