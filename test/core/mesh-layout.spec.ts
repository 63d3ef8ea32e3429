import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clementsIndex, clementsPlaces, svdCoreLayout } from '../../core/mesh-layout.ts'

const sizes = fc.integer({ min: 2, max: 16 })

describe('a rectangular mesh', () => {
  test('of 8 ports has 28 interferometers in 8 columns', () => {
    const places = clementsPlaces(8)
    expect(places).toHaveLength(28)
    expect(places.filter(({ column }) => column === 0).map(({ top }) => top)).toEqual([0, 2, 4, 6])
    expect(places.filter(({ column }) => column === 7).map(({ top }) => top)).toEqual([1, 3, 5])
  })

  test('has N(N−1)/2 interferometers, column by column, none on top of another', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const places = clementsPlaces(size)
        expect(places).toHaveLength((size * (size - 1)) / 2)
        expect(new Set(places.map(({ column, top }) => `${column}/${top}`)).size).toBe(places.length)
        for (const [k, { column, top }] of places.entries()) {
          expect(top + 1).toBeLessThan(size)
          expect((column + top) % 2).toBe(0)
          const next = places[k + 1]
          if (next !== undefined) expect(next.column * size + next.top).toBeGreaterThan(column * size + top)
        }
      }),
    )
  })
})

describe('the floor plan of a U·Σ·V† core', () => {
  test('of 8 ports and 2 lanes needs 160 heaters', () => {
    const layout = svdCoreLayout(8, 2)
    expect(layout.heaters).toHaveLength(160)
    expect(layout.mzis).toHaveLength(28)
    const count = (kind: string): number => layout.heaters.filter(({ role }) => role.kind === kind).length
    expect(
      Object.fromEntries(['input', 'phi', 'theta', 'sigma-phi', 'sigma-theta', 'lo'].map((k) => [k, count(k)])),
    ).toEqual({
      input: 16,
      phi: 56,
      theta: 56,
      'sigma-phi': 8,
      'sigma-theta': 8,
      lo: 16,
    })
  })

  test('every heater has a place of its own, and is found by what it does', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 4 }), (size, lanes) => {
        const { heaters, input, first, second, sigma, lo } = svdCoreLayout(size, lanes)
        expect(heaters).toHaveLength(2 * size * (size - 1) + 2 * size + 2 * lanes * size)
        expect(new Set(heaters.map(({ x, y }) => `${x}/${y}`)).size).toBe(heaters.length)
        const inOrder = [
          ...input.flat(),
          ...first.phi,
          ...first.theta,
          ...sigma.phi,
          ...sigma.theta,
          ...second.phi,
          ...second.theta,
          ...lo.flat(),
        ]
        expect(inOrder).toEqual([...heaters.keys()])
        for (const [lane, ports] of lo.entries()) {
          for (const [port, heater] of ports.entries())
            expect(heaters[heater]!.role).toEqual({ kind: 'lo', lane, port })
        }
        for (const [mzi, heater] of second.theta.entries()) {
          expect(heaters[heater]!.role).toEqual({ kind: 'theta', mesh: 'second', mzi })
        }
      }),
    )
  })

  test('follows the light: trimmers, V†, attenuators, U, local oscillators, left to right', () => {
    const { heaters, mzis, input, first, second, sigma, lo } = svdCoreLayout(4, 2)
    const [x, y] = [(heater: number): number => heaters[heater]!.x, (heater: number): number => heaters[heater]!.y]
    const span = (list: readonly number[]): [number, number] => [Math.min(...list.map(x)), Math.max(...list.map(x))]
    const parts = [
      input.flat(),
      [...first.phi, ...first.theta],
      [...sigma.phi, ...sigma.theta],
      [...second.phi, ...second.theta],
      lo.flat(),
    ].map(span)
    for (const [i, [from]] of parts.entries()) if (i > 0) expect(from).toBeGreaterThan(parts[i - 1]![1])
    for (const [k, { column, top }] of mzis.entries()) {
      expect(x(first.theta[k]!) - x(first.phi[k]!)).toBe(1)
      expect(x(first.phi[k]!) - x(first.phi[0]!)).toBe(2 * column)
      expect([y(first.phi[k]!), y(first.theta[k]!)]).toEqual([top, top])
    }
  })
})

test('the index of a place is where it stands in the list of places', () => {
  for (const size of [2, 3, 4, 7, 12]) {
    for (const [k, { column, top }] of clementsPlaces(size).entries()) expect(clementsIndex(size, column, top)).toBe(k)
  }
})
