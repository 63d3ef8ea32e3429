import { partOfArray } from '../arrays/part-of-array.ts'
import { matrixShape } from '../arrays/dense-array.ts'
import type { ArraySource, Block } from '../arrays/dense-array.ts'

/** What one of several cores can do for a job. */
export interface CoreShare {
  readonly outputs: number
  /** Multiply-accumulates a second with tiles that fill it, as measured. */
  readonly macsPerS: number
}

/** Sharing rows makes every core program all of B: worth it for no less than this of the time. */
const ROWS_WORTH = 0.9

/**
 * Which part of C each core computes; undefined for one that gets nothing. Parts lie side by side, in the order of the
 * cores, and depend on sizes and speeds alone.
 *
 * Columns go to cores tile by tile, each to the core that would be done with it first. Where there are too few of them
 * to keep all cores busy, each core takes rows in proportion to its speed.
 */
export function shareProduct(
  { rows, columns }: { readonly rows: number; readonly columns: number },
  cores: readonly CoreShare[],
): readonly (Block | undefined)[] {
  const byColumns = columnCounts(columns, cores)
  const byRows = rowCounts(rows, columns, cores)
  const time = (height: number, width: number, { outputs, macsPerS }: CoreShare): number =>
    (height * Math.ceil(width / outputs) * outputs) / macsPerS
  const columnTime = Math.max(...cores.map((core, c) => time(rows, byColumns[c]!, core)))
  const rowTime = Math.max(...cores.map((core, c) => time(byRows[c]!, columns, core)))
  if (rowTime < ROWS_WORTH * columnTime) {
    return spans(byRows).map(({ first, count }) =>
      count === 0 ? undefined : { firstRow: first, rows: count, firstColumn: 0, columns },
    )
  }
  return spans(byColumns).map(({ first, count }) =>
    count === 0 ? undefined : { firstRow: 0, rows, firstColumn: first, columns: count },
  )
}

/** The factors of a part of a product: rows of A, columns of B. */
export function factorsOfPart(
  a: ArraySource,
  b: ArraySource,
  part: Block | undefined,
): { readonly a: ArraySource; readonly b: ArraySource } {
  if (part === undefined) return { a, b }
  const { firstRow, rows, firstColumn, columns } = part
  return {
    a: partOfArray(a, { firstRow, rows, firstColumn: 0, columns: matrixShape(a.shape).columns }),
    b: partOfArray(b, { firstRow: 0, rows: matrixShape(b.shape).rows, firstColumn, columns }),
  }
}

function columnCounts(columns: number, cores: readonly CoreShare[]): readonly number[] {
  const counts = cores.map(() => 0)
  const busy = cores.map(() => 0)
  for (let left = columns; left > 0;) {
    const done = cores.map(({ outputs, macsPerS }, c) => busy[c]! + outputs / macsPerS)
    const next = done.indexOf(Math.min(...done))
    const taken = Math.min(left, cores[next]!.outputs)
    busy[next] = done[next]!
    counts[next]! += taken
    left -= taken
  }
  return counts
}

/** A core that is wider than B does less with every row than it could. */
function rowCounts(rows: number, columns: number, cores: readonly CoreShare[]): readonly number[] {
  const perS = cores.map(({ outputs, macsPerS }) => macsPerS / (Math.ceil(columns / outputs) * outputs))
  const all = perS.reduce((sum, speed) => sum + speed, 0)
  let [speed, before] = [0, 0]
  return perS.map((own) => {
    speed += own
    const until = Math.round((rows * speed) / all)
    const count = until - before
    before = until
    return count
  })
}

function spans(counts: readonly number[]): readonly { readonly first: number; readonly count: number }[] {
  let first = 0
  return counts.map((count) => {
    const span = { first, count }
    first += count
    return span
  })
}
