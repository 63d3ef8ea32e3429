import { complexZeros } from '../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import type { ChipSweeps, Stop } from './chip-sweeps.ts'
import { calibrationModule, Places } from './wasm-module.ts'
import type { KernelMemory } from './wasm-module.ts'

const NUMBERS_BYTES = 64

interface Exports {
  readonly memory: KernelMemory
  /** Numbers are places in memory; see assembly/chip-sweeps.ts. */
  readonly forward: (...places: readonly number[]) => void
  readonly tangent: (...places: readonly number[]) => void
  readonly backward: (...places: readonly number[]) => void
}

/** Undefined where the kernels were not built. */
export function wasmSweeps(size: number, stops: readonly Stop[]): ChipSweeps | undefined {
  const module = calibrationModule()
  if (module === undefined) return undefined
  return new WasmSweeps(new WebAssembly.Instance(module).exports as Exports, size, stops)
}

/** An instance with a memory of its own, laid out once for one chip. */
class WasmSweeps implements ChipSweeps {
  readonly values: Float64Array
  readonly changes: Float64Array
  readonly gradients: Float64Array
  readonly #exports: Exports
  readonly #size: number
  readonly #count: number
  /** Bytes of a row of a plane: an even number of columns. */
  readonly #line: number
  readonly #at: Record<'stops' | 'values' | 'changes' | 'gradients' | 're' | 'im' | 'before', number>
  readonly #re: Float64Array
  readonly #im: Float64Array

  constructor(exports: Exports, size: number, stops: readonly Stop[]) {
    this.#exports = exports
    this.#size = size
    this.#count = stops.length
    this.#line = 8 * (size + (size % 2))
    const places = new Places()
    const numbers = (): number => places.take(NUMBERS_BYTES * stops.length)
    const plane = (): number => places.take(this.#line * size)
    this.#at = {
      stops: places.take(4 * stops.length),
      values: numbers(),
      changes: numbers(),
      gradients: numbers(),
      re: plane(),
      im: plane(),
      before: places.take(4 * this.#line * stops.length),
    }
    places.reserve(exports.memory)
    const { buffer } = exports.memory
    new Int32Array(buffer, this.#at.stops, stops.length).set(stops.map(({ top, single }) => 2 * top + (single ? 1 : 0)))
    const view = (place: number): Float64Array => new Float64Array(buffer, place, 8 * stops.length)
    this.values = view(this.#at.values)
    this.changes = view(this.#at.changes)
    this.gradients = view(this.#at.gradients)
    this.#re = new Float64Array(buffer, this.#at.re, (this.#line / 8) * size)
    this.#im = new Float64Array(buffer, this.#at.im, (this.#line / 8) * size)
  }

  forward(): ComplexMatrix {
    const { stops, values, re, im, before } = this.#at
    this.#re.fill(0)
    this.#im.fill(0)
    for (let port = 0; port < this.#size; port++) this.#re[port * (this.#line / 8) + port] = 1
    this.#exports.forward(stops, this.#count, values, re, im, this.#line, before)
    return this.#matrix()
  }

  tangent(): ComplexMatrix {
    const { stops, values, changes, re, im, before } = this.#at
    this.#re.fill(0)
    this.#im.fill(0)
    this.#exports.tangent(stops, this.#count, values, changes, re, im, this.#line, before)
    return this.#matrix()
  }

  backward(weight: ComplexMatrix): void {
    const { stops, values, gradients, re, im, before } = this.#at
    for (let row = 0; row < this.#size; row++) {
      const [from, to] = [row * this.#size, (row * this.#line) / 8]
      this.#re.set(weight.re.subarray(from, from + this.#size), to)
      this.#im.set(weight.im.subarray(from, from + this.#size), to)
    }
    this.#exports.backward(stops, this.#count, values, gradients, re, im, this.#line, before)
  }

  entered(stop: number): { readonly re: Float64Array; readonly im: Float64Array } {
    const at = this.#at.before + 4 * this.#line * stop
    const row = (place: number): Float64Array => new Float64Array(this.#exports.memory.buffer, place, this.#size)
    return { re: row(at), im: row(at + this.#line) }
  }

  #matrix(): ComplexMatrix {
    const matrix = complexZeros(this.#size)
    for (let row = 0; row < this.#size; row++) {
      const from = (row * this.#line) / 8
      matrix.re.set(this.#re.subarray(from, from + this.#size), row * this.#size)
      matrix.im.set(this.#im.subarray(from, from + this.#size), row * this.#size)
    }
    return matrix
  }
}
