import { BenchError } from '../../core/errors.ts'

/** A rectangle of one matrix. */
export interface Block {
  readonly firstRow: number
  readonly rows: number
  readonly firstColumn: number
  readonly columns: number
}

/**
 * Matrices side by side: the last two dimensions are rows and columns, those before them number the matrices.
 *
 * Shapes: [...leading, rows, columns], at least two dimensions. A complex element is two numbers, real part first.
 */
export interface ArraySource {
  /** Stands for it in messages. */
  readonly name: string
  readonly shape: readonly number[]
  readonly isComplex: boolean
  /** A block of one matrix, row-major. The caller may keep it, and must not change it. */
  readBlock(matrix: number, block: Block, signal: AbortSignal): Promise<Float64Array>
}

/** Where a product goes, block by block, in any order. */
export interface ArraySink {
  writeBlock(matrix: number, block: Block, values: Float64Array): Promise<void>
}

/** An array in memory, row-major. */
export class DenseArray implements ArraySource, ArraySink {
  readonly name: string
  readonly shape: readonly number[]
  readonly isComplex: boolean
  readonly data: Float64Array

  /** Throws: SHAPE_MISMATCH where data and shape do not agree, or there are less than two dimensions. */
  constructor(name: string, shape: readonly number[], isComplex: boolean, data?: Float64Array) {
    const count = elementCount(shape) * (isComplex ? 2 : 1)
    if (shape.length < 2 || (data !== undefined && data.length !== count)) {
      throw new BenchError(
        'SHAPE_MISMATCH',
        `${name}: ${data?.length ?? 0} numbers are no array of ${shape.join(' × ')}`,
      )
    }
    this.name = name
    this.shape = shape
    this.isComplex = isComplex
    this.data = data ?? new Float64Array(count)
  }

  readBlock(matrix: number, block: Block): Promise<Float64Array> {
    const { rows, columns } = matrixShape(this.shape)
    const parts = this.isComplex ? 2 : 1
    const [width, stride] = [block.columns * parts, columns * parts]
    const from = (matrix * rows + block.firstRow) * stride + block.firstColumn * parts
    if (width === stride) return Promise.resolve(this.data.subarray(from, from + block.rows * stride))
    const out = new Float64Array(block.rows * width)
    for (let row = 0; row < block.rows; row++) {
      out.set(this.data.subarray(from + row * stride, from + row * stride + width), row * width)
    }
    return Promise.resolve(out)
  }

  writeBlock(matrix: number, block: Block, values: Float64Array): Promise<void> {
    const { rows, columns } = matrixShape(this.shape)
    const parts = this.isComplex ? 2 : 1
    const [width, stride] = [block.columns * parts, columns * parts]
    const to = (matrix * rows + block.firstRow) * stride + block.firstColumn * parts
    for (let row = 0; row < block.rows; row++) {
      this.data.set(values.subarray(row * width, (row + 1) * width), to + row * stride)
    }
    return Promise.resolve()
  }
}

export const elementCount = (shape: readonly number[]): number => shape.reduce((count, size) => count * size, 1)

/** The last two dimensions, and how many matrices there are. */
export function matrixShape(shape: readonly number[]): {
  readonly rows: number
  readonly columns: number
  readonly matrices: number
} {
  const [rows = 1, columns = 1] = shape.slice(-2)
  return { rows, columns, matrices: elementCount(shape.slice(0, -2)) }
}

export const shapeText = (shape: readonly number[]): string => `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`

/** The largest modulus of a real or imaginary part. */
export function largestOf(values: Float64Array): number {
  let largest = 0
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]!))
  return largest
}
