import { expect, test } from 'vitest'
import { figure, goalText } from '../../perf/figure.ts'

const common = { name: 'any', unit: '1', against: 'a limit' }

test.each([
  [0.79, false],
  [0.8, true],
  [1.1, true],
  [1.11, false],
  [NaN, false],
])('a figure of %f that belongs between 0.8 and 1.1 is met: %s', (value, met) => {
  const one = figure({ ...common, value, better: 'between', goal: { min: 0.8, max: 1.1 } })
  expect(one.met).toBe(met)
  expect(goalText(one)).toBe('0.8 to 1.1')
})

test.each([
  ['higher', 2, true, '≥ 2'],
  ['higher', 1.9, false, '≥ 2'],
  ['lower', 2, true, '≤ 2'],
  ['lower', 2.1, false, '≤ 2'],
] as const)('a figure that is better %s has a limit: %f is met: %s', (better, value, met, text) => {
  const one = figure({ ...common, value, better, goal: 2 })
  expect(one.met).toBe(met)
  expect(goalText(one)).toBe(text)
})

test('a figure without a goal is neither met nor missed', () => {
  const one = figure({ ...common, value: 1, better: 'higher' })
  expect([one.goal, one.met, goalText(one)]).toEqual([null, null, ''])
})
