// One behavioural product of a size, in a process of its own: prints its cost and the memory that it took.
import { KernelPool } from '../../sim/kernels/kernel-pool.ts'
import { Kernels } from '../../sim/kernels/kernels.ts'
import { behaviouralProduct } from '../../sim/kernels/product-on-pool.ts'
import { productJob } from './product-job.ts'

const THREADS = 2
/** Small products are repeated until about so many multiply-accumulates are done. */
const MACS = 2 ** 31
const WARM_MACS = 2 ** 30

const size = Number(process.argv[2])
const kernels = new Kernels('wasm')
const job = productJob(kernels, size)
const { signal } = new AbortController()
await using pool = new KernelPool(kernels, THREADS)
// In rounds that do not count the threads load, compile, and compile again what runs often.
for (let done = 0; done < WARM_MACS; done += 64 * size ** 2) {
  await behaviouralProduct(kernels, pool, { ...job, rows: 64 }, signal)
}
const rounds = Math.max(1, Math.round(MACS / size ** 3))
// Time that the threads computed: what else this machine does is no cost of a product.
const before = process.cpuUsage().user
for (let round = 0; round < rounds; round++) await behaviouralProduct(kernels, pool, job, signal)
const picosecondsPerMac = ((process.cpuUsage().user - before) * 1e6) / (rounds * size ** 3)
console.log(JSON.stringify({ picosecondsPerMac, rssMib: process.resourceUsage().maxRSS / 1024 }))
