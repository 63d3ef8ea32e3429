import type { CutTile, TileProduct } from '../tiles/tile-product.ts'

/** So many tiles, and rows of each, stand for all of them. */
export interface Sample {
  readonly tiles: number
  readonly rows: number
  /** Tiles that are compiled to know what the optics will make of them; 0: not needed for a comparison. */
  readonly compiled: number
}

/** What is looked at of a product. */
export interface SampledProduct {
  readonly rows: readonly number[]
  /** [column of tiles][tile]: those whose partial sums make the same columns of C. */
  readonly columns: readonly (readonly CutTile[])[]
  /** Tiles of a column for each one that is looked at; 0 when there are none. */
  readonly innerShare: number
  /** Of all elements' partial sums. */
  readonly share: number
}

export function sampleOf(product: TileProduct, sample: Sample): SampledProduct {
  const { a, innerTiles, tiles } = product
  const across = tiles / innerTiles
  const inner = evenly(innerTiles, sample.tiles)
  const columns = evenly(across, Math.max(1, Math.floor(sample.tiles / Math.max(1, innerTiles))))
  const rows = evenly(a.rows, sample.rows)
  return {
    rows,
    columns: columns.map((column) => inner.map((row) => product.tile(row * across + column))),
    innerShare: inner.length === 0 ? 0 : innerTiles / inner.length,
    share: (rows.length * columns.length * inner.length) / (a.rows * tiles),
  }
}

/** At most so many of the numbers from 0, evenly. */
export function evenly(count: number, most: number): readonly number[] {
  const taken = Math.min(count, most)
  return Array.from({ length: taken }, (_, i) => Math.floor(((i + 0.5) * count) / taken))
}
