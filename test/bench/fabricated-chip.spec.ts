import { expect, test } from 'vitest'
import { readBenchFile, requireKind } from '../../bench/bench-file.ts'
import { startTwin } from '../../bench/connect-twin.ts'
import { fabricatedChip } from '../../bench/fabricated-chip.ts'
import { chipTables } from '../../cli/chip-tables.ts'
import { VirtualClock } from '../../core/clock.ts'

const file = requireKind(await readBenchFile('examples/mesh-8x8.yaml'), 'mesh')

test('A fabricated chip is the one that the twin of the same seed has behind its wires', async () => {
  const { truth } = fabricatedChip(file, 7)
  await using twin = await startTwin(file, { seed: 7, clock: new VirtualClock(), mode: 'pipe' })
  const { chip, photodiodes } = twin.world.truth
  expect(truth['chip']).toMatchObject({
    first: chip.first,
    offsetRad: [...chip.offsetRad],
    piPowerMw: [...chip.piPowerMw],
  })
  const [name, photodiode] = [...photodiodes][0]!
  expect(truth['photodiodes']).toMatchObject({ [name]: { gain: photodiode.gain, darkMw: photodiode.darkMw } })
  expect(JSON.parse(JSON.stringify(truth))).toEqual(truth)
  expect(fabricatedChip(file, 8).truth).not.toEqual(truth)
})

test('Every parameter of the twin is named with its value, default, limits and source', () => {
  const written = { ...file, twin: { ...file.twin, mziLossDb: 0.2 } }
  const { parameters } = fabricatedChip(written, 1)
  expect(Object.keys(parameters)).toEqual(Object.keys(file.twin))
  expect(parameters['mziLossDb']).toMatchObject({ value: 0.2, default: 0.1, min: 0, max: 3 })
  for (const { source } of Object.values(parameters)) expect(source).not.toBe('')
})

test('Its tables have each device once, with its name', () => {
  const tables = chipTables(fabricatedChip(file, 7).truth)
  const table = (name: string, column: string) =>
    tables.find((each) => each.name === name && each.columns.includes(column))
  expect(table('chip.first', 'alphaRad')?.rows).toHaveLength(28)
  expect(table('chip.first', 'alphaRad')?.rows[4]?.label).toBe('column 1 top 1')
  expect(table('chip', 'piPowerMw')).toMatchObject({
    columns: ['offsetRad', 'piPowerMw', 'resistanceOhm'],
    rows: { length: 160, 16: { label: 'phi mesh first mzi 0' } },
  })
  expect(table('modulators', 'vpiV')?.rows).toHaveLength(16)
  expect(table('photodiodes', 'gain')?.rows).toHaveLength(32)
  expect(table('paths[1]', 'inRe')?.rows).toHaveLength(8)
})

test('Truth of any other shape becomes tables too', () => {
  const tables = chipTables({
    awgr: { lossDb: 3, rings: [{ q: 1 }, { q: 2 }], grid: { a: { x: 1 } }, shift: [1, 2, 3] },
  })
  expect(tables.map(({ name, columns, rows }) => [name, columns, rows.length])).toEqual([
    ['awgr', ['value'], 1],
    ['awgr', ['shift'], 3],
    ['awgr.rings', ['q'], 2],
    ['awgr.grid', ['x'], 1],
  ])
})
