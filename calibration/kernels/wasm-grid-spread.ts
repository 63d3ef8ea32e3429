import type { GridPlan, GridSpread, Stencil } from './grid-spread.ts'
import { calibrationModule, Places } from './wasm-module.ts'
import type { KernelMemory } from './wasm-module.ts'

interface Exports {
  readonly memory: KernelMemory
  /** Numbers are places in memory and counts; see assembly/grid-spread.ts. */
  readonly spread: (...numbers: readonly number[]) => void
}

/** Undefined where the kernels were not built. */
export function wasmSpread(plan: GridPlan): GridSpread | undefined {
  const module = calibrationModule()
  if (module === undefined) return undefined
  return new WasmSpread(new WebAssembly.Instance(module).exports as unknown as Exports, plan)
}

/** An instance with a memory of its own, laid out once for one grid. */
class WasmSpread implements GridSpread {
  readonly from: Float64Array
  readonly to: Float64Array
  readonly #weights: Float64Array
  readonly #run: (reach: number) => void

  constructor({ memory, spread }: Exports, { columns, rows, margin }: GridPlan) {
    const stride = rows + 2 * margin
    const places = new Places()
    const grid = (): number => places.take(8 * (columns + 2 * margin) * stride)
    const [from, pair, to, weights] = [grid(), grid(), grid(), places.take(8 * (margin + 1) ** 2)]
    places.reserve(memory)
    const cells = (columns + 2 * margin) * stride
    this.from = new Float64Array(memory.buffer, from, cells)
    this.to = new Float64Array(memory.buffer, to, cells)
    this.#weights = new Float64Array(memory.buffer, weights, (margin + 1) ** 2)
    this.#run = (reach) => spread(from, pair, to, columns, rows, stride, margin, reach, weights)
  }

  spread({ reach, weights }: Stencil): void {
    this.to.fill(0)
    this.#weights.set(weights)
    this.#run(reach)
  }
}
