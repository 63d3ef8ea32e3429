import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SystemClock } from '../core/clock.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { Figure } from './figure.ts'
import { figure, median } from './figure.ts'
import { startBareRun } from './start-run.ts'

const RECORDS = 500_000
const ROUNDS = 3
const BURST = 1000

/** Wire records a second, all of them counted again afterwards, and what one costs the main thread. */
export async function journal(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'fringe-perf-'))
  try {
    const rounds: { rate: number; mainUs: number; lost: number }[] = []
    for (let round = 0; round < ROUNDS; round++) rounds.push(await oneRound(join(folder, `${round}.db`)))
    const of = (key: 'rate' | 'mainUs' | 'lost'): number => median(rounds.map((round) => round[key]))
    return [
      figure({
        name: 'records sustained',
        value: of('rate'),
        unit: '/s',
        better: 'higher',
        goal: 100_000,
        against: `${RECORDS} records of 40 bytes, until the last is committed`,
      }),
      figure({
        name: 'records lost',
        value: Math.max(...rounds.map(({ lost }) => lost)),
        unit: 'records',
        better: 'lower',
        goal: 0,
        against: 'read back after the run',
      }),
      figure({
        name: 'main thread, all of the writer',
        value: of('mainUs'),
        unit: 'µs/record',
        better: 'lower',
        goal: 2,
        against: 'processor time of the main thread over the run',
      }),
    ]
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function oneRound(file: string): Promise<{ rate: number; mainUs: number; lost: number }> {
  const clock = new SystemClock()
  await using journal = await Journal.open(file, { clock, mode: 'write' })
  const run = await startBareRun(journal)
  const taps = ['a', 'b', 'c', 'd'].map((name) => run.tap(name))
  const bytes = new Uint8Array(40).fill(65)
  const before = mainThreadMs()
  const start = performance.now()
  for (let written = 0; written < RECORDS; written += BURST) {
    for (let i = 0; i < BURST; i++) taps[i % taps.length]!.record(i % 2 === 0 ? 'tx' : 'rx', bytes)
    await run.ready()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await run.flush()
  const elapsedMs = performance.now() - start
  const active = mainThreadMs() - before
  await run.finish('done')
  const recording = await journal.readWires(run.id)
  let found = 0
  for await (const page of recording.pages()) found += page.length
  return {
    rate: RECORDS / (elapsedMs / 1e3),
    mainUs: (active * 1e3) / RECORDS,
    lost: RECORDS - found,
  }
}

/**
 * Processor time that the main thread has had. Linux tells it in nanoseconds; elsewhere the event loop's busy time
 * stands in, which also counts what other processes took away.
 */
function mainThreadMs(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6
  } catch {
    return performance.eventLoopUtilization().active
  }
}
