import type { CoreKnowledge, KnownErrors, OpticalCore } from '../../core/optical-core.ts'
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
  const sums = { codes: 0, readings: 0, even: 0, weights: 0, mended: 0 }
  let count = 0
  for (const id of spread(product.tiles, sample.tiles)) {
    const cut = product.tile(id)
    const { weights } = cut.tile
    const signalMw = knowledge.signalMw(weights)
    const weightSquare = weights.reduce((sum, weight) => sum + weight * weight, 0) / weights.length
    for (const row of spread(product.a.rows, sample.rows)) {
      const { values, scale } = product.inputs(cut, row, 1)
      const { missed } = sendRows(values, inputs, ONE_PASS, playedOn(knowledge, row % core.lanes))
      const light = values.reduce((sum, value) => sum + value * value, 0)
      for (let output = 0; output < cut.columns; output++) {
        const unit = ((scale[0]! * cut.scale[output]!) / (range || 1)) ** 2
        let [code, signal] = [0, 0]
        for (let i = 0; i < inputs; i++) {
          const weight = weights[output * inputs + i]!
          code += (weight * missed[i]!) ** 2
          signal += (weight * values[i]!) ** 2
        }
        const reading = (errors.readingMw / signalMw[output]!) ** 2
        sums.codes += unit * code
        sums.readings += unit * reading
        sums.even += unit * KURTOSIS * (errors.evenPerMw * signalMw[output]! * signal) ** 2
        sums.weights += unit * weightSquare * light
        sums.mended += (unit * reading * light) / (inputs * core.lanes)
        count++
      }
    }
  }
  const each = count === 0 ? 0 : product.innerTiles / count
  const weights = errors.weights ** 2 + modelShare(knowledge, product, sample.compiled)
  return {
    codes: sums.codes * each,
    readings: sums.readings * each,
    even: sums.even * each,
    weights: sums.weights * each * weights,
    // What a second tile makes is off by as much of it as the first.
    mended: (sums.mended + (sums.weights * weights + sums.codes) * weights) * each,
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

/** Squared distance of what the core knows that it will make from what it is asked for, relative. */
function modelShare(knowledge: CoreKnowledge, product: TileProduct, compiled: number): number {
  let [squares, off] = [0, 0]
  for (const id of spread(product.tiles, compiled)) {
    const { tile } = product.tile(id)
    const made = knowledge.made(tile)
    for (const [i, weight] of tile.weights.entries()) {
      squares += weight * weight
      off += (made[i]! - weight) ** 2
    }
  }
  return squares > 0 ? off / squares : 0
}

/** At most so many of the numbers from 0, evenly. */
function spread(count: number, most: number): readonly number[] {
  const taken = Math.min(count, most)
  return Array.from({ length: taken }, (_, i) => Math.floor(((i + 0.5) * count) / taken))
}
