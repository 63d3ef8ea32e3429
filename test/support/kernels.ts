import { streamKey } from '../../core/random.ts'
import { packedTileFloats } from '../../sim/kernels/behavioural-product.ts'
import type { ProductJob } from '../../sim/kernels/behavioural-product.ts'
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

/** A product on a core of 8×8 tiles without noise, and what it should be: both [output][rows, in whole groups]. */
export function smallProduct(
  kernels: Kernels,
  { rows, innerTiles, outputTiles } = { rows: 19, innerTiles: 2, outputTiles: 2 },
): { readonly job: ProductJob; readonly exact: Float64Array } {
  const tile = 8
  const [inputs, outputs, sumStride] = [tile * innerTiles, tile * outputTiles, (rows + 7) & ~7]
  const values = filled(kernels.memory.float32(rows * inputs), 1)
  const weights = filled(new Float64Array(outputs * inputs), 2)
  const packed = kernels.memory.float32(innerTiles * outputTiles * packedTileFloats('balanced', tile, tile))
  const [re, im] = [kernels.memory.float32(tile * tile), kernels.memory.float32(tile * tile)]
  for (let k = 0; k < innerTiles; k++) {
    for (let n = 0; n < outputTiles; n++) {
      for (let at = 0; at < tile * tile; at++) {
        const [output, input] = [Math.floor(at / tile), at % tile]
        re[at] = weights[(n * tile + output) * inputs + k * tile + input]!
      }
      const floats = packedTileFloats('balanced', tile, tile)
      kernels.engine.packTile(re, im, tile, tile, packed.subarray((k * outputTiles + n) * floats))
    }
  }
  const codesPerRad = 127 / (Math.PI / 2)
  const fields = kernels.memory.float32(512 * tile)
  const modulators = kernels.memory.float32(4 * tile)
  const lo = kernels.memory.float32(tile)
  lo.fill(1)
  for (let k = 0; k < tile; k++) {
    modulators.set([1, 0, codesPerRad, 0], 4 * k)
    for (let code = -127; code <= 127; code++) fields[512 * k + 2 * (code + 128)] = Math.sin(code / codesPerRad)
  }
  const detectors = Array.from({ length: tile }, () => [0.5, -0.5]).flat()
  const bank = bankOf(kernels, 2 * tile, { fullScaleMw: 64 })
  for (const [d, weight] of detectors.entries()) bank.parameters[8 * d + 6] = (weight * 64) / 4096
  const job: ProductJob = {
    detection: 'balanced',
    values,
    stride: inputs,
    rows,
    tileInputs: tile,
    tileOutputs: tile,
    innerTiles,
    outputTiles,
    tiles: packed,
    modulators,
    fields,
    lo,
    detectors: bank.parameters,
    keys: bank.keys,
    intensityKey: streamKey(1, 'rin'),
    intensitySigma: 0,
    firstSample: 0,
    sums: kernels.memory.float32(outputs * sumStride),
    sumStride,
  }
  const exact = new Float64Array(outputs * sumStride)
  for (let n = 0; n < outputs; n++) {
    for (let m = 0; m < rows; m++) {
      let sum = 0
      for (let k = 0; k < inputs; k++) sum += values[m * inputs + k]! * weights[n * inputs + k]!
      exact[n * sumStride + m] = sum
    }
  }
  return { job, exact }
}
