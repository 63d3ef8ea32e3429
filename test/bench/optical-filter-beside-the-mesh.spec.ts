import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { benchFromText } from '../../bench/bench-file.ts'
import { startTwin } from '../../bench/connect-twin.ts'
import { openMeshBench } from '../../bench/open-bench.ts'
import { VirtualClock } from '../../core/clock.ts'
import type { OpticalFilter } from '../../core/instruments.ts'

const forever = (): AbortSignal => new AbortController().signal

test.each(['pipe', 'wire'] as const)('an optical filter stands beside the mesh, over a %s', async (mode) => {
  const text = await readFile('test/cli/small-bench.yaml', 'utf8')
  const line = 'instruments:\n  filter: { driver: waveshaper, resource: HTTP::10.0.0.9 }\n'
  const file = benchFromText(text.replace('instruments:\n', line), 'b.yaml')
  const clock = new VirtualClock()
  await using twin = await startTwin(file, { seed: 1, clock, mode })
  const open = await openMeshBench(file, { connect: twin.connect, clock, signal: forever() })
  const filter = open.instruments.get('filter') as OpticalFilter
  await filter.loadBandPass({ port: 1, centreThz: 193.1, bandwidthThz: 0.05, attenuationDb: 0 }, forever())
  const optics = twin.world.filters.get('filter')
  expect(optics?.powerRatio(1, 193.1)).toBeGreaterThan(0.1)
  expect(await open.close()).toMatchObject({ verified: true })
  expect(optics?.powerRatio(1, 193.1)).toBe(0)
})
