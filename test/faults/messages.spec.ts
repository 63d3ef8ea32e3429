import { describe, expect, test } from 'vitest'
import { MESSAGE_FAULTS, MESSAGE_SERVERS, runMessageSchedule } from '../../perf/faults/message-schedule.ts'
import { SUBJECTS } from '../../perf/faults/subjects.ts'

const DRIVERS = ['keysight-n7745', 'keysight-b2900'] as const
const SEEDS = [1, 2, 3, 4]
const KINDS = Object.keys(MESSAGE_SERVERS) as (keyof typeof MESSAGE_SERVERS)[]
const WIRES = KINDS.flatMap((kind) => DRIVERS.map((driver) => [driver, kind] as const))

describe.each(WIRES)('%s behind a real server of %s', (driver, kind) => {
  test.each(MESSAGE_FAULTS)(
    'under %s is right or refuses, never hangs, and works again afterwards',
    async (fault) => {
      // At the same time: nearly all of it is waiting for deadlines.
      const days = await Promise.all(SEEDS.map((seed) => runMessageSchedule(SUBJECTS[driver]!, kind, fault, seed)))
      const all = (what: 'wrong' | 'crashes' | 'hangs' | 'stuck') =>
        days.flatMap((day, at) => day[what].map((complaint) => `seed ${SEEDS[at]!}: ${complaint}`))
      const complaints = { wrong: all('wrong'), crashes: all('crashes'), hangs: all('hangs'), stuck: all('stuck') }
      expect(complaints).toEqual({ wrong: [], crashes: [], hangs: [], stuck: [] })
      expect(Math.max(...days.map(({ struck }) => struck))).toBeGreaterThan(0)
      expect(Math.min(...days.map(({ right }) => right))).toBeGreaterThan(0)
    },
    60_000,
  )
})
