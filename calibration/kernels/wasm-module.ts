import { existsSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'

/** Built by `npm run prepare`: beside the compiled file, or from the sources at the same place of `dist`. */
export const CALIBRATION_WASM = new URL(
  extname(import.meta.url) === '.ts' ? '../../dist/calibration/kernels/calibration.wasm' : './calibration.wasm',
  import.meta.url,
)

let found: WebAssembly.Module | 'none' | undefined

/** The kernels of the calibration in WebAssembly SIMD; undefined where they were not built. */
export function calibrationModule(): WebAssembly.Module | undefined {
  found ??= existsSync(CALIBRATION_WASM) ? new WebAssembly.Module(readFileSync(CALIBRATION_WASM)) : 'none'
  return found === 'none' ? undefined : found
}

/** Memory of an instance, as far as it is used here. */
export interface KernelMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

const PAGE_BYTES = 65_536
/** What lies below belongs to the compiler. */
const FIRST_BYTE = 1024
const VECTOR_BYTES = 16

/** Lays out the memory of an instance, once. */
export class Places {
  #end = FIRST_BYTE

  /** A place for so many bytes, where a vector may begin. */
  take(bytes: number): number {
    const place = this.#end
    this.#end += Math.ceil(bytes / VECTOR_BYTES) * VECTOR_BYTES
    return place
  }

  /** Makes room for all that was taken. Views of the buffer come after it. */
  reserve(memory: KernelMemory): void {
    memory.grow(Math.max(0, Math.ceil((this.#end - memory.buffer.byteLength) / PAGE_BYTES)))
  }
}
