import { CAPTURE_LINES_FLOATS, CAPTURE_ROWS } from './kernel-engine.ts'
import type { Capture, KernelEngine } from './kernel-engine.ts'
import type { OpenBlas } from './openblas.ts'
import type { LineKernels } from './wasm-engine.ts'

/**
 * WebAssembly, with the three real products of a complex tile by OpenBLAS; what light, detectors and converters do
 * stays in WebAssembly.
 *
 * Its packed tiles [output][3][input] and blocks of light [row / CAPTURE_ROWS][3][input][row] are as large as those of the
 * other engines, but are read by this engine alone, and cut at multiples of CAPTURE_ROWS. OpenBLAS adds in an order of its own: fields agree with the
 * other engines' within float32 rounding, and a reading so near to an edge between two codes may fall on the other
 * side.
 */
export function openBlasEngine(wasm: KernelEngine & LineKernels, blas: OpenBlas): KernelEngine {
  const captureNeighbours = (captures: readonly Capture[]): number => {
    const [front] = captures
    if (front === undefined) return 0
    const products = front.scratch.subarray(CAPTURE_LINES_FLOATS)
    const outputs = paddedOutputs(front)
    const part = outputs * captures.length
    let over = 0
    for (let first = 0; first < front.rows; first += CAPTURE_ROWS) {
      const last = Math.min(first + CAPTURE_ROWS, front.rows)
      multiplyParts(blas, front, products, part, first, last)
      for (const [at, capture] of captures.entries()) {
        const left = products.subarray(at * outputs * CAPTURE_ROWS)
        over += wasm.captureProducts(capture, left, CAPTURE_ROWS, part, first, last)
      }
    }
    return over
  }
  return {
    ...wasm,
    packTile: wasm.tileLines,
    packFields: (...values) => wasm.fieldBlocks(...values, CAPTURE_ROWS),
    fieldPanels: (...values) => wasm.codeBlocks(...values, CAPTURE_ROWS),
    captureBalanced: (capture) => captureNeighbours([capture]),
    captureNeighbours,
  }
}

/** A packed tile has room for whole fours of outputs; what stands there is multiplied, and not read. */
const paddedOutputs = ({ outputs }: Capture): number => (outputs + 3) & ~3

/**
 * Tr·xr, Ti·xi and (Tr + Ti)·(xr + xi) of these rows and of `outputs` from a tile on, [3][output][CAPTURE_ROWS]: one call
 * for several tiles, since the library orders the light anew for each.
 */
function multiplyParts(
  blas: OpenBlas,
  { tile, panels, inputs }: Capture,
  products: Float32Array,
  outputs: number,
  first: number,
  last: number,
): void {
  const rows = (last - first + 7) & ~7
  for (let part = 0; part < 3; part++) {
    const weights = tile.subarray(part * inputs)
    const light = panels.subarray((3 * first + part * rows) * inputs)
    const left = products.subarray(part * outputs * CAPTURE_ROWS)
    blas.multiply(weights, 3 * inputs, light, rows, left, CAPTURE_ROWS, outputs, inputs, rows)
  }
}
