import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countFrames, placeOfRow, PROBES, probeVectors, tileJobs } from '../../orchestrator/tiles/tile-product.ts'
import type { RealMatrix, TilingShape } from '../../orchestrator/tiles/tile-product.ts'
import { close } from '../support/close.ts'

const matrix = (rows: number, columns: number, value: (row: number, column: number) => number): RealMatrix => ({
  rows,
  columns,
  data: Float64Array.from({ length: rows * columns }, (_, i) => value(Math.floor(i / columns), i % columns)),
})

const size = fc.integer({ min: 1, max: 40 })
const shapes: fc.Arbitrary<TilingShape> = fc.record({
  outputs: fc.integer({ min: 1, max: 9 }),
  inputs: fc.integer({ min: 1, max: 9 }),
  lanes: fc.integer({ min: 1, max: 3 }),
  maxSymbols: fc.integer({ min: PROBES + 1, max: 30 }),
})
const shape: TilingShape = { outputs: 4, inputs: 4, lanes: 2, maxSymbols: 10 }

describe('a product cut into frames', () => {
  test('every frame fits the optics: size of the tile, number of symbols, inputs within −1…1', () => {
    fc.assert(
      fc.property(size, size, size, shapes, (m, k, n, fits) => {
        const a = matrix(m, k, (row, column) => Math.sin(row * 31 + column * 7) * 10 ** (row % 5))
        const b = matrix(k, n, (row, column) => Math.cos(row * 13 + column * 3))
        let frames = 0
        for (const { frame } of tileJobs(a, b, fits)) {
          frames++
          expect(frame.tile.weights).toHaveLength(fits.outputs * fits.inputs)
          expect(frame.lanes).toHaveLength(fits.lanes)
          for (const lane of frame.lanes) {
            expect(lane.length).toBe(frame.lanes[0]!.length)
            expect(lane.length / fits.inputs).toBeLessThanOrEqual(fits.maxSymbols)
            expect(lane.length / fits.inputs).toBeGreaterThan(PROBES)
            expect(lane.every((value) => Math.abs(value) <= 1)).toBe(true)
          }
        }
        expect(frames).toBe(countFrames(a, b, fits))
      }),
      { numRuns: 25 },
    )
  })

  test('every element of A meets every element of B that it must, exactly once', () => {
    fc.assert(
      fc.property(size, size, size, shapes, (m, k, n, fits) => {
        const met = new Map<string, number>()
        for (const { firstRow, rows, firstInner, firstColumn } of tileJobs(
          matrix(m, k, () => 1),
          matrix(k, n, () => 1),
          fits,
        )) {
          expect(rows).toBeGreaterThan(0)
          expect(firstRow + rows).toBeLessThanOrEqual(m)
          const place = `${firstInner}/${firstColumn}`
          met.set(place, (met.get(place) ?? 0) + rows)
        }
        expect(met.size).toBe(Math.ceil(k / fits.inputs) * Math.ceil(n / fits.outputs))
        for (const rows of met.values()) expect(rows).toBe(m)
      }),
      { numRuns: 25 },
    )
  })

  test('each tile comes once, with all its rows in a row: 3 frames for 30 rows on 2 lanes of 6 symbols', () => {
    const jobs = [
      ...tileJobs(
        matrix(30, 8, () => 1),
        matrix(8, 4, () => 1),
        shape,
      ),
    ]
    expect(jobs.map(({ frame, firstRow, rows }) => [frame.tile.id, firstRow, rows])).toEqual([
      [0, 0, 12],
      [0, 12, 12],
      [0, 24, 6],
      [1, 0, 12],
      [1, 12, 12],
      [1, 24, 6],
    ])
  })

  test('a tile is the transposed piece of B; beyond the edge of B it is zero', () => {
    const b = matrix(5, 3, (row, column) => 10 * row + column)
    const tiles = [
      ...tileJobs(
        matrix(1, 5, () => 1),
        b,
        shape,
      ),
    ].map(({ frame }) => [...frame.tile.weights])
    expect(tiles).toEqual([
      [0, 10, 20, 30, 1, 11, 21, 31, 2, 12, 22, 32, 0, 0, 0, 0],
      [40, 0, 0, 0, 41, 0, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0],
    ])
  })

  test('each row is scaled by its own largest value, so that small rows use the whole range; rows of zeros stay zero', () => {
    const a = matrix(3, 4, (row, column) => [0.001, 0, -200][row]! * (column + 1))
    const [job] = [
      ...tileJobs(
        a,
        matrix(4, 4, () => 1),
        { ...shape, lanes: 1 },
      ),
    ]
    expect([...job!.scale]).toEqual([0.004, 0, 800])
    const symbol = (row: number): number[] => [
      ...job!.frame.lanes[0]!.subarray(4 * (PROBES + row), 4 * (PROBES + row + 1)),
    ]
    expect(symbol(0)).toEqual([0.25, 0.5, 0.75, 1].map(close(14)))
    expect(symbol(1)).toEqual([0, 0, 0, 0])
    expect(symbol(2)).toEqual([-0.25, -0.5, -0.75, -1])
  })

  test('begins with the same probes on every lane, whatever is multiplied', () => {
    const probes = probeVectors(4)
    expect(probes).toHaveLength(PROBES * 4)
    for (const { frame } of tileJobs(matrix(20, 9, Math.atan2), matrix(9, 6, Math.atan2), shape)) {
      for (const lane of frame.lanes) expect(lane.subarray(0, PROBES * 4)).toEqual(probes)
    }
    expect(Math.max(...probes.map(Math.abs))).toBeGreaterThan(0.5)
  })

  test('rows are dealt out to the lanes in turn, behind the probes', () => {
    expect([0, 1, 2, 3, 4].map((row) => placeOfRow(row, 2))).toEqual([
      { lane: 0, symbol: PROBES },
      { lane: 1, symbol: PROBES },
      { lane: 0, symbol: PROBES + 1 },
      { lane: 1, symbol: PROBES + 1 },
      { lane: 0, symbol: PROBES + 2 },
    ])
  })

  test('nothing to multiply is no frame', () => {
    expect(
      countFrames(
        matrix(0, 4, () => 1),
        matrix(4, 4, () => 1),
        shape,
      ),
    ).toBe(0)
    expect([
      ...tileJobs(
        matrix(0, 4, () => 1),
        matrix(4, 4, () => 1),
        shape,
      ),
    ]).toEqual([])
  })

  test('frames with room for the probes alone are refused, not repeated for ever', () => {
    const small = { ...shape, maxSymbols: PROBES }
    expect(() =>
      countFrames(
        matrix(1, 1, () => 1),
        matrix(1, 1, () => 1),
        small,
      ),
    ).toThrow(`a frame of ${PROBES} symbols has no room for data: ${PROBES} are probes`)
  })
})
