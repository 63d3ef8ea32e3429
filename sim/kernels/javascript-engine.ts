import type { KernelEngine } from './kernel-engine.ts'
import { captureBalanced, captureBanks } from './reference/capture.ts'
import { detect, intensityFactors } from './reference/detection.ts'
import { copyLines, packBanks, packFields, packTile, transpose } from './reference/layout.ts'
import { encode, fieldPanels, powerPanels, rowScales } from './reference/light.ts'
import { factorOut, mziMatrices } from './reference/matrices.ts'
import { applyScreen, foldColumns, propagate, propagateLossless } from './reference/mesh.ts'
import { multiply, packColumns } from './reference/multiply.ts'
import { normals } from './reference/noise.ts'
import { largest, rowsOfSums, scaleLines } from './reference/rows.ts'
import { cutTile, fieldsOfWeights, largestSingularValue, silentFields } from './reference/weights.ts'

/** The kernels in plain JavaScript, with Math.fround: what the WebAssembly ones are held against. */
export const javascriptEngine: KernelEngine = {
  normals,
  intensityFactors,
  detect,
  rowScales,
  encode,
  fieldPanels,
  powerPanels,
  largest,
  scaleLines,
  rowsOfSums,
  cutTile,
  largestSingularValue,
  fieldsOfWeights,
  silentFields,
  packTile,
  packBanks,
  packFields,
  transpose,
  copyLines,
  captureBalanced,
  captureNeighbours: (captures) => captures.reduce((over, capture) => over + captureBalanced(capture), 0),
  captureBanks,
  packColumns,
  multiply,
  mziMatrices,
  factorOut,
  propagate,
  propagateLossless,
  applyScreen,
  foldColumns,
}
