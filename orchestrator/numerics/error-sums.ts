import type { CoreKnowledge, KnownErrors, OpticalCore } from '../../core/optical-core.ts'
import type { CutTile, TileProduct } from '../tiles/tile-product.ts'
import { fingerprint } from './alike-readings.ts'
import { ErrorLuck, GAIN_SHARE, WeightMeetings } from './error-luck.ts'
import type { ErrorSpread } from './error-luck.ts'
import { madeTiles } from './made-tiles.ts'
import type { MadeTile } from './made-tiles.ts'
import { ONE_PASS, playedOn, sendRows } from './passes.ts'
import { RowErrors } from './row-errors.ts'
import type { ErrorLaws, SentInputs } from './row-errors.ts'
import { sampleOf } from './sample.ts'
import type { Sample } from './sample.ts'

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

/** A core that can say what it will be off by. */
export interface KnownCore {
  readonly knowledge: CoreKnowledge
  readonly errors: KnownErrors
}

export function knownCore({ knowledge }: OpticalCore): KnownCore | undefined {
  return knowledge?.errors === undefined ? undefined : { knowledge, errors: knowledge.errors }
}

/** Columns of C that anybody wants: what the others are off by does not matter. */
export type WantedColumns = (column: number) => boolean

const EVERY_COLUMN: WantedColumns = () => true

/** What products of A and B will be off by, kind by kind, from what the core knows of itself. */
export function errorSums(
  core: OpticalCore,
  { knowledge, errors }: KnownCore,
  product: TileProduct,
  range: number,
  sample: Sample,
  isWanted: WantedColumns = EVERY_COLUMN,
): ErrorSums {
  const { rows, columns, innerShare, share } = sampleOf(product, sample)
  const made = madeTiles(columns, knowledge, sample.compiled)
  const laws = { errors, elsewhere: made.elsewhere, range: range || 1, lanes: core.lanes }
  const totals = new ErrorTotals(innerShare)
  const luck = new ErrorLuck(innerShare)
  for (const tiles of made.columns) {
    const row = new RowErrors(wantedOutputs(tiles, isWanted), laws)
    if (row.outputs.length === 0) continue
    const weights = tiles.reduce((sum, { cut }) => fingerprint(cut.tile.weights, sum), 0)
    const meetings = tiles.map((tile) => new WeightMeetings(tile, laws.range))
    for (const number of rows) {
      row.clear()
      const sent = tiles.map(({ cut }) => sentInputs(core, knowledge, product, cut, number))
      for (const [t, tile] of tiles.entries()) row.addTile(tile, sent[t]!)
      totals.addRow(row)
      const light = sent.reduce((sum, { played }) => fingerprint(played, sum), 0)
      luck.addRow(row, `${number % core.lanes} ${weights} ${light}`)
      for (const [t, met] of meetings.entries()) met.addRow(row, sent[t]!)
    }
    luck.addMeetings(meetings)
  }
  const { a, b } = product
  const wanted = numbersTo(b.columns).filter(isWanted).length
  const looked = { count: totals.count, elements: a.rows * wanted, share }
  return {
    ...totals.means(laws),
    spread: {
      ...luck.over(looked, errors.weights),
      silences: wanted * Math.min(core.lanes, a.rows),
      weights: wanted * Math.min(a.rows, b.rows),
    },
  }
}

function wantedOutputs(tiles: readonly MadeTile[], isWanted: WantedColumns): readonly number[] {
  const { firstColumn, columns } = tiles[0]?.cut ?? { firstColumn: 0, columns: 0 }
  return numbersTo(columns).filter((output) => isWanted(firstColumn + output))
}

const numbersTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

function sentInputs(
  core: OpticalCore,
  knowledge: CoreKnowledge,
  product: TileProduct,
  cut: CutTile,
  row: number,
): SentInputs {
  const { values, scale } = product.inputs(cut, row, 1)
  const { missed } = sendRows(values, core.shape.inputs, ONE_PASS, playedOn(knowledge, row % core.lanes))
  const played = values.map((value, i) => value - missed[i]!)
  return { values, missed, played, scale: scale[0]!, light: values.reduce((sum, value) => sum + value * value, 0) }
}

/** Errors of all rows that were looked at. */
class ErrorTotals {
  /** Elements of C. */
  count = 0
  readonly #innerShare: number
  readonly #sums = { codes: 0, model: 0, codesByModel: 0, readings: 0, even: 0, single: 0, gains: 0, mended: 0 }

  /** `innerShare`: partial sums of an element for each one that is looked at. */
  constructor(innerShare: number) {
    this.#innerShare = innerShare
  }

  addRow({ outputs, codes, model, readings, guessed, even, single, gains, mended }: RowErrors): void {
    const sums = this.#sums
    let [codeSquares, modelSquares, products, readingSquares] = [0, guessed, 0, 0]
    for (const output of outputs) {
      codeSquares += codes[output]! ** 2
      modelSquares += model[output]! ** 2
      products += codes[output]! * model[output]!
      readingSquares += readings[output]!
    }
    const each = this.#innerShare
    sums.codes += each * codeSquares
    sums.model += each * modelSquares
    sums.codesByModel += each * products
    sums.readings += each * readingSquares
    sums.even += each * even
    sums.single += each * single
    sums.gains += each * gains
    sums.mended += each * mended
    this.count += outputs.length
  }

  means({ errors, elsewhere }: ErrorLaws): Omit<ErrorSums, 'spread'> {
    const mean = (sum: number): number => (this.count === 0 ? 0 : sum / this.count)
    const { codes, model, codesByModel, readings, even, single, gains, mended } = this.#sums
    const unknown = errors.weights ** 2 * mean((1 - GAIN_SHARE) * single + GAIN_SHARE * gains)
    const wrong = unknown + mean(codes + model)
    return {
      codes: mean(codes),
      model: mean(model),
      codesByModel: mean(codesByModel),
      readings: mean(readings),
      even: mean(even),
      unknown,
      // What a second tile makes is off by as much of it as the first.
      mended: mean(mended) + wrong * (errors.weights ** 2 + elsewhere),
    }
  }
}
