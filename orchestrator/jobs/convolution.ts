import { BenchError } from '../../core/errors.ts'
import { DenseArray } from '../arrays/dense-array.ts'
import type { ArraySink, ArraySource, Block } from '../arrays/dense-array.ts'
import type { RealMatrix } from '../tiles/tile-product.ts'
import type { PanelledProduct, ProductJob } from './multiply-panels.ts'

export interface ConvolutionOptions {
  /** Steps between two outputs, both ways. */
  readonly stride: number
  /** Zeros around the image, on each side. */
  readonly padding: number
  /**
   * Ports of a core whose weights turn with the output, such as an AWGR with one shared bank of rings. Such a core
   * convolves by itself; null for all others, which multiply patches of the image.
   */
  readonly circulant: number | null
}

/** Sizes of a convolution; `images` is 1 for a single one. */
interface Geometry {
  readonly images: number
  readonly channels: number
  readonly height: number
  readonly width: number
  readonly kernels: number
  readonly kernelHeight: number
  readonly kernelWidth: number
  readonly outHeight: number
  readonly outWidth: number
  /** Lines of the result, those of one image after those of the one before, and the first of them that is computed. */
  readonly lines: number
  readonly firstLine: number
  /** Where a line of an output goes: a matrix of the result, and a row of that. */
  place(line: number, output: number): { readonly matrix: number; readonly row: number }
}

/**
 * out[o, y, x] = Σ image[c, y·stride + i − padding, x·stride + j − padding] · kernels[o, c, i, j], zeros beyond the
 * edges: what neural networks call a convolution, with kernels that are not turned round.
 *
 * Shapes: image [channels, height, width] or [images, channels, height, width]; kernels [outputs, channels, height,
 * width]; the result [outputs, …] or [images, outputs, …].
 * Of a part, whose rows are lines of the result and whose columns are kernels, the result is [outputs, lines, width].
 * Throws: SHAPE_MISMATCH; RANGE_EXCEEDED for kernels that are wider than a circulant core.
 */
export function convolutionJob(
  image: ArraySource,
  kernels: ArraySource,
  options: ConvolutionOptions,
  part?: Block,
): ProductJob {
  const whole = geometryOf(image, kernels, options)
  const geometry = part === undefined ? whole : { ...whole, ...geometryOfPart(part) }
  const { images, kernels: outputs, channels, kernelHeight, kernelWidth, outHeight, outWidth, lines } = geometry
  const pixels = inMemory(image)
  const perKernel = channels * kernelHeight * kernelWidth
  const firstKernel = part?.firstColumn ?? 0
  const weights = inMemory(kernels).subarray(firstKernel * perKernel, (firstKernel + outputs) * perKernel)
  const leading = image.shape.length === 4 ? [images] : []
  const shape = part === undefined ? [...leading, outputs, outHeight, outWidth] : [outputs, lines, outWidth]
  const { circulant } = options
  return {
    shape,
    isComplex: false,
    products: (sink) => [
      circulant === null
        ? patchProduct(pixels, weights, geometry, options, sink)
        : circulantProduct(pixels, weights, geometry, options, circulant, sink),
    ],
  }
}

function geometryOf(image: ArraySource, kernels: ArraySource, options: ConvolutionOptions): Geometry {
  const { stride, padding, circulant } = options
  const names = `${image.name} is ${image.shape.join('×')} and ${kernels.name} is ${kernels.shape.join('×')}`
  const refused = (why: string): BenchError => new BenchError('SHAPE_MISMATCH', `${names}: ${why}`)
  if (image.isComplex || kernels.isComplex) throw refused('convolutions are of real numbers; give them part by part')
  const [images = 1, channels = 0, height = 0, width = 0] = image.shape.length === 3 ? [1, ...image.shape] : image.shape
  if (image.shape.length !== 3 && image.shape.length !== 4) {
    throw refused('an image has channels, height and width, and images side by side one dimension more')
  }
  const [outputs = 0, kernelChannels = 0, kernelHeight = 0, kernelWidth = 0] = kernels.shape
  if (kernels.shape.length !== 4) throw refused('kernels have outputs, channels, height and width')
  if (kernelChannels !== channels) throw refused('the kernels need as many channels as the image')
  const outHeight = Math.floor((height + 2 * padding - kernelHeight) / stride) + 1
  const outWidth = Math.floor((width + 2 * padding - kernelWidth) / stride) + 1
  if (outHeight < 1 || outWidth < 1) throw refused(`with ${padding} zeros on each side the kernels do not fit in`)
  if (circulant !== null && kernelWidth > circulant) {
    const right = `a core of ${circulant} ports convolves with kernels of up to that width`
    throw new BenchError('RANGE_EXCEEDED', `${names}: ${right}`, { context: { kernelWidth, ports: circulant } })
  }
  return {
    ...{ images, channels, height, width, kernels: outputs, kernelHeight, kernelWidth, outHeight, outWidth },
    ...{ lines: images * outHeight, firstLine: 0 },
    place: (line, output) => ({ matrix: Math.floor(line / outHeight) * outputs + output, row: line % outHeight }),
  }
}

const geometryOfPart = ({
  firstRow,
  rows,
  columns,
}: Block): Pick<Geometry, 'kernels' | 'lines' | 'firstLine' | 'place'> => ({
  ...{ kernels: columns, lines: rows, firstLine: firstRow },
  place: (line, output) => ({ matrix: output, row: line - firstRow }),
})

function inMemory(array: ArraySource): Float64Array {
  if (array instanceof DenseArray) return array.data
  throw new BenchError('ARRAY_FILE_INVALID', `${array.name} is larger than a quarter of the memory: give --memory more`)
}

/** im2col: each output pixel is a row of A, all that its kernels look at; each kernel is a column of B. */
function patchProduct(
  pixels: Float64Array,
  weights: Float64Array,
  geometry: Geometry,
  { stride, padding }: ConvolutionOptions,
  sink: ArraySink,
): PanelledProduct {
  const { channels, kernels, kernelHeight, kernelWidth, outWidth, lines } = geometry
  const inner = channels * kernelHeight * kernelWidth
  const rows = lines * outWidth
  return {
    ...{ rows, columns: kernels, inner, rowParts: 1, columnParts: 1, macs: rows * inner * kernels },
    readA: (firstRow, count) => {
      const data = new Float64Array(count * inner)
      for (let row = 0, to = 0; row < count; row++) {
        const { image, y, x } = outputOf(firstRow + row, geometry)
        for (let channel = 0; channel < channels; channel++) {
          for (let i = 0; i < kernelHeight; i++) {
            for (let j = 0; j < kernelWidth; j++, to++) {
              data[to] = pixel(pixels, geometry, image, channel, y * stride + i - padding, x * stride + j - padding)
            }
          }
        }
      }
      return Promise.resolve({ rows: count, columns: inner, data })
    },
    readB: (firstColumn, count) => {
      const data = new Float64Array(inner * count)
      for (let column = 0; column < count; column++) {
        for (let k = 0; k < inner; k++) data[k * count + column] = weights[(firstColumn + column) * inner + k]!
      }
      return Promise.resolve({ rows: inner, columns: count, data })
    },
    combine: (product) => product,
    write: async ({ firstRow, rows, firstColumn, columns }, { data }) => {
      // Outputs of one line of the result lie below each other.
      for (let row = 0; row < rows;) {
        const { line: of, x } = outputOf(firstRow + row, geometry)
        const count = Math.min(outWidth - x, rows - row)
        for (let column = 0; column < columns; column++) {
          const line = Float64Array.from({ length: count }, (_, i) => data[(row + i) * columns + column]!)
          await writeLine(sink, geometry.place(of, firstColumn + column), x, line)
        }
        row += count
      }
    },
  }
}

const outputOf = (
  row: number,
  { outHeight, outWidth, firstLine }: Geometry,
): { readonly line: number; readonly image: number; readonly y: number; readonly x: number } => {
  const line = firstLine + Math.floor(row / outWidth)
  return { line, image: Math.floor(line / outHeight), y: line % outHeight, x: row % outWidth }
}

/**
 * On a core of n ports whose weights turn with the output: W[q, p] = w[(p − q) mod n].
 *
 * A piece of n pixels of one row of the image gives n − kernel width + 1 outputs at once; those that would wrap around
 * are left out. Each row of A is such a piece of every channel and kernel row; each tile of B is one kernel row.
 */
function circulantProduct(
  pixels: Float64Array,
  weights: Float64Array,
  geometry: Geometry,
  { stride, padding }: ConvolutionOptions,
  n: number,
  sink: ArraySink,
): PanelledProduct {
  const { channels, width, kernels, kernelHeight, kernelWidth, outHeight, outWidth, firstLine } = geometry
  const whole = n - kernelWidth + 1
  const pieces = Math.ceil((width + 2 * padding - kernelWidth + 1) / whole)
  const lines = channels * kernelHeight
  const rows = geometry.lines * pieces
  const placeOf = (row: number): { line: number; image: number; y: number; firstX: number } => {
    const line = firstLine + Math.floor(row / pieces)
    return { line, image: Math.floor(line / outHeight), y: line % outHeight, firstX: (row % pieces) * whole }
  }
  return {
    ...{ rows, columns: kernels, inner: lines * n, rowParts: 1, columnParts: n },
    macs: geometry.lines * outWidth * kernels * lines * kernelWidth,
    readA: (firstRow, count) => {
      const data = new Float64Array(count * lines * n)
      for (let row = 0, to = 0; row < count; row++) {
        const { image, y, firstX } = placeOf(firstRow + row)
        for (let line = 0; line < lines; line++) {
          const [channel, i] = [Math.floor(line / kernelHeight), line % kernelHeight]
          for (let p = 0; p < n; p++, to++) {
            data[to] = pixel(pixels, geometry, image, channel, y * stride + i - padding, firstX + p - padding)
          }
        }
      }
      return Promise.resolve({ rows: count, columns: lines * n, data })
    },
    readB: (firstColumn, count) => {
      const columns = count * n
      const data = new Float64Array(lines * n * columns)
      for (let column = 0; column < count; column++) {
        for (let line = 0; line < lines; line++) {
          const from = ((firstColumn + column) * lines + line) * kernelWidth
          for (let q = 0; q < n; q++) {
            for (let j = 0; j < kernelWidth; j++) {
              data[(line * n + ((q + j) % n)) * columns + column * n + q] = weights[from + j]!
            }
          }
        }
      }
      return Promise.resolve({ rows: lines * n, columns, data })
    },
    isWanted: (column) => column % n < whole,
    combine: (product) => withoutWrapped(product, n, whole),
    write: async ({ firstRow, rows, firstColumn, columns }, { data }) => {
      for (let row = 0; row < rows; row++) {
        const { line: of, firstX } = placeOf(firstRow + row)
        // A stride keeps every so manyth of them.
        const firstOut = Math.ceil(firstX / stride)
        const count = Math.min(outWidth, Math.ceil((firstX + whole) / stride)) - firstOut
        if (count < 1) continue
        for (let column = 0; column < columns; column++) {
          const from = (row * columns + column) * whole + firstOut * stride - firstX
          const line = Float64Array.from({ length: count }, (_, i) => data[from + i * stride]!)
          await writeLine(sink, geometry.place(of, firstColumn + column), firstOut, line)
        }
      }
    },
  }
}

const writeLine = (
  sink: ArraySink,
  { matrix, row }: ReturnType<Geometry['place']>,
  x: number,
  line: Float64Array,
): Promise<void> => sink.writeBlock(matrix, { firstRow: row, rows: 1, firstColumn: x, columns: line.length }, line)

/** Of every n columns the first ones, which saw no pixel twice. */
function withoutWrapped({ rows, columns, data }: RealMatrix, n: number, whole: number): RealMatrix {
  const groups = columns / n
  const kept = new Float64Array(rows * groups * whole)
  for (let group = 0; group < rows * groups; group++) {
    kept.set(data.subarray(group * n, group * n + whole), group * whole)
  }
  return { rows, columns: groups * whole, data: kept }
}

function pixel(
  pixels: Float64Array,
  { channels, height, width }: Geometry,
  image: number,
  channel: number,
  y: number,
  x: number,
): number {
  if (y < 0 || y >= height || x < 0 || x >= width) return 0
  return pixels[((image * channels + channel) * height + y) * width + x]!
}
