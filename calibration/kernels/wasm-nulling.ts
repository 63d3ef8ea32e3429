import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import type { NulledUnitary, NullUnitary } from './nulling.ts'
import { calibrationModule } from './wasm-module.ts'

const PAGE_BYTES = 65_536
const FIRST_BYTE = 1024
const ELEMENT_BYTES = 16

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  /** Numbers are places in memory; see assembly/nulling.ts. */
  readonly nullUnitary: (
    unitary: number,
    stride: number,
    modes: number,
    signs: number,
    turns: number,
    scratch: number,
  ) => void
}

let found: NullUnitary | 'none' | undefined

/** The nulling in WebAssembly SIMD, bit for bit that of `reference/`; undefined where it was not built. */
export function wasmNulling(): NullUnitary | undefined {
  found ??= load() ?? 'none'
  return found === 'none' ? undefined : found
}

function load(): NullUnitary | undefined {
  const module = calibrationModule()
  if (module === undefined) return undefined
  const exports = new WebAssembly.Instance(module).exports as Exports
  return (unitary, signs) => nullBy(exports, unitary, signs)
}

function nullBy({ memory, nullUnitary }: Exports, { size, re, im }: ComplexMatrix, signs: Int8Array): NulledUnitary {
  // Rows begin at lines of the cache, and a spare line keeps those below one another in different sets of it.
  const stride = ((size + 3) & ~3) + 4
  const scratch = FIRST_BYTE
  const unitary = scratch + 64 * size
  const turnsAt = unitary + size * stride * ELEMENT_BYTES
  const signsAt = turnsAt + 32 * signs.length
  const missing = signsAt + signs.length - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES))
  const elements = new Float64Array(memory.buffer, unitary, 2 * size * stride)
  for (let row = 0; row < size; row++) {
    for (let column = 0, at = 2 * row * stride, from = row * size; column < size; column++, at += 2, from++) {
      elements[at] = re[from]!
      elements[at + 1] = im[from]!
    }
  }
  new Int8Array(memory.buffer, signsAt, signs.length).set(signs)
  nullUnitary(unitary, stride, size, signsAt, turnsAt, scratch)
  const turns = new Float64Array(memory.buffer, turnsAt, 4 * signs.length)
  const diagonal = new Float64Array(2 * size)
  for (let port = 0; port < size; port++) {
    const at = 2 * port * (stride + 1)
    diagonal[2 * port] = elements[at]!
    diagonal[2 * port + 1] = elements[at + 1]!
  }
  return { turns, diagonal }
}
