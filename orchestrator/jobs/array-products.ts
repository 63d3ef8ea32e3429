import { BenchError } from '../../core/errors.ts'
import { matrixShape } from '../arrays/dense-array.ts'
import type { ArraySink, ArraySource } from '../arrays/dense-array.ts'
import type { RealMatrix } from '../tiles/tile-product.ts'
import type { PanelledProduct, PanelPlace } from './multiply-panels.ts'

/** Shape and name of a factor. */
export type Factor = Pick<ArraySource, 'name' | 'shape'>

/**
 * Shape of A·B by the rules of NumPy's matmul: leading dimensions that are equal, missing or 1 go together.
 *
 * Throws: SHAPE_MISMATCH naming both shapes.
 */
export function productShape(a: Factor, b: Factor): readonly number[] {
  const [left, right] = [matrixShape(a.shape), matrixShape(b.shape)]
  const shapes = `${a.name} is ${a.shape.join('×')} and ${b.name} is ${b.shape.join('×')}`
  if (left.columns !== right.rows) {
    throw new BenchError('SHAPE_MISMATCH', `${shapes}: A needs as many columns as B has rows`)
  }
  const leading = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2))
  if (leading === undefined) {
    const why = 'dimensions before the last two must be equal, 1 or missing on one side'
    throw new BenchError('SHAPE_MISMATCH', `${shapes}: ${why}`)
  }
  return [...leading, left.rows, right.columns]
}

/** Undefined where they do not go together. */
function broadcast(a: readonly number[], b: readonly number[]): readonly number[] | undefined {
  const length = Math.max(a.length, b.length)
  const out: number[] = []
  for (let axis = -length; axis < 0; axis++) {
    const [left, right] = [a.at(axis) ?? 1, b.at(axis) ?? 1]
    if (left !== right && left !== 1 && right !== 1) return undefined
    out.push(left === 1 ? right : left)
  }
  return out
}

/**
 * A·B as real products, one for each matrix of B: all matrices of A that it multiplies stand below each other, so that
 * its tiles are programmed once for all of them.
 *
 * Complex matrices become real ones: a row of A becomes two, real parts above imaginary parts, and a column of B two
 * beside each other. One real product then holds the four products of the parts, and C is made of their sums. Three
 * would do, as Gauss found: Im C = P₃ − P₁ − P₂ with P₁ = Re A·Re B, P₂ = Im A·Im B, P₃ = (Re A + Im A)·(Re B + Im B).
 * But the error of a product on light is relative to its range, and the range of P₃ is twice that of the others: for
 * one variance of error in each of them, Im C would carry 1 + 1 + 4 = 6 instead of 2, which is 0.8 effective bits.
 */
export function arrayProducts(a: ArraySource, b: ArraySource, sink: ArraySink): readonly PanelledProduct[] {
  const shape = productShape(a, b)
  const leading = shape.slice(0, -2)
  const { matrices, rows, columns } = matrixShape(shape)
  const ofB = new Map<number, { readonly a: number; readonly c: number }[]>()
  for (let c = 0; c < matrices; c++) {
    const place = placeOf(c, leading)
    const numberOfB = numberOf(place, b.shape.slice(0, -2))
    if (!ofB.has(numberOfB)) ofB.set(numberOfB, [])
    ofB.get(numberOfB)!.push({ a: numberOf(place, a.shape.slice(0, -2)), c })
  }
  return [...ofB].map(([matrixOfB, pairs]) => ({
    rows: pairs.length * rows,
    columns,
    inner: matrixShape(a.shape).columns,
    rowParts: a.isComplex ? 2 : 1,
    columnParts: b.isComplex ? 2 : 1,
    macs: pairs.length * rows * matrixShape(a.shape).columns * columns * (a.isComplex ? 2 : 1) * (b.isComplex ? 2 : 1),
    readA: async (firstRow, count, signal) =>
      splitRows(await readRows(a, pairs, rows, firstRow, count, signal), count, a.isComplex),
    readB: async (firstColumn, count, signal) => {
      const { rows } = matrixShape(b.shape)
      const block = { firstRow: 0, rows, firstColumn, columns: count }
      // Real and imaginary parts of an element lie beside each other: they are two columns already.
      return { rows, columns: count * (b.isComplex ? 2 : 1), data: await b.readBlock(matrixOfB, block, signal) }
    },
    combine: (product) => (a.isComplex ? combineRows(product, b.isComplex) : product),
    write: async (place, c) => {
      for (const piece of piecesOf(place, rows)) {
        const { matrix, block, skippedRows } = piece
        const width = c.columns
        const values = c.data.subarray(skippedRows * width, (skippedRows + block.rows) * width)
        await sink.writeBlock(pairs[matrix]!.c, block, values)
      }
    },
  }))
}

/** Index in each leading dimension of the nth matrix. */
function placeOf(matrix: number, leading: readonly number[]): readonly number[] {
  const place: number[] = []
  let rest = matrix
  for (const size of leading.toReversed()) {
    place.unshift(rest % size)
    rest = Math.floor(rest / size)
  }
  return place
}

/** Which matrix of a factor stands at a place of the product. */
function numberOf(place: readonly number[], leading: readonly number[]): number {
  const own = place.slice(place.length - leading.length)
  return leading.reduce((number, size, axis) => number * size + (size === 1 ? 0 : own[axis]!), 0)
}

/** The parts of some rows of matrices that stand below each other. */
function piecesOf(
  place: PanelPlace,
  rowsEach: number,
): { readonly matrix: number; readonly block: PanelPlace; readonly skippedRows: number }[] {
  const pieces = []
  for (let done = 0; done < place.rows;) {
    const row = place.firstRow + done
    const firstRow = row % rowsEach
    const rows = Math.min(rowsEach - firstRow, place.rows - done)
    pieces.push({ matrix: Math.floor(row / rowsEach), block: { ...place, firstRow, rows }, skippedRows: done })
    done += rows
  }
  return pieces
}

async function readRows(
  a: ArraySource,
  pairs: readonly { readonly a: number }[],
  rowsEach: number,
  firstRow: number,
  rows: number,
  signal: AbortSignal,
): Promise<Float64Array> {
  const { columns } = matrixShape(a.shape)
  const pieces = piecesOf({ firstRow, rows, firstColumn: 0, columns }, rowsEach)
  const read = async ({ matrix, block }: (typeof pieces)[number]): Promise<Float64Array> =>
    a.readBlock(pairs[matrix]!.a, block, signal)
  if (pieces.length === 1) return read(pieces[0]!)
  const width = columns * (a.isComplex ? 2 : 1)
  const data = new Float64Array(rows * width)
  for (const piece of pieces) data.set(await read(piece), piece.skippedRows * width)
  return data
}

/** A row of complex numbers becomes two of real ones: real parts, and imaginary parts below them. */
function splitRows(data: Float64Array, rows: number, isComplex: boolean): RealMatrix {
  const width = data.length / rows
  if (!isComplex) return { rows, columns: width, data }
  const columns = width / 2
  const split = new Float64Array(data.length)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = row * width + 2 * column
      split[row * width + column] = data[from]!
      split[row * width + columns + column] = data[from + 1]!
    }
  }
  return { rows: 2 * rows, columns, data: split }
}

/** C of a complex A, as pairs of numbers, from the products of its parts. */
function combineRows({ rows, columns, data }: RealMatrix, isComplexB: boolean): RealMatrix {
  const [outRows, outColumns] = [rows / 2, isComplexB ? columns : 2 * columns]
  const out = new Float64Array(outRows * outColumns)
  for (let row = 0; row < outRows; row++) {
    const [re, im] = [data.subarray(2 * row * columns), data.subarray((2 * row + 1) * columns)]
    for (let column = 0; column < outColumns / 2; column++) {
      const to = row * outColumns + 2 * column
      out[to] = isComplexB ? re[2 * column]! - im[2 * column + 1]! : re[column]!
      out[to + 1] = isComplexB ? re[2 * column + 1]! + im[2 * column]! : im[column]!
    }
  }
  return { rows: outRows, columns: outColumns, data: out }
}
