import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readBenchFile, requireKind } from '../../bench/bench-file.ts'
import type { MeshCalibration } from '../../calibration/calibration-record.ts'
import { oracleVerification } from '../../cli/twin-oracle.ts'
import { neverAborted } from '../support/run-plan.ts'
import { query, SMALL_BENCH, smallJournal } from './fringe-process.ts'

test('an oracle knows what has drifted: after 36 hours it verifies as well as on the first', async () => {
  const [row] = await query(join(await smallJournal(), 'fringe.db'), 'SELECT record FROM calibrations')
  const record = JSON.parse(String(row!['record'])) as MeshCalibration
  const file = requireKind(await readBenchFile(SMALL_BENCH), 'mesh')
  const at = (ageS: number) => oracleVerification(file, { seed: 3, ageS }, record, neverAborted)
  const [fresh, old] = [await at(0), await at(36 * 3600)]
  expect(old.E).not.toBe(fresh.E)
  // With the phases as they were fabricated it would be 0.06 by then.
  expect(old.E).toBeLessThan(0.003)
  expect(fresh.E).toBeLessThan(0.003)
}, 120_000)
