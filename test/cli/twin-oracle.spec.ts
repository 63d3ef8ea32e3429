import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readBenchFile, requireKind } from '../../bench/bench-file.ts'
import type { MeshCalibration } from '../../calibration/calibration-record.ts'
import { oracleVerification } from '../../cli/twin-oracle.ts'
import { neverAborted } from '../support/run-plan.ts'
import { query, SMALL_BENCH, smallJournal } from './fringe-process.ts'

test('an oracle knows what has drifted: after two days it verifies as well as on the first', async () => {
  const [row] = await query(join(await smallJournal(), 'fringe.db'), 'SELECT record FROM calibrations')
  const record = JSON.parse(String(row!['record'])) as MeshCalibration
  const file = requireKind(await readBenchFile(SMALL_BENCH), 'mesh')
  const at = (ageS: number) => oracleVerification(file, { seed: 3, ageS }, record, neverAborted)
  const [fresh, old] = [await at(0), await at(2 * 86_400)]
  expect(old.E).not.toBe(fresh.E)
  // Fabricated phases alone, without their drift, are off by 0.05 and more by then.
  expect(old.E).toBeLessThan(0.015)
  expect(fresh.E).toBeLessThan(0.015)
}, 120_000)
