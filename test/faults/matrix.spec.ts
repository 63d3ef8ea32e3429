import { describe, expect, test } from 'vitest'
import { DRIVERS } from '../../drivers/registry.ts'
import { matrixPairs, runCell } from '../../perf/faults/matrix.ts'
import { runSchedule } from '../../perf/faults/schedule.ts'
import { SUBJECTS } from '../../perf/faults/subjects.ts'
import { FAULTS } from '../../sim/faults/fault-script.ts'

/** `npm run bench -- faults` runs a thousand of each. */
const SCHEDULES = 12

test('every driver of the registry has a row in the fault matrix, and every row a driver', () => {
  expect(Object.keys(SUBJECTS).sort()).toEqual(Object.keys(DRIVERS).sort())
  expect(matrixPairs()).toHaveLength(Object.keys(DRIVERS).length * FAULTS.length)
})

describe.each(FAULTS)('under %s', (fault) => {
  test.each(Object.keys(SUBJECTS))(
    '%s gives the right value or a typed error, never hangs, and works again afterwards',
    async (driver) => {
      const { struck, right, wrong, crashes, hangs, stuck } = await runCell(driver, fault, 1, SCHEDULES)
      expect({ wrong, crashes, hangs, stuck }).toEqual({ wrong: [], crashes: [], hangs: [], stuck: [] })
      expect(struck).toBeGreaterThan(0)
      expect(right).toBeGreaterThan(0)
    },
  )
})

test('a seed gives the same bad day again', async () => {
  const day = () => runSchedule(SUBJECTS['keysight-n7745']!, 'late-reply', 7)
  expect(await day()).toEqual(await day())
})
