import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { benchFromText, requireKind } from '../bench/bench-file.ts'
import type { TapFor } from '../bench/connect.ts'
import { startDirectTwin } from '../bench/direct-twin.ts'
import { openMeshBench } from '../bench/open-bench.ts'
import { calibrationPlan } from '../calibration/calibrate.ts'
import { MeshCore } from '../calibration/mesh-core.ts'
import { Cleanup } from '../core/cleanup.ts'
import { SystemClock, VirtualClock } from '../core/clock.ts'
import type { MultichannelPowerMeter } from '../core/instruments.ts'
import type { MeshBench } from '../core/mesh-bench.ts'
import { RandomStream } from '../core/random.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { RunWriter } from '../orchestrator/journal/run-writer.ts'
import { multiply } from '../orchestrator/jobs/matmul.ts'
import type { RealMatrix } from '../orchestrator/tiles/tile-product.ts'
import { bareFramesMs, TimedFrames } from './bare-frames.ts'
import type { Figure } from './figure.ts'
import { figure } from './figure.ts'
import { runToEnd } from './product-bits.ts'
import { instrumentsOf, openServed, serve } from './served-bench.ts'
import type { MeshFile } from './served-bench.ts'
import { startBareRun } from './start-run.ts'

const TILES = 10
const LEAST_BITS = 8
const FRAMES_PER_TILE = 100
const SYMBOLS = 250
const SYMBOL_US = 40
const SETTLE_MS = 0.05
/** Of the link that all generators share. */
const UPLOAD_BYTES_PER_S = 200e6
/** Of one symbol of one channel in a generator's memory. Source: drivers/modulators/m8195a-frame.ts. */
const UPLOAD_BYTES_PER_SYMBOL = 384

/**
 * The default bench in real time, its instruments in another process: how long 1,000 frames take, over what the slowest
 * instrument alone would need: the light of a frame, the upload of the next one, or heaters.
 */
export async function busyBench(): Promise<readonly Figure[]> {
  const file = await shortFrames()
  const { signal } = new AbortController()
  const clock = new VirtualClock()
  const { direct } = startDirectTwin(file, { seed: 1, clock })
  await using rehearsal = await openMeshBench(file, { direct, clock, signal })
  const { calibration } = await runToEnd(calibrationPlan(rehearsal.bench), signal)
  const random = new RandomStream(1, 'busy bench')
  const size = rehearsal.bench.layout.size
  const rowsPerFrame = (SYMBOLS - 5) * rehearsal.bench.layout.lanes
  const once = normalMatrix(rowsPerFrame, size, random)
  const b = normalMatrix(size, size * TILES, random)
  const logsMw: (readonly Float64Array[])[][] = []
  const overheard = overhear(rehearsal.bench, logsMw)
  const product = async (bench: MeshBench, a: RealMatrix, run: RunWriter): Promise<Took> => {
    const frames = new TimedFrames(bench)
    await frames.prepare(signal)
    const core = new MeshCore(bench, calibration, frames, new HeaterSetter(bench))
    const startMs = performance.now()
    const { effectiveBits } = await multiply(core, a, b, { log: run, signal })
    // What was played must be what was asked for, or its time says nothing.
    if (!(effectiveBits > LEAST_BITS)) throw new Error(`the product has ${effectiveBits} effective bits`)
    return { jobMs: performance.now() - startMs, litMs: frames.litMs }
  }
  const folder = await mkdtemp(join(tmpdir(), 'fringe-perf-'))
  try {
    await using journal = await Journal.open(join(folder, 'busy.db'), { clock: new SystemClock(), mode: 'write' })
    const rehearsed = await startBareRun(journal)
    await product(overheard, once, rehearsed)
    await rehearsed.finish('done')

    const light = { logsMw, framesPerTile: FRAMES_PER_TILE, ...instrumentsOf(file) }
    const onServed = async <T>(tapFor: TapFor, use: (bench: MeshBench) => Promise<T>): Promise<T> => {
      using served = await serve({ ...light, uploadBytesPerS: UPLOAD_BYTES_PER_S })
      await using cleanup = new Cleanup()
      return await use(await openServed(file, rehearsal.bench, served.places, tapFor, cleanup, signal))
    }
    const frames = TILES * FRAMES_PER_TILE
    const run = await startBareRun(journal)
    const { jobMs, litMs, processorMs } = await onServed(
      (name) => run.tap(name),
      async (bench) => {
        const usage = process.cpuUsage()
        const took = await product(bench, repeated(once, FRAMES_PER_TILE), run)
        const { user, system } = process.cpuUsage(usage)
        return { ...took, processorMs: (user + system) / 1e3 }
      },
    )
    const bareMs = await onServed(
      () => undefined,
      (bench) => bareFramesMs(bench, { count: frames, symbols: SYMBOLS }, signal),
    )
    const channels = rehearsal.bench.generators.reduce((sum, { channelCount }) => sum + channelCount, 0)
    const uploadMs = ((channels * SYMBOLS * UPLOAD_BYTES_PER_SYMBOL) / UPLOAD_BYTES_PER_S) * 1e3
    const lightMs = (SYMBOLS * SYMBOL_US) / 1e3
    // Heaters settle in the dark, once a tile.
    const idealMs = frames * Math.max(lightMs, uploadMs) + TILES * SETTLE_MS
    const against = `${frames} frames of ${SYMBOLS} symbols, ${TILES} tiles; ${lightMs.toFixed(0)} ms of light a frame, and ${uploadMs.toFixed(2)} ms of upload beside it, nothing else`
    return [
      figure({ name: 'bench busy', value: (100 * idealMs) / jobMs, unit: '%', better: 'higher', goal: 95, against }),
      figure({
        name: 'software overhead of a frame',
        value: (100 * (jobMs - idealMs)) / idealMs,
        unit: '%',
        better: 'lower',
        goal: 5,
        against,
      }),
      figure({
        name: 'bench busy, from the first light to the last',
        value: (100 * idealMs) / litMs,
        unit: '%',
        better: 'higher',
        against: 'the same, without the planning of the job and the accuracy of its product',
      }),
      figure({
        name: 'the same, of a bare loop',
        value: (100 * idealMs) / bareMs,
        unit: '%',
        better: 'higher',
        against: 'drivers and instruments alone: codes that are there, nothing decoded, no journal; same run',
      }),
      figure({
        name: 'frames: than light and upload in turn',
        value: (frames * (lightMs + uploadMs)) / jobMs,
        unit: '× as fast',
        better: 'higher',
        against: 'limit of generators that stop to be loaded; same run',
      }),
      figure({
        name: 'processor time of a frame',
        value: processorMs / frames,
        unit: 'ms',
        better: 'lower',
        against: 'all threads of this process: drivers, coding, journal',
      }),
    ]
  } finally {
    await rm(folder, { recursive: true })
  }
}

interface Took {
  readonly jobMs: number
  readonly litMs: number
}

async function shortFrames(): Promise<MeshFile> {
  const text = (await readFile('examples/mesh-8x8.yaml', 'utf8'))
    .replace('maxSymbols: 512', `maxSymbols: ${SYMBOLS}`)
    .replace('settleMs: 2', `settleMs: ${SETTLE_MS}`)
    .replaceAll('driver: keysight-n7745,', 'driver: keysight-n7745, continuousLog: true,')
  return requireKind(benchFromText(text, 'examples/mesh-8x8.yaml'), 'mesh')
}

/** The same bench, noting what its meters read, frame by frame. */
function overhear(bench: MeshBench, logsMw: (readonly Float64Array[])[][]): MeshBench {
  const meters = bench.meters.map((meter, index): MultichannelPowerMeter => {
    let frame = 0
    return new Proxy(meter, {
      get: (target, key) => {
        if (key !== 'readLogMw') {
          const value: unknown = Reflect.get(target, key)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        }
        return async (signal: AbortSignal): Promise<Float64Array[]> => {
          const log = await target.readLogMw(signal)
          ;(logsMw[frame++] ??= [])[index] = log.map((port) => port.slice())
          return log
        }
      },
    })
  })
  return { ...bench, meters }
}

const repeated = ({ rows, columns, data }: RealMatrix, times: number): RealMatrix => {
  const out = new Float64Array(times * data.length)
  for (let time = 0; time < times; time++) out.set(data, time * data.length)
  return { rows: times * rows, columns, data: out }
}

function normalMatrix(rows: number, columns: number, random: RandomStream): RealMatrix {
  return { rows, columns, data: Float64Array.from({ length: rows * columns }, () => random.normal()) }
}
