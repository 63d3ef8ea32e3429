import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { MESH_PARAMETERS } from '../../../sim/optics/parameters/mesh-parameters.ts'

const page = readFileSync(new URL('../../../docs/physics.md', import.meta.url), 'utf8')
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )

describe('the page on physics', () => {
  test('lists every parameter of the twin with the default, the range and the source of the code', () => {
    const known = Object.entries(MESH_PARAMETERS).map(([key, { value, min, max, source }]) => [
      `\`${key}\``,
      String(value),
      `${min} to ${max}`,
      source,
    ])
    expect(rows.sort()).toEqual(known.sort())
  })
})

describe.each(Object.entries(MESH_PARAMETERS))('the parameter %s', (_, { value, min, max, source }) => {
  test('has a default inside its range, and says where it comes from', () => {
    expect(value).toBeGreaterThanOrEqual(min)
    expect(value).toBeLessThanOrEqual(max)
    expect(source.replace('assumption: ', '').length).toBeGreaterThan(3)
  })
})
