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
