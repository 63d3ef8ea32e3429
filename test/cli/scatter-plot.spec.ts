import { expect, test } from 'vitest'
import { scatterPlot } from '../../cli/scatter-plot.ts'

test('puts what agrees on the diagonal, smallest bottom left', () => {
  const values = Array.from({ length: 100 }, (_, i) => i - 50)
  expect(scatterPlot(values, values, { columns: 8, rows: 4 })).toEqual([
    'computed',
    ' 49 │⠀⠀⠀⠀⠀⠀⡠⠊',
    '    │⠀⠀⠀⠀⡠⠊⠀⠀',
    '    │⠀⠀⡠⠊⠀⠀⠀⠀',
    '-50 │⡠⠊⠀⠀⠀⠀⠀⠀',
    '    └────────',
    '     -50   49',
    '        exact',
  ])
})

test('shows one outlier above the diagonal', () => {
  const lines = scatterPlot([0, 1, 2, 3], [0, 1, 3, 3], { columns: 4, rows: 2 })
  expect(lines.slice(1, 3)).toEqual(['3 │⠀⠀⠈⠈', '0 │⡀⠂⠀⠀'])
})

test('takes a product that is the same everywhere', () => {
  expect(scatterPlot([2, 2], [2, 2], { columns: 3, rows: 1 })[1]).toBe('2 │⡀⠀⠀')
})
