import type { CoreKnowledge } from '../../core/optical-core.ts'
import type { CutTile } from '../tiles/tile-product.ts'
import { evenly } from './sample.ts'

/** A tile, and what the core knows that it will make of it. */
export interface MadeTile {
  readonly cut: CutTile
  /** [output, input] less what it was asked for; undefined for a tile that was not compiled. */
  readonly off: Float64Array | undefined
  /** [output] of a product of 1. */
  readonly signalMw: Float64Array
  /** Mean square of its weights. */
  readonly weightSquare: number
}

export interface MadeTiles {
  /** [column of tiles][tile] */
  readonly columns: readonly (readonly MadeTile[])[]
  /** Mean square of what tiles are off by relative to their weights', for those that were not compiled. */
  readonly elsewhere: number
}

/** Compiles as many as `most` of the tiles. Shape: [column of tiles][tile]. */
export function madeTiles(columns: readonly (readonly CutTile[])[], knowledge: CoreKnowledge, most: number): MadeTiles {
  const cuts = columns.flat()
  const off = new Map<CutTile, Float64Array>()
  let shares = 0
  for (const at of evenly(cuts.length, most)) {
    const cut = cuts[at]!
    const { weights } = cut.tile
    const missed = knowledge.made(cut.tile).map((weight, i) => weight - weights[i]!)
    off.set(cut, missed)
    const squares = sumOfSquares(weights)
    shares += squares > 0 ? sumOfSquares(missed) / squares : 0
  }
  return {
    columns: columns.map((column) =>
      column.map((cut) => {
        const { weights } = cut.tile
        const weightSquare = sumOfSquares(weights) / weights.length
        return { cut, off: off.get(cut), signalMw: knowledge.signalMw(weights), weightSquare }
      }),
    ),
    elsewhere: off.size === 0 ? 0 : shares / off.size,
  }
}

const sumOfSquares = (values: Float64Array): number => values.reduce((sum, value) => sum + value * value, 0)
