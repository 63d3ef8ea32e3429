// C = A·B from files, panel by panel, in a process of its own: prints what it took and the memory that it needed.
import { join } from 'node:path'
import { keepFreedMemory } from '../../cli/keep-freed-memory.ts'
import { NpyWriter } from '../../orchestrator/arrays/npy-writer.ts'
import { openFactor } from '../../orchestrator/arrays/open-factor.ts'
import { arrayProducts, productShape } from '../../orchestrator/jobs/array-products.ts'
import { exactProduct } from '../../orchestrator/jobs/matmul.ts'
import { multiplyPanels, PANEL_MEMORY_BYTES } from '../../orchestrator/jobs/multiply-panels.ts'
import type { MultiplyPanel } from '../../orchestrator/jobs/multiply-panels.ts'
import { KernelPool } from '../../sim/kernels/kernel-pool.ts'
import { Kernels } from '../../sim/kernels/kernels.ts'
import { plainProduct } from '../../sim/kernels/plain-product.ts'

const THREADS = 2

// As every command that lights a bench.
keepFreedMemory()
const folder = process.argv[2]!
const { signal } = new AbortController()
const kernels = new Kernels('wasm')
await using pool = new KernelPool(kernels, THREADS)
const processorS = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
let productS = 0

/** In float32 on all threads, and in float64 to compare with. */
const multiplyPanel: MultiplyPanel = async (a, b, signal) => {
  const startS = processorS()
  using _panel = kernels.memory.scope()
  const [left, right] = [a, b].map(({ data }) => {
    const copy = kernels.memory.unclearedFloat32(data.length)
    copy.set(data)
    return copy
  })
  const c = await plainProduct(kernels, pool, left!, right!, a.rows, a.columns, b.columns, signal)
  const product = { rows: a.rows, columns: b.columns, data: Float64Array.from(c) }
  productS += processorS() - startS
  return { product, exact: exactProduct(a, b), frames: 0, repeatedFrames: 0, probes: { squaredError: 0, squared: 0 } }
}

const factorOptions = { keptBytes: PANEL_MEMORY_BYTES / 4, signal }
await using a = await openFactor(join(folder, 'A.npy'), factorOptions)
await using b = await openFactor(join(folder, 'B.npy'), factorOptions)
await using c = await NpyWriter.create(join(folder, 'C.npy'), productShape(a.array, b.array), 'float32')
const scanS = processorS()
const log = { step: () => 0, ready: () => Promise.resolve() }
const options = { memoryBytes: PANEL_MEMORY_BYTES, log, signal }
const { panels, macs } = await multiplyPanels(arrayProducts(a.array, b.array, c), multiplyPanel, options)
await c.finish()
const rssGib = process.resourceUsage().maxRSS / 2 ** 20
console.log(JSON.stringify({ processorS: processorS(), scanS, productS, panels, macs, rssGib }))
