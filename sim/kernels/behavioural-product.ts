import type { Capture, KernelEngine } from './kernel-engine.ts'
import { captureScratchFloats, NOISE_FLOATS } from './kernel-engine.ts'
import type { KernelMemory } from './kernel-memory.ts'
import { noiseCounter, passCounter } from './noise-counter.ts'

/** Rows that are encoded and captured together: their light stays in the cache. */
const ROWS_AT_ONCE = 256
/** Outputs of neighbouring tiles that are captured together. */
const OUTPUTS_AT_ONCE = 128

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
  readonly scales: Float32Array
  readonly inverses: Float32Array
  readonly factors: Float32Array
  readonly codes: Int8Array
  readonly panels: Float32Array
  readonly noise: Float32Array
  readonly capture: Float32Array
}

export function productScratch(
  memory: KernelMemory,
  { tileInputs, tileOutputs }: Pick<ProductJob, 'tileInputs' | 'tileOutputs'>,
): ProductScratch {
  const tiles = tilesAtOnce(tileOutputs)
  return {
    scales: memory.float32(ROWS_AT_ONCE),
    inverses: memory.float32(ROWS_AT_ONCE),
    factors: memory.float32(tiles * ROWS_AT_ONCE),
    codes: memory.int8(ROWS_AT_ONCE * tileInputs),
    panels: memory.unclearedFloat32(3 * ROWS_AT_ONCE * tileInputs),
    noise: memory.unclearedFloat32(NOISE_FLOATS),
    capture: memory.unclearedFloat32(captureScratchFloats(tiles * ((tileOutputs + 3) & ~3))),
  }
}

const tilesAtOnce = (tileOutputs: number): number => Math.max(1, Math.floor(OUTPUTS_AT_ONCE / tileOutputs))

/** Rows `first` to `first + rows` of a product; `first` is a multiple of eight. Returns over-range readings. */
export function productRows(
  engine: KernelEngine,
  job: ProductJob,
  scratch: ProductScratch,
  first: number,
  rows: number,
): number {
  const tiles = tilesAtOnce(job.tileOutputs)
  let over = 0
  for (let row = first; row < first + rows; row += ROWS_AT_ONCE) {
    const count = Math.min(ROWS_AT_ONCE, first + rows - row)
    for (let k = 0; k < job.innerTiles; k++) {
      light(engine, job, scratch, row, count, k)
      for (let n = 0; n < job.outputTiles; n += tiles) {
        const length = Math.min(tiles, job.outputTiles - n)
        const captures = Array.from({ length }, (_, at) => captureOf(engine, job, scratch, row, count, k, n + at, at))
        if (job.detection === 'balanced') over += engine.captureNeighbours(captures)
        else for (const capture of captures) over += engine.captureBanks(capture)
      }
    }
  }
  return over
}

/** Scales and codes of `count` rows of one inner tile, and the light that they let through. */
function light(
  engine: KernelEngine,
  { values, stride, tileInputs, modulators, fields, detection }: ProductJob,
  { scales, inverses, codes, panels }: ProductScratch,
  row: number,
  count: number,
  k: number,
): void {
  const from = values.subarray(row * stride + k * tileInputs)
  engine.rowScales(from, stride, tileInputs, count, scales, inverses)
  engine.encode(from, stride, tileInputs, count, inverses, modulators, codes, ROWS_AT_ONCE)
  if (detection === 'balanced') engine.fieldPanels(codes, ROWS_AT_ONCE, tileInputs, count, fields, panels)
  else engine.powerPanels(codes, ROWS_AT_ONCE, tileInputs, count, fields, panels)
}

/** Rows of one tile; `at` is its place among those that are captured at once. */
function captureOf(
  engine: KernelEngine,
  job: ProductJob,
  { scales, factors, panels, noise, capture: scratch }: ProductScratch,
  row: number,
  count: number,
  k: number,
  n: number,
  at: number,
): Capture {
  const { tileInputs: inputs, tileOutputs: outputs, outputTiles, keys, lo, sumStride: stride } = job
  const { detectors, detectorStride = 0 } = job
  const pass = k * outputTiles + n
  const { low, high } = noiseCounter(passCounter(job.firstSample, pass, job.rows) + row, count)
  const own = factors.subarray(at * ROWS_AT_ONCE)
  engine.intensityFactors(own, count, job.intensitySigma, job.intensityKey, low, high, noise)
  const perTile = packedTileFloats(job.detection, outputs, inputs)
  return {
    as: 'sum',
    panels,
    tile: job.tiles.subarray(pass * perTile, (pass + 1) * perTile),
    lo,
    inputs,
    outputs,
    rows: count,
    detectors: detectors.subarray(pass * detectorStride),
    keys,
    factors: own,
    scales,
    out: job.sums.subarray(n * outputs * stride + row),
    stride,
    counterLow: low,
    counterHigh: high,
    scratch,
  }
}

/** Floats of one packed tile. */
export function packedTileFloats(detection: ProductJob['detection'], outputs: number, inputs: number): number {
  return detection === 'balanced' ? 12 * Math.ceil(outputs / 4) * inputs : 4 * Math.ceil(outputs / 2) * inputs
}
