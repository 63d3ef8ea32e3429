import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { SystemClock, VirtualClock } from '../core/clock.ts'
import type { MultichannelPowerMeter } from '../core/instruments.ts'
import { KeysightN7745 } from '../drivers/detectors/keysight-n7745.ts'
import { BytePipe } from '../drivers/transports/byte-pipe.ts'
import { TappedTransport } from '../drivers/transports/tapped.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { RunWriter } from '../orchestrator/journal/run-writer.ts'
import { simN7745 } from '../sim/instruments/sim-n7745.ts'
import type { Figure } from './figure.ts'
import { figure } from './figure.ts'
import { startBareRun } from './start-run.ts'

const INSTRUMENTS = 64
const PERIOD_MS = 100
const MINUTES = 10
const POLLS_PER_MINUTE = 60_000 / PERIOD_MS
const AVERAGING_S = 0.01
const SETUP = { wavelengthNm: 1550, rangeDbm: 0 }

/**
 * 64 simulated power meters read through their driver ten times a second for ten virtual minutes, journal on.
 *
 * A deadline is missed when a reading has not come before the next one is due, on the bench's clock: each takes its
 * averaging time, and must not wait for the others'.
 */
export async function polling(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'fringe-perf-'))
  try {
    await using journal = await Journal.open(join(folder, 'polling.db'), { clock: new SystemClock(), mode: 'write' })
    const run = await startBareRun(journal)
    const clock = new VirtualClock()
    const { signal } = new AbortController()
    const meters = await Promise.all(
      Array.from({ length: INSTRUMENTS }, (_, index) => openMeter(index, run, clock, signal)),
    )
    const startMs = clock.monotonicNs() / 1e6
    let missed = 0
    const poll = async (meter: MultichannelPowerMeter, first: number): Promise<void> => {
      for (let tick = first; tick < first + POLLS_PER_MINUTE; tick++) {
        const dueMs = startMs + PERIOD_MS * tick
        const aheadMs = dueMs - clock.monotonicNs() / 1e6
        if (aheadMs > 0) await clock.sleep(aheadMs, signal)
        await meter.readPowerMw(tick % meter.channelCount, signal)
        if (clock.monotonicNs() / 1e6 > dueMs + PERIOD_MS) missed++
      }
    }
    const heapMb: number[] = []
    for (let minute = 0; minute < MINUTES; minute++) {
      await Promise.all(meters.map((meter) => poll(meter, 1 + minute * POLLS_PER_MINUTE)))
      heapMb.push(usedHeapMb())
    }
    await run.finish('done')
    for (const meter of meters) await meter[Symbol.asyncDispose]()
    const polls = INSTRUMENTS * MINUTES * POLLS_PER_MINUTE
    const growthMb = heapMb.at(-1)! - heapMb[1]!
    return [
      figure({
        name: 'deadlines missed',
        value: missed,
        unit: 'polls',
        better: 'lower',
        goal: 0,
        against: `${polls} polls of ${INSTRUMENTS} meters at 10 Hz, ${MINUTES} virtual minutes`,
      }),
      figure({
        name: 'heap growth, minute 2 to 10',
        value: growthMb,
        unit: 'MB',
        better: 'lower',
        goal: 2,
        against: `heap in use after collection, ${heapMb[1]!.toPrecision(3)} MB in minute 2`,
      }),
    ]
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function openMeter(
  index: number,
  run: RunWriter,
  clock: VirtualClock,
  signal: AbortSignal,
): Promise<MultichannelPowerMeter> {
  const name = `meter-${index}`
  const light = {
    powerMw: (channel: number) => 0.01 * (channel + 1),
    captureMw: (_: number, points: number) => new Float64Array(points),
    onTrigger: () => undefined,
  }
  const twin = simN7745.create(light, { name, seed: index, clock, settings: {} })
  const tap = run.tap(name)
  const transport = new TappedTransport(new BytePipe(name, (send) => twin.attach(send)), tap)
  const settings = { readAveragingS: AVERAGING_S, timeoutMs: 5_000, continuousLog: false }
  const meter = await KeysightN7745.open({ name, transport, tap }, settings, clock, signal)
  await meter.configure(SETUP, signal)
  return meter
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function usedHeapMb(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1e6
}
