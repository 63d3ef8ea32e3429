import { fork } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { benchFromText, requireKind } from '../bench/bench-file.ts'
import type { BenchFile } from '../bench/bench-file.ts'
import { connectReal } from '../bench/connect-real.ts'
import { startDirectTwin } from '../bench/direct-twin.ts'
import { openMeshBench } from '../bench/open-bench.ts'
import { parseResource } from '../bench/resource.ts'
import { calibrationPlan } from '../calibration/calibrate.ts'
import { MeshCore } from '../calibration/mesh-core.ts'
import { Cleanup } from '../core/cleanup.ts'
import { SystemClock, VirtualClock } from '../core/clock.ts'
import type { Instrument, MultichannelPowerMeter, PhaseShifterBank, SymbolGenerator } from '../core/instruments.ts'
import type { MeshBench } from '../core/mesh-bench.ts'
import { RandomStream } from '../core/random.ts'
import { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { RunWriter } from '../orchestrator/journal/run-writer.ts'
import { multiply } from '../orchestrator/jobs/matmul.ts'
import type { RealMatrix } from '../orchestrator/tiles/tile-product.ts'
import type { Figure } from './figure.ts'
import { figure } from './figure.ts'
import { runToEnd } from './product-bits.ts'
import type { PlayedLight, PlayedPlaces } from './serve-played-light.ts'
import { startBareRun } from './start-run.ts'

type MeshFile = Extract<BenchFile, { kind: 'mesh' }>

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
    return { jobMs: performance.now() - startMs, litMs: frames.lastMs - frames.firstMs }
  }
  const folder = await mkdtemp(join(tmpdir(), 'fringe-perf-'))
  try {
    await using journal = await Journal.open(join(folder, 'busy.db'), { clock: new SystemClock(), mode: 'write' })
    const rehearsed = await startBareRun(journal)
    await product(overheard, once, rehearsed)
    await rehearsed.finish('done')

    const light = { logsMw, framesPerTile: FRAMES_PER_TILE, ...instrumentsOf(file) }
    using served = await serve({ ...light, uploadBytesPerS: UPLOAD_BYTES_PER_S })
    const run = await startBareRun(journal)
    await using cleanup = new Cleanup()
    const bench = await openServed(file, rehearsal.bench, served.places, run, cleanup, signal)
    const usage = process.cpuUsage()
    const { jobMs: tookMs, litMs } = await product(bench, repeated(once, FRAMES_PER_TILE), run)
    const { user, system } = process.cpuUsage(usage)
    const frames = TILES * FRAMES_PER_TILE
    const channels = bench.generators.reduce((sum, { channelCount }) => sum + channelCount, 0)
    const uploadMs = ((channels * SYMBOLS * UPLOAD_BYTES_PER_SYMBOL) / UPLOAD_BYTES_PER_S) * 1e3
    const lightMs = (SYMBOLS * SYMBOL_US) / 1e3
    // Heaters settle in the dark, once a tile.
    const idealMs = frames * Math.max(lightMs, uploadMs) + TILES * SETTLE_MS
    const against = `${frames} frames of ${SYMBOLS} symbols, ${TILES} tiles; ${lightMs.toFixed(0)} ms of light a frame, and ${uploadMs.toFixed(2)} ms of upload beside it, nothing else`
    return [
      figure({ name: 'bench busy', value: (100 * idealMs) / tookMs, unit: '%', better: 'higher', goal: 95, against }),
      figure({
        name: 'software overhead of a frame',
        value: (100 * (tookMs - idealMs)) / idealMs,
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
        name: 'frames: than light and upload in turn',
        value: (frames * (lightMs + uploadMs)) / tookMs,
        unit: '× as fast',
        better: 'higher',
        against: 'limit of generators that stop to be loaded; same run',
      }),
      figure({
        name: 'processor time of a frame',
        value: (user + system) / 1e3 / frames,
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

/** Knows when the first frame began to play, and when the last one was captured. */
class TimedFrames extends FrameRunner {
  firstMs = Infinity
  lastMs = 0

  override async trigger(signal: AbortSignal): Promise<void> {
    this.firstMs = Math.min(this.firstMs, performance.now())
    await super.trigger(signal)
  }

  override async captured(symbols: number, signal: AbortSignal): Promise<void> {
    await super.captured(symbols, signal)
    this.lastMs = performance.now()
  }
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

function instrumentsOf({ wiring, instruments }: MeshFile): Pick<PlayedLight, 'generators' | 'heaterModules'> {
  const { modules } = instruments.get('shifters')!.settings as { readonly modules: number }
  return { generators: wiring.generators.length, heaterModules: modules }
}

async function openServed(
  file: MeshFile,
  bench: MeshBench,
  places: PlayedPlaces,
  run: RunWriter,
  cleanup: Cleanup,
  signal: AbortSignal,
): Promise<MeshBench> {
  const clock = new SystemClock()
  const connect = connectReal((name) => run.tap(name))
  const open = async <T extends Instrument>(name: string, place: string): Promise<T> => {
    const { entry, settings } = file.instruments.get(name)!
    const wire = await connect(name, parseResource(place), entry.serialLine, signal)
    return cleanup.use((await entry.open(wire, settings, clock, signal)) as T)
  }
  const socket = (port: number): string => `TCPIP::127.0.0.1::${port}::SOCKET`
  const all = <T extends Instrument>(names: readonly string[], ports: readonly number[]): Promise<T[]> =>
    Promise.all(names.map((name, index) => open<T>(name, socket(ports[index]!))))
  return {
    ...bench,
    clock,
    generators: await all<SymbolGenerator>(file.wiring.generators, places.generators),
    meters: await all<MultichannelPowerMeter>(file.wiring.meters, places.meters),
    heaters: await open<PhaseShifterBank>('shifters', `ASRL${places.heaters}::INSTR`),
  }
}

async function serve(light: PlayedLight): Promise<{ readonly places: PlayedPlaces } & Disposable> {
  const server = fork(join(import.meta.dirname, 'serve-played-light.js'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  const places = await new Promise<PlayedPlaces>((resolve, reject) => {
    server.once('message', (message) => resolve(message as PlayedPlaces))
    server.once('exit', (code) => reject(new Error(`the simulated instruments ended with code ${String(code)}`)))
    server.send(light)
  })
  return { places, [Symbol.dispose]: () => void server.kill() }
}

const repeated = ({ rows, columns, data }: RealMatrix, times: number): RealMatrix => {
  const out = new Float64Array(times * data.length)
  for (let time = 0; time < times; time++) out.set(data, time * data.length)
  return { rows: times * rows, columns, data: out }
}

function normalMatrix(rows: number, columns: number, random: RandomStream): RealMatrix {
  return { rows, columns, data: Float64Array.from({ length: rows * columns }, () => random.normal()) }
}
