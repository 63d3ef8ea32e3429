import { matrixShape } from './dense-array.ts'
import type { ArraySource, Block } from './dense-array.ts'

/** The same block of each matrix of an array, as an array of its own. */
export function partOfArray(source: ArraySource, part: Block): ArraySource {
  const { rows, columns } = matrixShape(source.shape)
  if (part.rows === rows && part.columns === columns) return source
  const { name, shape, isComplex } = source
  return {
    ...{ name, isComplex, shape: [...shape.slice(0, -2), part.rows, part.columns] },
    readBlock: (matrix, block, signal) =>
      source.readBlock(
        matrix,
        {
          ...block,
          firstRow: part.firstRow + block.firstRow,
          firstColumn: part.firstColumn + block.firstColumn,
        },
        signal,
      ),
  }
}
