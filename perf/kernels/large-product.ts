// One behavioural product of a size, in a process of its own: prints its cost and the memory that it took.
import { KernelPool } from '../../sim/kernels/kernel-pool.ts'
import { Kernels } from '../../sim/kernels/kernels.ts'
import { behaviouralProduct } from '../../sim/kernels/product-on-pool.ts'
import { productJob } from './product-job.ts'

const THREADS = 2
/** Batches of so many multiply-accumulates at least are timed one by one, and of so many rows at most. */
const MACS = 2 ** 28
const ROWS = 512
const BATCHES = 8
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
const rows = Math.min(size, ROWS)
const inBatch = Math.ceil(MACS / (rows * size ** 2))
const costs: number[] = []
for (let batch = 0; batch < BATCHES; batch++) {
  // One batch after the other the largest product is computed once, smaller ones more often.
  const first = (batch * rows) % size
  const part = { ...job, rows, values: job.values.subarray(first * job.stride), sums: job.sums.subarray(first) }
  // Time that the threads computed: what else this machine does is no cost of a product.
  const before = process.cpuUsage()
  for (let round = 0; round < inBatch; round++) await behaviouralProduct(kernels, pool, part, signal)
  const { user, system } = process.cpuUsage(before)
  costs.push(((user + system) * 1e6) / (inBatch * rows * size ** 2))
}
// The least disturbed batch: whatever else comes on top belongs to the machine.
const picosecondsPerMac = Math.min(...costs)
console.log(JSON.stringify({ picosecondsPerMac, rssMib: process.resourceUsage().maxRSS / 1024 }))
