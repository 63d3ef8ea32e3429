import type { CoreKnowledge, KnownErrors, OpticalCore, Tile } from '../../core/optical-core.ts'
import type { TileProduct } from '../tiles/tile-product.ts'
import { ONE_PASS, passCount, playedOn, sendRows } from './passes.ts'
import type { Passes } from './passes.ts'
import { PROBES } from './probes.ts'

/**
 * Mean squares over the elements of C of what each kind of error makes of them, were all rows sent once, relative to
 * the squared range of C: squares of very large or small numbers leave a double's range.
 */
export interface ErrorSums {
  /** Codes are whole numbers. */
  readonly codes: number
  /** Readings are rounded and noisy. */
  readonly readings: number
  /** Light that comes with either sign of the inputs alike. */
  readonly even: number
  /** Weights that the core does not make as they were asked for. */
  readonly weights: number
  /** What weights would be off by once they had been measured by `weightProbes` and mended. */
  readonly mended: number
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
  const made = new Map(
    spread(product.tiles, sample.compiled).map((id) => [id, offBy(product.tile(id).tile, knowledge)] as const),
  )
  const elsewhere = meanOf([...made.values()].map(({ share }) => share))
  const sums = { codes: 0, readings: 0, even: 0, single: 0, gains: 0, model: 0, mended: 0 }
  let count = 0
  for (const id of spread(product.tiles, sample.tiles)) {
    const cut = product.tile(id)
    const { weights } = cut.tile
    const off = made.get(id)?.off
    const signalMw = knowledge.signalMw(weights)
    const weightSquare = sumOfSquares(weights) / weights.length
    for (const row of spread(product.a.rows, sample.rows)) {
      const { values, scale } = product.inputs(cut, row, 1)
      const { missed } = sendRows(values, inputs, ONE_PASS, playedOn(knowledge, row % core.lanes))
      const light = values.reduce((sum, value) => sum + value * value, 0)
      for (let output = 0; output < cut.columns; output++) {
        const unit = ((scale[0]! * cut.scale[output]!) / (range || 1)) ** 2
        let [code, signal, terms, model] = [0, 0, 0, 0]
        for (let i = 0; i < inputs; i++) {
          const at = output * inputs + i
          const term = weights[at]! * values[i]!
          code += weights[at]! * missed[i]!
          signal += term
          terms += term * term
          if (off !== undefined) model += off[at]! * values[i]!
        }
        const reading = (errors.readingMw / signalMw[output]!) ** 2
        sums.codes += unit * code * code
        sums.readings += unit * reading
        sums.even += unit * KURTOSIS * (errors.evenPerMw * signalMw[output]! * terms) ** 2
        sums.single += unit * weightSquare * light
        sums.gains += (unit * (terms + signal * signal)) / 2
        sums.model += unit * (off === undefined ? elsewhere * weightSquare * light : model * model)
        sums.mended += (unit * reading * light) / (inputs * core.lanes)
        count++
      }
    }
  }
  const each = count === 0 ? 0 : product.innerTiles / count
  const unknown = errors.weights ** 2 * ((1 - GAIN_SHARE) * sums.single + GAIN_SHARE * sums.gains)
  const weights = unknown + sums.model
  return {
    codes: sums.codes * each,
    readings: sums.readings * each,
    even: sums.even * each,
    weights: weights * each,
    // What a second tile makes is off by as much of it as the first.
    mended: (sums.mended + (weights + sums.codes) * (errors.weights ** 2 + elsewhere)) * each,
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

/** Mean square over the elements of C relative to the squared range, with what is done about it. */
export function squaredError(
  { codes, readings, even, weights, mended }: ErrorSums,
  { repeats, slices, isMended }: Remedy,
  { knowledge }: KnownCore,
  inputs: number,
): number {
  // What does not change its sign with the inputs falls out of as many repeats of either sign.
  const kept = repeats % 2 === 0 ? 0 : 1 / repeats ** 2
  const silence = knowledge.readsSilence ? readings / probesOf(isMended, inputs) : 0
  return (
    (slices === 2 ? 0 : codes / repeats ** 2) +
    readings / repeats +
    kept * (even + silence) +
    (isMended ? mended : weights)
  )
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

/** What the core knows that it will miss of a tile: weight by weight, and its square relative to that of the tile. */
function offBy(tile: Tile, knowledge: CoreKnowledge): { readonly off: Float64Array; readonly share: number } {
  const made = knowledge.made(tile)
  const off = made.map((weight, i) => weight - tile.weights[i]!)
  const squares = sumOfSquares(tile.weights)
  return { off, share: squares > 0 ? sumOfSquares(off) / squares : 0 }
}

const sumOfSquares = (values: Float64Array): number => values.reduce((sum, value) => sum + value * value, 0)

function meanOf(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return values.length === 0 ? 0 : sum / values.length
}

/** At most so many of the numbers from 0, evenly. */
function spread(count: number, most: number): readonly number[] {
  const taken = Math.min(count, most)
  return Array.from({ length: taken }, (_, i) => Math.floor(((i + 0.5) * count) / taken))
}
