import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { BenchError } from '../../core/errors.ts'
import type { Capture, CaptureAs, KernelEngine } from './kernel-engine.ts'

type Argument = number | ArrayBufferView
type Exports = Readonly<Record<string, (...values: number[]) => number>>

/** Built by `npm run prepare`: beside the compiled file, or from the sources at the same place of `dist`. */
export const KERNELS_WASM = new URL(
  extname(import.meta.url) === '.ts' ? '../../dist/sim/kernels/kernels.wasm' : './kernels.wasm',
  import.meta.url,
)

const CAPTURES: Readonly<Record<CaptureAs, number>> = { fields: 0, powers: 1, codes: 2, sum: 3 }

/** What stands around the products of a library that multiplies whole matrices: lines and blocks in, its products out. */
export interface LineKernels {
  readonly tileLines: KernelEngine['packTile']
  /** Light of so many rows in each block. */
  fieldBlocks(...values: [...Parameters<KernelEngine['packFields']>, width: number]): void
  codeBlocks(...values: [...Parameters<KernelEngine['fieldPanels']>, width: number]): void
  /**
   * Detects rows `first` to `last` of a capture whose products stand in `products` [3][of `part`][line], its first
   * output's first. Returns how many readings were over range.
   */
  captureProducts(
    capture: Capture,
    products: Float32Array,
    line: number,
    part: number,
    first: number,
    last: number,
  ): number
}

/**
 * The kernels in WebAssembly SIMD, over one shared memory: every array that is handed in is a view of it.
 *
 * Throws: CALL_INVALID for an array that is not in shared memory.
 */
export function wasmEngine(memory: WebAssembly.Memory): KernelEngine & LineKernels {
  const exports = new WebAssembly.Instance(kernelModule(), { env: { memory } }).exports as Exports
  const call =
    (name: keyof KernelEngine | keyof LineKernels) =>
    (...values: Argument[]): number =>
      exports[name]!(...values.map(placeOf))

  const setCapture = (capture: Capture): void => {
    const { scratch, factors, scales, detectors, keys, out, stride, outputs, rows } = capture
    const places = [scratch, factors, scales, detectors, keys, out].map(placeOf)
    exports['setCapture']!(...places, stride, outputs, rows, capture.counterLow, capture.counterHigh)
  }
  const captureBalanced = (capture: Capture): number => {
    setCapture(capture)
    const places = [capture.panels, capture.tile, capture.lo].map(placeOf)
    return exports['captureBalanced']!(CAPTURES[capture.as], ...places, capture.inputs)
  }
  return {
    normals: call('normals'),
    intensityFactors: call('intensityFactors'),
    detect: call('detect'),
    rowScales: call('rowScales'),
    encode: call('encode'),
    fieldPanels: call('fieldPanels'),
    powerPanels: call('powerPanels'),
    largest: call('largest'),
    scaleLines: call('scaleLines'),
    rowsOfSums: call('rowsOfSums'),
    cutTile: call('cutTile'),
    largestSingularValue: call('largestSingularValue'),
    fieldsOfWeights: call('fieldsOfWeights'),
    silentFields: call('silentFields'),
    packTile: call('packTile'),
    packBanks: call('packBanks'),
    packFields: call('packFields'),
    transpose: call('transpose'),
    copyLines: call('copyLines'),
    packColumns: call('packColumns'),
    multiply: call('multiply'),
    mziMatrices: call('mziMatrices'),
    factorOut: call('factorOut'),
    propagate: call('propagate'),
    propagateLossless: call('propagateLossless'),
    applyScreen: call('applyScreen'),
    foldColumns: call('foldColumns'),
    tileLines: call('tileLines'),
    fieldBlocks: call('fieldBlocks'),
    codeBlocks: call('codeBlocks'),
    captureProducts: (capture, products, line, part, first, last) => {
      setCapture(capture)
      const places = [capture.lo, products].map(placeOf)
      return exports['captureProducts']!(CAPTURES[capture.as], ...places, line, part, first, last)
    },
    captureBalanced,
    captureNeighbours: (captures) => captures.reduce((over, capture) => over + captureBalanced(capture), 0),
    captureBanks: (capture) => {
      setCapture(capture)
      const places = [capture.panels, capture.tile].map(placeOf)
      return exports['captureBanks']!(CAPTURES[capture.as], ...places, capture.inputs)
    },
  }
}

let compiled: WebAssembly.Module | undefined

function kernelModule(): WebAssembly.Module {
  try {
    return (compiled ??= new WebAssembly.Module(readFileSync(KERNELS_WASM)))
  } catch (cause) {
    throw new BenchError(
      'CALL_INVALID',
      'the kernels are not built: run npm run prepare, or choose the javascript engine',
      {
        cause,
      },
    )
  }
}

function placeOf(value: Argument): number {
  if (typeof value === 'number') return value
  if (!(value.buffer instanceof SharedArrayBuffer)) {
    throw new BenchError('CALL_INVALID', 'a kernel was given an array outside the shared memory')
  }
  return value.byteOffset
}
