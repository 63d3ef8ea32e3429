import { CAPTURE_ROWS } from './kernel-engine.ts'
import type { Capture, KernelEngine } from './kernel-engine.ts'
import type { OpenBlas } from './openblas.ts'
import type { LineKernels } from './wasm-engine.ts'

/**
 * WebAssembly, with the three real products of a complex tile by OpenBLAS; what light, detectors and converters do
 * stays in WebAssembly.
 *
 * Its packed tiles [output][3][input] and panels [row][3][input] are as large as those of the other engines and can be
 * cut at the same rows, but are read by this engine alone. OpenBLAS adds in an order of its own: fields agree with the
 * other engines' within float32 rounding, and a reading so near to an edge between two codes may fall on the other
 * side.
 */
export function openBlasEngine(wasm: KernelEngine & LineKernels, blas: OpenBlas): KernelEngine {
  return {
    ...wasm,
    packTile: wasm.tileLines,
    packFields: wasm.fieldLines,
    fieldPanels: wasm.codeLines,
    captureBalanced: (capture) => {
      let over = 0
      for (let first = 0; first < capture.rows; first += CAPTURE_ROWS) {
        const last = Math.min(first + CAPTURE_ROWS, capture.rows)
        multiplyParts(blas, capture, first, last)
        over += wasm.captureProducts(capture, first, last, CAPTURE_ROWS)
      }
      return over
    },
  }
}

/** Tr·xr, Ti·xi and (Tr + Ti)·(xr + xi) of these rows, [3][output][CAPTURE_ROWS] behind the keys of the capture. */
function multiplyParts(blas: OpenBlas, capture: Capture, first: number, last: number): void {
  const { tile, panels, inputs, outputs, scratch } = capture
  const rows = (last - first + 7) & ~7
  for (let part = 0; part < 3; part++) {
    const weights = tile.subarray(part * inputs)
    const light = panels.subarray((3 * first + part) * inputs)
    const products = scratch.subarray((4 + part * CAPTURE_ROWS) * outputs)
    blas.multiplyLines(weights, 3 * inputs, light, 3 * inputs, products, CAPTURE_ROWS, outputs, inputs, rows)
  }
}
