import { DetectorBank } from '../../sim/kernels/detector-bank.ts'
import type { DetectorParameters } from '../../sim/kernels/detector-bank.ts'
import { Kernels } from '../../sim/kernels/kernels.ts'

/** WebAssembly, and the reference over the same memory: either may be given the other's arrays. */
export function bothEngines(): { readonly wasm: Kernels; readonly javascript: Kernels } {
  const wasm = new Kernels('wasm')
  return { wasm, javascript: new Kernels('javascript', wasm.memory) }
}

export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

/** Fills an array with values that depend on the seed alone, in −1…1. */
export function filled<T extends Float32Array | Float64Array>(array: T, seed: number, scale = 1): T {
  for (let i = 0; i < array.length; i++) array[i] = scale * Math.sin(1 + seed * 7.13 + i * (1.7 + (seed % 11) * 0.01))
  return array
}

/** A detector without noise, error or dark current, 2 mW full scale, 12 bits. */
export const QUIET_DETECTOR: DetectorParameters = {
  responsivityAPerW: 1,
  nominalAPerW: 1,
  darkA: 0,
  thermalAPerRtHz: 0,
  bandwidthHz: 0,
  fullScaleMw: 2,
  steps: 4096,
  noiseStream: 'detector',
  weightPerMw: 1,
}

export function bankOf(kernels: Kernels, count: number, changes: Partial<DetectorParameters> = {}): DetectorBank {
  const detectors = Array.from({ length: count }, (_, d) => ({
    ...QUIET_DETECTOR,
    noiseStream: `detector ${d}`,
    ...changes,
  }))
  return new DetectorBank(kernels, detectors, 1)
}
