import { expect, test } from 'vitest'
import { readBenchFile } from '../../bench/bench-file.ts'
import type { Connect } from '../../bench/connect.ts'
import { tappedWire } from '../../bench/connect.ts'
import { startTwin } from '../../bench/connect-twin.ts'
import { openBench } from '../../bench/open-bench.ts'
import { safeStateError } from '../../bench/safe-order.ts'
import { JournalClock } from '../../cli/journal-clock.ts'
import { ReplayLog } from '../../cli/replay-log.ts'
import type { Bench } from '../../core/bench.ts'
import type { Clock } from '../../core/clock.ts'
import { VirtualClock } from '../../core/clock.ts'
import type { OpticalCore } from '../../core/optical-core.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'
import { DenseArray } from '../../orchestrator/arrays/dense-array.ts'
import { arrayProducts } from '../../orchestrator/jobs/array-products.ts'
import { matmulPlan } from '../../orchestrator/jobs/matmul-plan.ts'
import type { MatmulOutcome, MatmulPlanOptions } from '../../orchestrator/jobs/matmul-plan.ts'
import { noSink } from '../../orchestrator/jobs/product-job.ts'
import { runOnBench } from '../../orchestrator/jobs/run-on-bench.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import { Player } from '../../orchestrator/replay/player.ts'
import { FaultScript } from '../../sim/faults/fault-script.ts'
import { FaultyInstrument } from '../../sim/faults/faulty.ts'
import { scratchFile } from '../orchestrator/conversation.ts'
import { HEADER } from '../orchestrator/journal-pattern.ts'
import { SMALL_BENCH } from '../cli/fringe-process.ts'
import { ExactCore } from '../support/exact-core.ts'
import { neverAborted } from '../support/run-plan.ts'

const matrix = (name: string, rows: number, columns: number): DenseArray => {
  const data = Float64Array.from({ length: rows * columns }, (_, i) => Math.sin(i))
  return new DenseArray(name, [rows, columns], false, data)
}
/** 16 tiles of one frame each. */
const products = arrayProducts(matrix('A', 4, 8), matrix('B', 8, 8), noSink)
const FRAME_MS = 500

/** Exact optics that take half a second a frame; `onFrame` is told which one. */
function slowCore(clock: Clock, onFrame: (count: number) => void): OpticalCore {
  const exact = new ExactCore({ outputs: 2, inputs: 2 })
  let count = 0
  return {
    ...{ shape: exact.shape, lanes: exact.lanes, maxSymbolsPerFrame: exact.maxSymbolsPerFrame },
    program: () => exact.program(),
    safe: () => exact.safe(),
    async *stream(frames, signal) {
      for await (const result of exact.stream(frames, signal)) {
        await clock.sleep(FRAME_MS, signal)
        onFrame(count++)
        yield result
      }
    },
  }
}

function product(
  connect: Connect,
  clock: Clock,
  log: MatmulPlanOptions<Bench>['log'],
  onFrame: (count: number) => void,
): Promise<MatmulOutcome> {
  return runOnBench<MatmulOutcome, Bench>({
    open: async (signal) => {
      const opened = await openBench(await readBenchFile(SMALL_BENCH), { connect, clock, signal })
      return { bench: opened.bench, close: async () => safeStateError(await opened.close()) }
    },
    plan: (bench) => matmulPlan(bench, { products, memoryBytes: Infinity, log, core: () => slowCore(clock, onFrame) }),
    log,
    signal: neverAborted,
  })
}

test('a mains meter that falls silent on its wire for some frames leaves a product, an account that says so, and a replay that matches', async () => {
  const file = await readBenchFile(SMALL_BENCH)
  const clock = new VirtualClock()
  await using journal = await Journal.open(await scratchFile(), { clock: new JournalClock(clock), mode: 'write' })
  const run = await journal.startRun({ kind: 'matmul', header: HEADER })
  await using twin = await startTwin(file, { seed: 3, clock, mode: 'pipe', tapFor: (name) => run.tap(name) })
  // A seed that strikes the first reply.
  const script = new FaultScript(9, 'busy')
  const wall = new FaultyInstrument(() => twin.far.get('wall')!, {
    ...{ script, later: (_, action) => void setImmediate(action), hangsUp: false, exclusive: false },
    ...{ nonsense: new Uint8Array(), question: new Uint8Array() },
  })
  const connect: Connect = async (name, ...rest) => {
    if (name !== 'wall') return twin.connect(name, ...rest)
    return tappedWire(name, new BytePipe(name, (send) => wall.attach(send)), (name) => run.tap(name))
  }
  const { energy, effectiveBits } = await product(connect, clock, run, (count) => {
    if (count === 4) script.arm()
    if (count === 11) wall.lift()
  })
  await run.finish('done', {})
  expect(effectiveBits).toBeGreaterThan(40)
  expect(script.struck).toBeGreaterThan(0)
  expect(energy.silent).toHaveLength(1)
  const [silent] = energy.silent
  expect(silent).toMatchObject({ component: 'whole bench' })
  const silentS = silent!.toSeconds - silent!.fromSeconds
  expect(silentS).toBeGreaterThan(2)
  expect(energy.benchSeconds).toBeCloseTo(8, 6)
  const whole = energy.shares.find(({ component }) => component === 'whole bench')!
  expect(whole).toMatchObject({ modelledSeconds: silentS, measuredSeconds: energy.benchSeconds - silentS })
  // The bench draws the same all the time, so that the mean is as good as a reading.
  expect(whole.joules / (8 * silent!.powerW)).toBeCloseTo(1, 3)
  const misses = (await journal.readSteps(run.id)).filter(({ name }) => name === 'no reading')
  expect(misses[0]?.detail).toMatchObject({ quantity: 'power of whole bench', source: 'mains meter' })

  await using player = await Player.open(await journal.readWires(run.id))
  const log = await ReplayLog.open(journal, run.id, () => player.divergence !== undefined)
  const again = await product(
    (name) => Promise.resolve(player.wire(name)),
    player.clock,
    log,
    () => undefined,
  )
  log.finish()
  await player.finish()
  expect(log.difference).toBeUndefined()
  expect(again.energy).toEqual(energy)
}, 60_000)
