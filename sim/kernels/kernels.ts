import { javascriptEngine } from './javascript-engine.ts'
import type { KernelEngine } from './kernel-engine.ts'
import { KernelMemory } from './kernel-memory.ts'
import { findOpenBlas } from './openblas.ts'
import { openBlasEngine } from './openblas-engine.ts'
import { wasmEngine } from './wasm-engine.ts'

/** Who computes. `openblas` is WebAssembly, and OpenBLAS for the products of complex tiles and for large plain ones. */
export type EngineName = 'javascript' | 'wasm' | 'openblas'

/** One engine and the memory that it and its threads share. */
export class Kernels {
  readonly engineName: EngineName
  readonly memory: KernelMemory
  readonly engine: KernelEngine

  constructor(engineName: EngineName, memory = new KernelMemory()) {
    this.engineName = engineName
    this.memory = memory
    this.engine = makeEngine(engineName, memory.memory)
  }
}

export function makeEngine(engineName: EngineName, memory: WebAssembly.Memory): KernelEngine {
  if (engineName === 'javascript') return javascriptEngine
  const wasm = wasmEngine(memory)
  const blas = engineName === 'openblas' ? findOpenBlas() : undefined
  return blas === undefined ? wasm : openBlasEngine(wasm, blas)
}

/** The engine in words, for a run's header. */
export function describeEngine(engineName: EngineName, threads: number): string {
  const count = threads === 1 ? '1 thread' : `${threads} threads`
  switch (engineName) {
    case 'javascript':
      return `plain JavaScript, float32, ${count}`
    case 'wasm':
      return `WebAssembly SIMD, float32, ${count}`
    case 'openblas':
      return `WebAssembly SIMD, float32, products by ${findOpenBlas()?.description ?? 'no OpenBLAS: not found'}, ${count}`
  }
}
