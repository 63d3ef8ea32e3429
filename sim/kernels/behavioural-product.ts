import type { Capture, KernelEngine } from './kernel-engine.ts'
import { CAPTURE_ROWS, captureScratchFloats, NOISE_FLOATS } from './kernel-engine.ts'
import type { KernelMemory } from './kernel-memory.ts'
import { noiseCounter, passCounter } from './noise-counter.ts'

/** Outputs of neighbouring tiles that are captured together: their products stay in the cache. */
const OUTPUTS_AT_ONCE = 256
/** Inputs whose light is kept. */
const INPUTS_AT_ONCE = 1024

/**
 * C += A·B on a tiled core with everything that its light, detectors and converters do, as data that threads share.
 *
 * Shapes: `values` [row][stride], whole tiles wide; `tiles` [inner tile][output tile] packed for `captureBalanced` or
 * `captureBanks`; `sums` [output][sumStride], whole tiles high, so C transposed.
 */
export interface ProductJob {
  readonly detection: 'balanced' | 'banks'
  readonly values: Float32Array
  readonly stride: number
  readonly rows: number
  readonly tileInputs: number
  readonly tileOutputs: number
  readonly innerTiles: number
  readonly outputTiles: number
  readonly tiles: Float32Array
  /** [input][reach, bias, codes per rad, 0] */
  readonly modulators: Float32Array
  /** [input][256][re, im], or [input][256] powers for banks. */
  readonly fields: Float32Array
  readonly lo: Float32Array
  readonly detectors: Float32Array
  /** Floats from the detectors of one tile to those of the next, where each tile has its own scale; 0: all share them. */
  readonly detectorStride?: number
  readonly keys: Int32Array
  readonly intensityKey: number
  readonly intensitySigma: number
  /** Number of the first noise sample; see `passCounter`. */
  readonly firstSample: number
  readonly sums: Float32Array
  readonly sumStride: number
}

/** What one thread works in. */
export interface ProductScratch {
  /** [inner tile][row] */
  readonly scales: Float32Array
  readonly inverses: Float32Array
  readonly factors: Float32Array
  readonly codes: Int8Array
  /** [inner tile], each the light of all its rows. */
  readonly panels: Float32Array
  readonly noise: Float32Array
  readonly capture: Float32Array
  /** [output][row] of the tiles that are captured together. */
  readonly sums: Float32Array
}

export function productScratch(memory: KernelMemory, job: TileShape): ProductScratch {
  const { tileInputs, tileOutputs } = job
  const [inner, tiles] = [innerAtOnce(job), tilesAtOnce(job)]
  return {
    scales: memory.float32(inner * CAPTURE_ROWS),
    inverses: memory.float32(CAPTURE_ROWS),
    factors: memory.float32(tiles * CAPTURE_ROWS),
    codes: memory.int8(CAPTURE_ROWS * tileInputs),
    panels: memory.unclearedFloat32(inner * panelFloats(job)),
    noise: memory.unclearedFloat32(NOISE_FLOATS),
    capture: memory.unclearedFloat32(captureScratchFloats(tiles * ((tileOutputs + 3) & ~3))),
    sums: memory.unclearedFloat32(tiles * tileOutputs * CAPTURE_ROWS),
  }
}

type TileShape = Pick<ProductJob, 'tileInputs' | 'tileOutputs' | 'innerTiles'>

const panelFloats = ({ tileInputs }: TileShape): number => 3 * CAPTURE_ROWS * tileInputs
const innerAtOnce = ({ tileInputs, innerTiles }: TileShape): number =>
  Math.min(innerTiles, Math.ceil(INPUTS_AT_ONCE / tileInputs))
const tilesAtOnce = ({ tileOutputs }: TileShape): number => Math.max(1, Math.floor(OUTPUTS_AT_ONCE / tileOutputs))

/** Output tiles `first` to `last`, the last one excluded. */
export interface OutputTiles {
  readonly first: number
  readonly last: number
}

/** All output tiles of a product in at most `count` parts, none smaller than what is captured at once. */
export function partsOfOutputs(job: ProductJob, count: number): readonly OutputTiles[] {
  const { outputTiles } = job
  const tiles = tilesAtOnce(job)
  const size = tiles * Math.ceil(outputTiles / tiles / Math.max(1, count))
  return Array.from({ length: Math.ceil(outputTiles / size) }, (_, part) => ({
    first: part * size,
    last: Math.min(outputTiles, (part + 1) * size),
  }))
}

/**
 * Rows `first` to `first + rows` of a product, or of some of its outputs; `first` is a multiple of eight. Returns over-range
 * readings.
 */
export function productRows(
  engine: KernelEngine,
  job: ProductJob,
  scratch: ProductScratch,
  first: number,
  rows: number,
  outputs: OutputTiles = { first: 0, last: job.outputTiles },
): number {
  const inner = innerAtOnce(job)
  let over = 0
  for (let row = first; row < first + rows; row += CAPTURE_ROWS) {
    const count = Math.min(CAPTURE_ROWS, first + rows - row)
    for (let k = 0; k < job.innerTiles; k += inner) {
      over += addInnerTiles(engine, job, scratch, row, count, k, Math.min(inner, job.innerTiles - k), outputs)
    }
  }
  return over
}

/**
 * Adds what `length` inner tiles from `k` on make of `count` rows. Their light is kept, so that the sums of a few outputs
 * stay in the cache until all of it has come.
 */
function addInnerTiles(
  engine: KernelEngine,
  job: ProductJob,
  scratch: ProductScratch,
  row: number,
  count: number,
  k: number,
  length: number,
  { first, last }: OutputTiles,
): number {
  const { tileOutputs, sumStride, detection } = job
  const tiles = tilesAtOnce(job)
  const padded = (count + 7) & ~7
  for (let at = 0; at < length; at++) light(engine, job, scratch, row, count, k, at)
  let over = 0
  for (let n = first; n < last; n += tiles) {
    const some = Math.min(tiles, last - n)
    const [outputs, place] = [some * tileOutputs, job.sums.subarray(n * tileOutputs * sumStride + row)]
    engine.copyLines(place, sumStride, outputs, padded, scratch.sums, CAPTURE_ROWS)
    for (let at = 0; at < length; at++) {
      const captures = Array.from({ length: some }, (_, t) => captureOf(engine, job, scratch, row, count, k, at, n, t))
      if (detection === 'balanced') over += engine.captureNeighbours(captures)
      else for (const capture of captures) over += engine.captureBanks(capture)
    }
    engine.copyLines(scratch.sums, CAPTURE_ROWS, outputs, padded, place, sumStride)
  }
  return over
}

/** Scales and codes of `count` rows of inner tile `k + at`, and the light that they let through. */
function light(
  engine: KernelEngine,
  job: ProductJob,
  scratch: ProductScratch,
  row: number,
  count: number,
  k: number,
  at: number,
): void {
  const { values, stride, tileInputs, modulators, fields, detection } = job
  const { inverses, codes } = scratch
  const from = values.subarray(row * stride + (k + at) * tileInputs)
  const scales = scratch.scales.subarray(at * CAPTURE_ROWS)
  const panels = scratch.panels.subarray(at * panelFloats(job))
  engine.rowScales(from, stride, tileInputs, count, scales, inverses)
  engine.encode(from, stride, tileInputs, count, inverses, modulators, codes, CAPTURE_ROWS)
  if (detection === 'balanced') engine.fieldPanels(codes, CAPTURE_ROWS, tileInputs, count, fields, panels)
  else engine.powerPanels(codes, CAPTURE_ROWS, tileInputs, count, fields, panels)
}

/** Rows of one tile: inner tile `k + at`, whose light is kept at `at`, and output tile `n + t`, whose sums are at `t`. */
function captureOf(
  engine: KernelEngine,
  job: ProductJob,
  scratch: ProductScratch,
  row: number,
  count: number,
  k: number,
  at: number,
  n: number,
  t: number,
): Capture {
  const { tileInputs: inputs, tileOutputs: outputs, outputTiles, detectors, detectorStride = 0, keys, lo } = job
  const pass = (k + at) * outputTiles + n + t
  const { low, high } = noiseCounter(passCounter(job.firstSample, pass, job.rows) + row, count)
  const factors = scratch.factors.subarray(t * CAPTURE_ROWS)
  engine.intensityFactors(factors, count, job.intensitySigma, job.intensityKey, low, high, scratch.noise)
  const perTile = packedTileFloats(job.detection, outputs, inputs)
  return {
    as: 'sum',
    panels: scratch.panels.subarray(at * panelFloats(job)),
    tile: job.tiles.subarray(pass * perTile, (pass + 1) * perTile),
    lo,
    inputs,
    outputs,
    rows: count,
    detectors: detectors.subarray(pass * detectorStride),
    keys,
    factors,
    scales: scratch.scales.subarray(at * CAPTURE_ROWS),
    out: scratch.sums.subarray(t * outputs * CAPTURE_ROWS),
    stride: CAPTURE_ROWS,
    counterLow: low,
    counterHigh: high,
    scratch: scratch.capture,
  }
}

/** Floats of one packed tile. */
export function packedTileFloats(detection: ProductJob['detection'], outputs: number, inputs: number): number {
  return detection === 'balanced' ? 12 * Math.ceil(outputs / 4) * inputs : 4 * Math.ceil(outputs / 2) * inputs
}
