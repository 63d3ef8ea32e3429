import type { CoreKnowledge, KnownErrors, OpticalCore, Tile } from '../../core/optical-core.ts'
import type { CutTile, TileProduct } from '../tiles/tile-product.ts'
import { ONE_PASS, passCount, playedOn, sendRows } from './passes.ts'
import type { Passes } from './passes.ts'
import { PROBES } from './probes.ts'

/**
 * Mean squares over the elements of C of what each kind of error makes of them, were all rows sent once, relative to
 * the squared range of C: squares of very large or small numbers leave a double's range.
 */
export interface ErrorSums {
  /** Codes are whole numbers: which ones will be played is known, so this is what they will miss. */
  readonly codes: number
  /** What the core knows that its optics will miss of these weights. */
  readonly model: number
  /** Mean product of the two. */
  readonly codesByModel: number
  /** Readings are rounded and noisy. */
  readonly readings: number
  /** Light that comes with either sign of the inputs alike. */
  readonly even: number
  /** Weights that the core does not make as it believes. */
  readonly unknown: number
  /** What weights would be off by once they had been measured by `weightProbes` and mended. */
  readonly mended: number
  readonly spread: ErrorSpread
}

/** What tells how far the squared error of one job may be from what is expected of it. */
export interface ErrorSpread {
  /** Mean over the elements of C of (known error)²·(reading)², over their number. */
  readonly knownByReadings: number
  /**
   * Variance of the mean of 2·(known error)·(what unknown weights add). What codes miss of largest values, which are
   * sent as ±1, is the same in every row, as is what a weight is off by: the two meet in all rows alike.
   */
  readonly knownByWeights: number
  /** Mean of the fourth power of readings, over the number of elements. */
  readonly readings: number
  /** Outputs and lanes that have a reading of silence of their own. */
  readonly silences: number
  /** Weights that are off, as far as rows can tell them apart. */
  readonly weights: number
  /** Variance of the mean of what is known, because some rows and tiles stand for all. */
  readonly sampled: number
}

/** What is done about them. */
export interface Remedy extends Passes {
  /** Every tile is measured while it works, and a second one makes what the first missed. */
  readonly isMended: boolean
}

export const NO_REMEDY: Remedy = { ...ONE_PASS, isMended: false }

/** So many tiles, and rows of each, stand for all of them. */
export interface Sample {
  readonly tiles: number
  readonly rows: number
  /** Tiles that are compiled to know what the optics will make of them; 0: not needed for a comparison. */
  readonly compiled: number
}

/** The mean fourth power of a normal number of variance 1: a product is a sum of many terms. */
const KURTOSIS = 3

/**
 * Of the square of what weights are off by, the part that whole rows and columns of a tile have in common: gains of
 * ports that are a little wrong. Assumption, near what two chips of the default bench showed.
 */
const GAIN_SHARE = 0.5

/** What products of A and B will be off by, kind by kind, from what the core knows of itself. */
export function errorSums(
  core: OpticalCore,
  known: KnownCore,
  product: TileProduct,
  range: number,
  sample: Sample,
): ErrorSums {
  const { errors, knowledge } = known
  const { inputs } = core.shape
  const { a, b, innerTiles } = product
  const across = product.tiles / innerTiles
  const inner = spread(innerTiles, sample.tiles)
  const columns = spread(across, Math.max(1, Math.floor(sample.tiles / Math.max(1, innerTiles))))
  const rows = spread(a.rows, sample.rows)
  const cuts = columns.map((column) => inner.map((row) => product.tile(row * across + column)))
  const made = madeOf(cuts.flat(), knowledge, sample.compiled)
  const sums = { codes: 0, model: 0, cross: 0, readings: 0, even: 0, single: 0, gains: 0, mended: 0 }
  const luck = { knownByReadings: 0, knownByWeights: 0, readings: 0, cells: 0, squaredCells: 0 }
  // Partial sums of one element add with their signs; those of tiles that others stand for, as squares.
  const each = inner.length === 0 ? 0 : innerTiles / inner.length
  let count = 0
  for (const tiles of cuts) {
    const prepared = tiles.map((cut) => preparedTile(cut, knowledge, made))
    const width = tiles[0]?.columns ?? 0
    const [codes, model, readings] = [new Float64Array(width), new Float64Array(width), new Float64Array(width)]
    const meetings = prepared.map(() => new Float64Array(width * inputs))
    for (const row of rows) {
      const given: { readonly values: Float64Array; readonly scale: number }[] = []
      for (const sum of [codes, model, readings]) sum.fill(0)
      let guessed = 0
      for (const { cut, off, signalMw, weightSquare } of prepared) {
        const { weights } = cut.tile
        const { values, scale } = product.inputs(cut, row, 1)
        const { missed } = sendRows(values, inputs, ONE_PASS, playedOn(knowledge, row % core.lanes))
        given.push({ values, scale: scale[0]! })
        const light = values.reduce((sum, value) => sum + value * value, 0)
        for (let output = 0; output < width; output++) {
          const factor = (scale[0]! * cut.scale[output]!) / (range || 1)
          const unit = factor ** 2
          let [code, signal, terms, modelled] = [0, 0, 0, 0]
          for (let i = 0; i < inputs; i++) {
            const at = output * inputs + i
            const term = weights[at]! * values[i]!
            code -= weights[at]! * missed[i]!
            signal += term
            terms += term * term
            if (off !== undefined) modelled += off[at]! * (values[i]! - missed[i]!)
          }
          const reading = (errors.readingMw / signalMw[output]!) ** 2
          codes[output]! += factor * code
          model[output]! += factor * modelled
          readings[output]! += each * unit * reading
          if (off === undefined) guessed += unit * made.elsewhere * weightSquare * light
          sums.even += each * unit * KURTOSIS * (errors.evenPerMw * signalMw[output]! * terms) ** 2
          sums.single += each * unit * weightSquare * light
          sums.gains += (each * unit * (terms + signal * signal)) / 2
          sums.mended += (each * unit * reading * light) / (inputs * core.lanes)
        }
      }
      sums.model += each * guessed
      let cell = guessed
      for (let output = 0; output < width; output++) {
        const knownSquare = (codes[output]! + model[output]!) ** 2
        sums.codes += each * codes[output]! ** 2
        sums.model += each * model[output]! ** 2
        sums.cross += each * codes[output]! * model[output]!
        sums.readings += readings[output]!
        luck.knownByReadings += each * knownSquare * readings[output]!
        luck.readings += readings[output]! ** 2
        cell += knownSquare
        for (const [t, { values, scale }] of given.entries()) {
          const met = (scale * (codes[output]! + model[output]!)) / (range || 1)
          for (let i = 0; i < inputs; i++) meetings[t]![output * inputs + i]! += met * values[i]!
        }
      }
      count += width
      luck.cells += (each * cell) / width
      luck.squaredCells += ((each * cell) / width) ** 2
    }
    for (const [t, tile] of prepared.entries()) luck.knownByWeights += each ** 2 * metByWeights(tile, meetings[t]!)
  }
  const mean = (sum: number): number => (count === 0 ? 0 : sum / count)
  const elements = a.rows * b.columns
  const unknown = errors.weights ** 2 * mean((1 - GAIN_SHARE) * sums.single + GAIN_SHARE * sums.gains)
  const wrong = unknown + mean(sums.codes + sums.model)
  return {
    codes: mean(sums.codes),
    model: mean(sums.model),
    codesByModel: mean(sums.cross),
    readings: mean(sums.readings),
    even: mean(sums.even),
    unknown,
    // What a second tile makes is off by as much of it as the first.
    mended: mean(sums.mended) + wrong * (errors.weights ** 2 + made.elsewhere),
    spread: {
      knownByReadings: mean(luck.knownByReadings) / elements,
      knownByWeights: count === 0 ? 0 : (errors.weights / count) ** 2 * 4 * luck.knownByWeights,
      readings: mean(luck.readings) / elements,
      silences: b.columns * Math.min(core.lanes, a.rows),
      weights: b.columns * Math.min(a.rows, b.rows),
      sampled: varianceOfMean(
        luck,
        rows.length * cuts.length,
        (rows.length * cuts.length * inner.length) / (a.rows * product.tiles),
      ),
    },
  }
}

/** A core that can say what it will be off by. */
export interface KnownCore {
  readonly knowledge: CoreKnowledge
  readonly errors: KnownErrors
}

export function knownCore({ knowledge }: OpticalCore): KnownCore | undefined {
  return knowledge?.errors === undefined ? undefined : { knowledge, errors: knowledge.errors }
}

export const probesOf = (isMended: boolean, inputs: number): number => (isMended ? 2 * inputs : PROBES)

/** Frames and time of the bench that a product will take. */
export function costOf(core: OpticalCore, product: TileProduct, remedy: Remedy): { frames: number; seconds: number } {
  const { tiles, a, shape } = product
  const first = played(core, a.rows, probesOf(remedy.isMended, shape.inputs), passCount(remedy))
  const second = remedy.isMended ? played(core, a.rows, PROBES, 1) : { frames: 0, seconds: 0 }
  return { frames: tiles * (first.frames + second.frames), seconds: tiles * (first.seconds + second.seconds) }
}

/** All rows through one tile. */
function played(core: OpticalCore, rows: number, probes: number, passes: number): { frames: number; seconds: number } {
  const perFrame = rowsPerFrame(core, probes, passes)
  let [frames, seconds] = [0, 0]
  for (let left = rows; left > 0; left -= perFrame, frames++) {
    const symbols = probes + Math.ceil(Math.min(left, perFrame) / core.lanes) * passes
    seconds += core.knowledge?.frameSeconds(symbols, frames === 0) ?? 0
  }
  return { frames, seconds }
}

export const rowsPerFrame = (core: OpticalCore, probes: number, passes: number): number =>
  Math.floor((core.maxSymbolsPerFrame - probes) / passes) * core.lanes

/** What the core knows that it will make of some tiles. */
interface MadeTiles {
  /** [tile][output, input] less what it was asked for. */
  readonly off: ReadonlyMap<number, Float64Array>
  /** Mean square of that relative to the weights', for the tiles that are not among them. */
  readonly elsewhere: number
}

function madeOf(cuts: readonly CutTile[], knowledge: CoreKnowledge, most: number): MadeTiles {
  const off = new Map<number, Float64Array>()
  const shares: number[] = []
  for (const at of spread(cuts.length, most)) {
    const { tile } = cuts[at]!
    const missed = offBy(tile, knowledge)
    off.set(tile.id, missed)
    const squares = sumOfSquares(tile.weights)
    shares.push(squares > 0 ? sumOfSquares(missed) / squares : 0)
  }
  return { off, elsewhere: meanOf(shares) }
}

const offBy = (tile: Tile, knowledge: CoreKnowledge): Float64Array =>
  knowledge.made(tile).map((weight, i) => weight - tile.weights[i]!)

interface PreparedTile {
  readonly cut: CutTile
  readonly off: Float64Array | undefined
  readonly signalMw: Float64Array
  readonly weightSquare: number
}

function preparedTile(cut: CutTile, knowledge: CoreKnowledge, { off }: MadeTiles): PreparedTile {
  const { id, weights } = cut.tile
  const weightSquare = sumOfSquares(weights) / weights.length
  return { cut, off: off.get(id), signalMw: knowledge.signalMw(weights), weightSquare }
}

/** Square of what weights of one tile that are off add to products with the known error, for weights off by 1. */
function metByWeights({ cut, weightSquare }: PreparedTile, meetings: Float64Array): number {
  const { tile, scale } = cut
  const inputs = tile.weights.length / scale.length
  const byInput = new Float64Array(inputs)
  let [single, gains] = [0, 0]
  for (let output = 0; output * inputs < meetings.length; output++) {
    let byOutput = 0
    for (let i = 0; i < inputs; i++) {
      const met = scale[output]! * meetings[output * inputs + i]!
      single += weightSquare * met ** 2
      byOutput += tile.weights[output * inputs + i]! * met
      byInput[i]! += tile.weights[output * inputs + i]! * met
    }
    gains += byOutput ** 2
  }
  return (1 - GAIN_SHARE) * single + (GAIN_SHARE * (gains + sumOfSquares(byInput))) / 2
}

/** Of cells that stand for all of them; `share`: how many of all were looked at. */
function varianceOfMean(
  { cells, squaredCells }: { cells: number; squaredCells: number },
  count: number,
  share: number,
): number {
  if (count < 2 || share >= 1) return 0
  const variance = (squaredCells - cells ** 2 / count) / (count - 1)
  return (Math.max(0, variance) / count) * (1 - share)
}

const sumOfSquares = (values: Float64Array): number => values.reduce((sum, value) => sum + value * value, 0)

const meanOf = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

/** At most so many of the numbers from 0, evenly. */
function spread(count: number, most: number): readonly number[] {
  const taken = Math.min(count, most)
  return Array.from({ length: taken }, (_, i) => Math.floor(((i + 0.5) * count) / taken))
}
