import { matrixShape } from '../arrays/dense-array.ts'
import type { Block, DenseArray } from '../arrays/dense-array.ts'

/** A piece of a result that lies in one matrix of it and in one of a part. */
interface Piece {
  readonly inWhole: { readonly matrix: number; readonly block: Block }
  readonly inPart: { readonly matrix: number; readonly block: Block }
}

/** How a result is cut over several cores, and put together again. */
export interface ProductParts {
  /** What is shared out: rows and columns of C, or lines and kernels of a convolution. */
  readonly size: { readonly rows: number; readonly columns: number }
  place(whole: DenseArray, product: DenseArray, part: Block): Promise<void>
  /** What of a whole is a part's, as one matrix of real numbers. */
  cut(whole: DenseArray, part: Block): Promise<{ rows: number; columns: number; data: Float64Array }>
}

/** Of a product every part is a block of each of its matrices; of a convolution some lines of some outputs. */
export function productParts(shape: readonly number[], isConvolution: boolean): ProductParts {
  const { rows, columns, matrices } = matrixShape(shape)
  const outputs = isConvolution ? shape.at(-3)! : 1
  const piecesOf = (part: Block): readonly Piece[] =>
    isConvolution ? linesOf(part, { height: rows, width: columns, outputs }) : blocksOf(part, matrices)
  return {
    size: isConvolution ? { rows: (matrices / outputs) * rows, columns: outputs } : { rows, columns },
    place: async (whole, product, part) => {
      for (const { inWhole, inPart } of piecesOf(part)) {
        const data = await product.readBlock(inPart.matrix, inPart.block)
        await whole.writeBlock(inWhole.matrix, inWhole.block, data)
      }
    },
    cut: async (whole, part) => {
      const pieces = piecesOf(part)
      const blocks = await Promise.all(pieces.map(({ inWhole }) => whole.readBlock(inWhole.matrix, inWhole.block)))
      const width = (isConvolution ? columns : part.columns) * (whole.isComplex ? 2 : 1)
      const data = new Float64Array(blocks.reduce((sum, block) => sum + block.length, 0))
      let at = 0
      for (const block of blocks) {
        data.set(block, at)
        at += block.length
      }
      return { rows: data.length / width, columns: width, data }
    },
  }
}

function blocksOf(part: Block, matrices: number): readonly Piece[] {
  return Array.from({ length: matrices }, (_, matrix) => ({
    inWhole: { matrix, block: part },
    inPart: { matrix, block: { ...part, firstRow: 0, firstColumn: 0 } },
  }))
}

/** Lines of one image lie below each other in one matrix an output. */
function linesOf(
  { firstRow, rows, firstColumn, columns }: Block,
  { height, width, outputs }: { readonly height: number; readonly width: number; readonly outputs: number },
): readonly Piece[] {
  const pieces: Piece[] = []
  for (let line = firstRow; line < firstRow + rows;) {
    const [image, y] = [Math.floor(line / height), line % height]
    const count = Math.min(height - y, firstRow + rows - line)
    const across = { rows: count, firstColumn: 0, columns: width }
    for (let output = 0; output < columns; output++) {
      pieces.push({
        inWhole: { matrix: image * outputs + firstColumn + output, block: { firstRow: y, ...across } },
        inPart: { matrix: output, block: { firstRow: line - firstRow, ...across } },
      })
    }
    line += count
  }
  return pieces
}
