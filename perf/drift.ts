import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { HOURS, JOB_EVERY_S, LOOK_EVERY_S } from './drift/day.ts'
import type { Day } from './drift/day.ts'
import type { Figure } from './figure.ts'
import { figure, median } from './figure.ts'

const CHIPS = 20

/**
 * A day of the default bench's twin, everything drifting: random 64×16·16×16 products with one calibration of the
 * morning, and with the same one kept true by probes and looks. A thread a processor, each with a chip at a time.
 */
export async function drift(): Promise<readonly Figure[]> {
  const days: Day[] = []
  let next = 1
  const oneByOne = async (): Promise<void> => {
    while (next <= CHIPS) {
      const worker = new Worker(new URL('./drift/day-worker.js', import.meta.url), { workerData: next++ })
      const [day] = (await once(worker, 'message')) as [Day]
      days.push(day)
      process.stderr.write(`\r${days.length} of ${CHIPS} chips `)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, oneByOne))
  process.stderr.write('\n')
  const firstHour = ({ watched }: Day): number => Math.min(...watched.slice(0, 3600 / JOB_EVERY_S))
  const falls = days.map((day) => firstHour(day) - Math.min(...day.watched))
  const lost = days.map((day) => firstHour(day) - Math.min(...day.unwatched))
  const against = `least of a day less least of its first hour, ${CHIPS} chips, default bench, a job every ${JOB_EVERY_S / 60} min, looked at every ${LOOK_EVERY_S / 60} min`
  const bits = { unit: 'bits', better: 'lower' } as const
  return [
    figure({ name: 'a day watched, bits lost: median', value: median(falls), ...bits, against }),
    figure({ name: 'a day watched, bits lost: worst', value: Math.max(...falls), ...bits, goal: 0.5, against }),
    figure({ name: 'a day unwatched, bits lost: median', value: median(lost), ...bits, against: 'same jobs' }),
    figure({ name: 'a day unwatched, bits lost: worst', value: Math.max(...lost), ...bits, against: 'same jobs' }),
    figure({
      name: 'a day watched, bench time spent on it',
      value: (100 * Math.max(...days.map(({ lookS }) => lookS))) / (HOURS * 3600),
      unit: '%',
      better: 'lower',
      goal: 5,
      against: `settling and symbols of ${Math.max(...days.map(({ looks }) => looks))} looks of 12 frames; instruments' own time comes on top`,
    }),
  ]
}
