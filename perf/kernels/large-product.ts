// One behavioural product of a size, in a process of its own: prints its cost and the memory that it took.
import { productScratch } from '../../sim/kernels/behavioural-product.ts'
import { KernelPool, partsOf } from '../../sim/kernels/kernel-pool.ts'
import { Kernels } from '../../sim/kernels/kernels.ts'
import { productJob } from './product-job.ts'

const THREADS = 2
/** Small products are repeated until so many multiply-accumulates are done. */
const MACS = 2 ** 31

const size = Number(process.argv[2])
const kernels = new Kernels('wasm')
const job = productJob(kernels, size)
const parts = partsOf(size, THREADS).map((part) => ({ job, scratch: productScratch(kernels.memory, job), ...part }))
const { signal } = new AbortController()
await using pool = new KernelPool(kernels, THREADS)
// The threads load and compile in a round that does not count.
await pool.run(
  'product',
  partsOf(64, THREADS).map((part, i) => ({ ...parts[i]!, ...part })),
  signal,
)
const rounds = Math.max(1, Math.round(MACS / size ** 3))
const costs: number[] = []
for (let round = 0; round < rounds; round++) {
  // Time that the threads computed: what else this machine does is no cost of a product.
  const before = process.cpuUsage().user
  await pool.run('product', parts, signal)
  costs.push(((process.cpuUsage().user - before) * 1e6) / size ** 3)
}
console.log(JSON.stringify({ picosecondsPerMac: Math.min(...costs), rssMib: process.resourceUsage().maxRSS / 1024 }))
