import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { AWGR_PARAMETERS } from '../../../sim/optics/parameters/awgr-parameters.ts'
import { MESH_PARAMETERS } from '../../../sim/optics/parameters/mesh-parameters.ts'

/** `outputLossDb` is another thing for either core, and so stands in both tables. */
const all = [...Object.entries(MESH_PARAMETERS), ...Object.entries(AWGR_PARAMETERS)]
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
    const known = all.map(([key, { value, min, max, source }]) =>
      [`\`${key}\``, String(value), `${min} to ${max}`, source].join(' | '),
    )
    expect(rows.map((row) => row.join(' | ')).sort()).toEqual([...new Set(known)].sort())
  })
})

describe.each(all)('the parameter %s', (_, { value, min, max, source }) => {
  test('has a default inside its range, and says where it comes from', () => {
    expect(value).toBeGreaterThanOrEqual(min)
    expect(value).toBeLessThanOrEqual(max)
    expect(source.replace('assumption: ', '').length).toBeGreaterThan(3)
  })
})
