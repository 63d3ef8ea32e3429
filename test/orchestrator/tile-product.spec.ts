import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addOffsets, addProducts, codeFrame, placeOfRow } from '../../orchestrator/tiles/frame-coding.ts'
import { ONE_PASS, sendRows } from '../../orchestrator/numerics/passes.ts'
import { PROBES, probeVectors, weightProbes } from '../../orchestrator/numerics/probes.ts'
import { cutTiles, TileProduct } from '../../orchestrator/tiles/tile-product.ts'
import type { RealMatrix } from '../../orchestrator/tiles/tile-product.ts'
import { close } from '../support/close.ts'
import { ExactCore } from '../support/exact-core.ts'

const matrix = (rows: number, columns: number, value: (row: number, column: number) => number): RealMatrix => ({
  rows,
  columns,
  data: Float64Array.from({ length: rows * columns }, (_, i) => value(Math.floor(i / columns), i % columns)),
})
const shape = { outputs: 4, inputs: 4 }
const block = fc.constantFrom('none' as const, 'share' as const, 'whole' as const)
const scalings = fc.record({
  inputs: block,
  weights: block,
  scaled: fc.constantFrom('tile' as const, 'output' as const),
})
const size = fc.integer({ min: 1, max: 20 })

describe('a product cut into tiles', () => {
  test('tiles, shares, scales and zero points of any scaling make the product again', () => {
    fc.assert(
      fc.property(size, size, size, scalings, (m, k, n, scaling) => {
        const a = matrix(m, k, (row, column) => Math.sin(row * 31 + column * 7) * 10 ** (row % 5))
        const b = matrix(k, n, (row, column) => 2 + Math.cos(row * 13 + column * 3))
        const cutUp = new TileProduct(a, b, shape, scaling)
        const c = matrix(m, n, () => 0)
        for (let id = 0; id < cutUp.tiles; id++) {
          const cut = cutUp.tile(id)
          const inputs = cutUp.inputs(cut, 0, m)
          expect(inputs.values.every((value) => Math.abs(value) <= 1)).toBe(true)
          const coded = codeFrame(new ExactCore(), cut, inputs, { passes: ONE_PASS, probes: probeVectors(4), gain: 1 })
          const results = new Float64Array((coded.frame.lanes[0]!.length / 4) * 4)
          for (let at = 0; at < results.length; at++) {
            for (let i = 0; i < 4; i++) {
              results[at]! += cut.tile.weights[(at % 4) * 4 + i]! * coded.frame.lanes[0]![Math.floor(at / 4) * 4 + i]!
            }
          }
          addProducts(c, coded, [results], [new Float64Array(4)])
          addOffsets(c, cut, inputs)
        }
        for (let row = 0; row < m; row++) {
          for (let column = 0; column < n; column++) {
            let exact = 0
            for (let i = 0; i < k; i++) exact += a.data[row * k + i]! * b.data[i * n + column]!
            expect(Math.abs(c.data[row * n + column]! - exact)).toBeLessThan(1e-12 * k * 3 * 10 ** (row % 5))
          }
        }
      }),
      { numRuns: 40 },
    )
  })

  test('a tile is the transposed piece of B; beyond the edge of B it is zero, and worth nothing', () => {
    const b = matrix(5, 3, (row, column) => 10 * row + column)
    const tiles = [...cutTiles(b, shape)]
    expect(tiles.map(({ tile }) => [...tile.weights])).toEqual([
      [0, 10, 20, 30, 1, 11, 21, 31, 2, 12, 22, 32, 0, 0, 0, 0],
      [40, 0, 0, 0, 41, 0, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0],
    ])
    expect(tiles.map(({ scale }) => [...scale])).toEqual([
      [1, 1, 1, 0],
      [1, 1, 1, 0],
    ])
  })

  test('each row is scaled by its own largest value, so that small rows use the whole range; rows of zeros stay zero', () => {
    const a = matrix(3, 4, (row, column) => [0.001, 0, -200][row]! * (column + 1))
    const cutUp = new TileProduct(
      a,
      matrix(4, 4, () => 1),
      shape,
    )
    const { scale, values } = cutUp.inputs(cutUp.tile(0), 0, 3)
    expect([...scale]).toEqual([0.004, 0, 800])
    expect([...values.subarray(0, 4)]).toEqual([0.25, 0.5, 0.75, 1].map(close(14)))
    expect([...values.subarray(4)]).toEqual([0, 0, 0, 0, -0.25, -0.5, -0.75, -1])
  })

  test('zero points are taken off shares that lie far from zero: 100 to 103 become −1 to 1', () => {
    const a = matrix(1, 4, (_, column) => 100 + column)
    const cutUp = new TileProduct(
      a,
      matrix(4, 4, () => 1),
      shape,
      { inputs: 'share', weights: 'none', scaled: 'tile' },
    )
    const { scale, offset, values } = cutUp.inputs(cutUp.tile(0), 0, 1)
    expect([scale[0], offset[0]]).toEqual([1.5, 101.5])
    expect([...values]).toEqual([-1, -1 / 3, 1 / 3, 1].map(close(14)))
  })

  test('rows are dealt out to the lanes in turn', () => {
    expect([0, 1, 2, 3, 4].map((row) => placeOfRow(row, 2))).toEqual([
      { lane: 0, slot: 0 },
      { lane: 1, slot: 0 },
      { lane: 0, slot: 1 },
      { lane: 1, slot: 1 },
      { lane: 0, slot: 2 },
    ])
  })
})

describe('known inputs', () => {
  test.each([
    ['4 probes of every frame', probeVectors(4), PROBES],
    ['8 that show every weight', weightProbes(4), 8],
  ])('%s come in pairs of both signs, within the range', (_, probes, count) => {
    expect(probes).toHaveLength(count * 4)
    for (let pair = 0; pair < count; pair += 2) {
      const [one, other] = [probes.subarray(4 * pair, 4 * pair + 4), probes.subarray(4 * pair + 4, 4 * pair + 8)]
      expect([...other]).toEqual([...one].map((value) => -value))
    }
    expect(probes.every((value) => Math.abs(value) <= 1)).toBe(true)
  })
})

describe('rows sent in several passes', () => {
  /** Codes of 7 steps a side. */
  const coarse = (values: Float64Array): Float64Array => values.map((value) => Math.round(7 * value) / 7)
  const rows = Float64Array.from({ length: 40 }, (_, i) => 0.9 * Math.sin(i))
  const rms = (values: Float64Array): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length)

  test('each repeat makes up for what the codes before it missed: 8 repeats leave an eighth', () => {
    const once = rms(sendRows(rows, 4, ONE_PASS, coarse).missed)
    const often = rms(sendRows(rows, 4, { repeats: 8, slices: 1 }, coarse).missed)
    expect(often / once).toBeLessThan(1 / 6)
    expect(often / once).toBeGreaterThan(1 / 12)
  })

  test('the second slice carries what is missing, at the whole range', () => {
    const { missed } = sendRows(rows, 4, ONE_PASS, coarse)
    const { symbols, fineScale } = sendRows(rows, 4, { repeats: 1, slices: 2 }, coarse)
    for (let row = 0; row < 10; row++) {
      const fine = symbols.subarray((2 * row + 1) * 4, (2 * row + 2) * 4)
      expect(Math.max(...fine.map(Math.abs))).toBeCloseTo(1, 12)
      for (let i = 0; i < 4; i++) expect(fine[i]! * fineScale[row]!).toBeCloseTo(missed[row * 4 + i]!, 12)
    }
  })
})
