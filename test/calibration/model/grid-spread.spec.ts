import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { GridPlan, GridSpread, Stencil } from '../../../calibration/kernels/grid-spread.ts'
import { ReferenceSpread } from '../../../calibration/kernels/reference/grid-spread.ts'
import { wasmSpread } from '../../../calibration/kernels/wasm-grid-spread.ts'
import { RandomStream } from '../../../core/random.ts'

const problem = fc
  .record({
    columns: fc.integer({ min: 1, max: 12 }),
    rows: fc.integer({ min: 1, max: 9 }),
    reach: fc.integer({ min: 0, max: 5 }),
    spare: fc.integer({ min: 0, max: 2 }),
    seed: fc.nat(),
  })
  .map(({ reach, spare, ...rest }) => ({ ...rest, reach, margin: Math.max(1, reach + spare) }))

const within = ({ columns, rows, margin }: GridPlan, column: number, row: number): number =>
  column < 0 || row < 0 || column >= columns || row >= rows
    ? -1
    : (column + margin) * (rows + 2 * margin) + row + margin

/** [column][row] of what every cell gets. */
function spreadBy(engine: GridSpread, plan: GridPlan, stencil: Stencil, values: readonly number[]): number[] {
  const cells = values.map((_, i) => within(plan, Math.floor(i / plan.rows), i % plan.rows))
  cells.forEach((cell, i) => (engine.from[cell] = values[i]!))
  engine.spread(stencil)
  return cells.map((cell) => engine.to[cell]!)
}

test('every cell gets what all others give it, and both engines say so to the last bit', () => {
  fc.assert(
    fc.property(problem, ({ seed, reach, ...plan }) => {
      const random = new RandomStream(seed, 'grid')
      const weights = Float64Array.from({ length: (reach + 1) ** 2 }, () =>
        random.uniform() < 0.2 ? 0 : random.normal(),
      )
      const values = Array.from({ length: plan.columns * plan.rows }, () => random.normal())
      const [reference, built] = [new ReferenceSpread(plan), wasmSpread(plan)]
      if (built === undefined) throw new Error('run npm run prepare first')
      // The time before must leave nothing behind.
      for (const engine of [reference, built])
        spreadBy(
          engine,
          plan,
          { reach, weights },
          values.map(() => 7),
        )
      const seen = spreadBy(reference, plan, { reach, weights }, values)
      expect(spreadBy(built, plan, { reach, weights }, values)).toEqual(seen)
      seen.forEach((value, i) => {
        const [column, row] = [Math.floor(i / plan.rows), i % plan.rows]
        const expected = values.reduce((sum, given, k) => {
          const across = Math.abs(Math.floor(k / plan.rows) - column)
          const along = Math.abs((k % plan.rows) - row)
          return across > reach || along > reach ? sum : sum + weights[across * (reach + 1) + along]! * given
        }, 0)
        expect(value).toBeCloseTo(expected, 10)
      })
    }),
    { numRuns: 100 },
  )
})
