import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BOUNDARIES } from '../../orchestrator/ledger/boundaries.ts'
import type { Boundary } from '../../orchestrator/ledger/boundaries.ts'
import type { PowerShare } from '../../orchestrator/ledger/energy.ts'
import { accountLayers } from '../../orchestrator/ledger/layer-accounts.ts'
import type { LayerRun } from '../../orchestrator/ledger/layer-accounts.ts'

const share = (
  boundary: Boundary,
  joules: number,
  uncertaintyJ: number,
  over: Partial<PowerShare> = {},
): PowerShare => ({
  ...{ component: boundary, boundary, joules, uncertaintyJ },
  ...{ powerW: joules, source: 'measured', from: 'test', accuracy: 'test' },
  ...{ readings: 2, measuredSeconds: 1, modelledSeconds: 0, ...over },
})

const run = (layer: string, id: string, macs: number, shares: readonly PowerShare[]): LayerRun => ({
  ...{ layer, run: id },
  energy: { macs, benchSeconds: 1, shares },
})

describe('the energy of layers', () => {
  test('2 J and 4 J for a million multiplications each are 3 µJ a multiplication', () => {
    const runs = [run('fc1', 'a', 1e6, [share('optical', 2, 0)]), run('fc1', 'b', 1e6, [share('optical', 4, 0)])]
    const { layers, total } = accountLayers(runs)
    expect(layers).toHaveLength(1)
    const [fc1] = layers
    expect(fc1!.boundaries[0]).toMatchObject({ joules: 6, femtojoulePerMac: 3e9 })
    expect(fc1).toMatchObject({ layer: 'fc1', macs: 2e6, benchSeconds: 2 })
    expect(fc1!.runs.map(({ run, joules }) => [run, joules.optical])).toEqual([
      ['a', 2],
      ['b', 4],
    ])
    expect(total.boundaries).toEqual(fc1!.boundaries)
  })

  test('what one meter is off by adds up over runs, and errs independently of the other: 3 × 3 J and 3 × 4 J are 15 J', () => {
    const one = [share('electro-optic', 100, 3), share('electro-optic', 100, 4, { component: 'heaters' })]
    const { total } = accountLayers(['a', 'b', 'c'].map((id) => run(id, id, 1, one)))
    expect(total.boundaries[1]!.uncertainty.joules).toBe(15)
    expect(
      total.shares.map(({ uncertaintyJ, readings, measuredSeconds }) => [uncertaintyJ, readings, measuredSeconds]),
    ).toEqual([
      [9, 6, 3],
      [12, 6, 3],
    ])
  })

  test('a model that stands in for a meter in another run is a share of its own', () => {
    const shares = accountLayers([
      run('a', '1', 1, [share('wall-plug', 5, 1)]),
      run('a', '2', 1, [share('wall-plug', 5, 1, { source: 'modelled' })]),
    ]).total.shares
    expect(shares.map(({ source }) => source)).toEqual(['measured', 'modelled'])
  })

  test('of no runs is nothing', () => {
    expect(accountLayers([])).toMatchObject({ layers: [], total: { macs: 0, benchSeconds: 0 } })
  })

  test('runs sum to their layer and layers to the total to the last digit in any order, however unlike their sizes', () => {
    const joules = fc.double({ min: 1e-9, max: 1e6, noNaN: true })
    const runs = fc.array(
      fc.record({ layer: fc.constantFrom('a', 'b', 'c'), joules: fc.tuple(joules, joules, joules, joules) }),
      { minLength: 1, maxLength: 30 },
    )
    fc.assert(
      fc.property(runs, (given) => {
        const { layers, total } = accountLayers(
          given.map(({ layer, joules }, i) =>
            run(
              layer,
              String(i),
              1,
              BOUNDARIES.map((boundary, b) => share(boundary, joules[b]!, 0)),
            ),
          ),
        )
        for (const [at, boundary] of BOUNDARIES.entries()) {
          const ofLayers = layers.map(({ boundaries }) => boundaries[at]!.joules)
          expect(sum(ofLayers)).toBe(total.boundaries[at]!.joules)
          expect(sum(ofLayers.toReversed())).toBe(total.boundaries[at]!.joules)
          for (const layer of layers) {
            expect(sum(layer.runs.map(({ joules }) => joules[boundary]).sort())).toBe(layer.boundaries[at]!.joules)
          }
          const asGiven = sum(
            given.map(({ joules }) => sum(boundary === 'wall-plug' ? [joules[3]] : joules.slice(0, at + 1))),
          )
          const largest = total.boundaries[Math.max(at, 2)]!.joules
          expect(Math.abs(total.boundaries[at]!.joules - asGiven)).toBeLessThan(1e-12 * largest)
        }
      }),
    )
  })
})

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)
