import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EnergyGrid } from '../../orchestrator/ledger/energy-grid.ts'

const weights = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 })
const total = fc.double({ min: 1e-12, max: 1e9, noNaN: true })

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

describe('energies cut into parts', () => {
  test('sum to their total to the last digit, whoever adds them up and in whatever order', () => {
    fc.assert(
      fc.property(
        total,
        weights,
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (joules, list, order) => {
          const grid = new EnergyGrid(joules)
          const whole = grid.snap(joules)
          const parts = grid.allocate(whole, list)
          const shuffled = parts.map((part) => ({ part, at: order.next().value as number })).sort((i, j) => i.at - j.at)
          expect(sum(parts)).toBe(whole)
          expect(sum(shuffled.map(({ part }) => part))).toBe(whole)
          // As JSON keeps them, too.
          expect(sum(JSON.parse(JSON.stringify(parts)) as number[])).toBe(whole)
        },
      ),
    )
  })

  test('are in proportion to their weights, to 10⁻¹² of the total', () => {
    fc.assert(
      fc.property(total, weights, (joules, list) => {
        const grid = new EnergyGrid(joules)
        const parts = grid.allocate(grid.snap(joules), list)
        for (const [i, part] of parts.entries()) {
          const share = sum(list) > 0 ? list[i]! / sum(list) : 1 / list.length
          expect(Math.abs(part - share * joules)).toBeLessThanOrEqual(1e-12 * joules)
        }
      }),
    )
  })

  test('stay what they were to 15 digits, and nothing has no parts', () => {
    expect(new EnergyGrid(1000).snap(0.1)).toBeCloseTo(0.1, 12)
    expect(new EnergyGrid(0).allocate(0, [1, 2])).toEqual([0, 0])
    expect(new EnergyGrid(1).allocate(1, [])).toEqual([])
  })
})
