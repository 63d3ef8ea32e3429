import { readBenchFile, requireKind } from '../bench/bench-file.ts'
import { startDirectTwin } from '../bench/direct-twin.ts'
import { openMeshBench } from '../bench/open-bench.ts'
import { calibrationPlan } from '../calibration/calibrate.ts'
import type { MeshCalibration } from '../calibration/calibration-record.ts'
import { MeshCore } from '../calibration/mesh-core.ts'
import { VirtualClock } from '../core/clock.ts'
import { BenchError } from '../core/errors.ts'
import type { MeshBench } from '../core/mesh-bench.ts'
import type { Frame, FrameResult } from '../core/optical-core.ts'
import { RandomStream } from '../core/random.ts'
import { DenseArray } from '../orchestrator/arrays/dense-array.ts'
import { arrayProducts } from '../orchestrator/jobs/array-products.ts'
import type { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import type { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import { matmulPlan } from '../orchestrator/jobs/matmul-plan.ts'
import { noSink } from '../orchestrator/jobs/product-job.ts'
import type { Joules } from '../orchestrator/ledger/boundaries.ts'
import type { EnergyAccount } from '../orchestrator/ledger/energy.ts'
import type { MeshWorld } from '../sim/optics/mesh-world.ts'
import type { SourceMeterPort } from '../sim/optics/world-ports.ts'
import { figure } from './figure.ts'
import type { Figure } from './figure.ts'
import { runToEnd } from './product-bits.ts'

const SEED = 1
/** Equal ones, so that the heaters' power is known. */
const TILES = 200
/** Behind each frame so many pauses of so long, in which the load goes on. */
const PAUSES = 10
const PAUSE_MS = 4.5
const SIZE = 8
/** Laser wall-plug efficiency, amplifiers and converters of the account: what is modelled is known by its formula. */
const LASER_EFFICIENCY = 0.2
const MODELLED_W = 32 * 0.119 + ((16 * 8 + 32 * 12) * 33.6e-15) / 40e-6

/** What hangs on the mains beside the bench, by the seconds of the job. */
type Load = (jobS: number) => { readonly powerW: number; readonly joules: number }

const constant: Load = (jobS) => ({ powerW: 100, joules: 100 * jobS })
const ramp: Load = (jobS) => ({ powerW: 100 + 40 * jobS, joules: 100 * jobS + 20 * jobS ** 2 })

interface Case {
  readonly name: string
  readonly load: Load
  /** Between these seconds of the job the mains meter does not answer. */
  readonly silentS?: readonly [from: number, to: number]
}

const CASES: readonly Case[] = [
  { name: 'constant', load: constant },
  { name: 'ramp of 40 W/s', load: ramp },
  { name: 'constant, meter silent for a third of it', load: constant, silentS: [3, 6] },
]

/**
 * The ledger against an analytic bench: the default bench's twin with one tile on its heaters, its lights undrifted, and
 * a load on the mains that follows a formula.
 */
export async function ledger(): Promise<readonly Figure[]> {
  const calibration = await calibrated()
  const figures: Figure[] = []
  let [open, sums] = [0, 0]
  for (const each of CASES) {
    const { account, known } = await accountOf(each, calibration)
    for (const { boundary, joules } of account.boundaries) {
      figures.push(
        figure({
          name: `${each.name}: ${boundary}, off by`,
          value: 100 * Math.abs(joules / known[boundary] - 1),
          unit: '%',
          better: 'lower',
          goal: 0.5,
          against: `${known[boundary].toPrecision(4)} J by formula, ${account.benchSeconds.toFixed(1)} s, ${account.shares.at(-1)!.readings} readings`,
        }),
      )
    }
    for (const { parts, total } of sumsOf(account)) {
      sums++
      if (parts.reduce((sum, part) => sum + part, 0) !== total) open++
      if (parts.toReversed().reduce((sum, part) => sum + part, 0) !== total) open++
    }
    process.stderr.write(`\r${each.name} `)
  }
  process.stderr.write('\n')
  return [
    ...figures,
    figure({
      name: 'sums that do not close to the last digit',
      value: open,
      unit: `of ${sums}`,
      better: 'lower',
      goal: 0,
      against: 'parts, tiles and lanes of the job at each boundary, added up forwards and backwards',
    }),
  ]
}

function sumsOf({ parts, tiles, lanes, boundaries }: EnergyAccount): { parts: number[]; total: number }[] {
  return [parts, tiles, lanes].flatMap((list) =>
    boundaries.map(({ boundary, joules }) => ({ parts: list.map((part) => part.joules[boundary]), total: joules })),
  )
}

interface Opened {
  readonly bench: MeshBench
  readonly world: MeshWorld
  readonly signal: AbortSignal
}

async function onTwin<T>(work: (opened: Opened) => Promise<T>): Promise<T> {
  const file = requireKind(await readBenchFile('examples/mesh-8x8.yaml'), 'mesh')
  const clock = new VirtualClock()
  const { signal } = new AbortController()
  const { direct, world } = startDirectTwin(file, { seed: SEED, clock })
  await using open = await openMeshBench(file, { direct, clock, signal })
  return await work({ bench: open.bench, world, signal })
}

const calibrated = (): Promise<MeshCalibration> =>
  onTwin(async ({ bench, signal }) => (await runToEnd(calibrationPlan(bench), signal)).calibration)

async function accountOf(
  { load, silentS: [silentFromS, silentToS] = [Infinity, Infinity] }: Case,
  calibration: MeshCalibration,
): Promise<{ readonly account: EnergyAccount; readonly known: Joules }> {
  return onTwin(async ({ bench: plain, world, signal }) => {
    const { clock } = plain
    const socket = world.port('source-meter', 'known load')
    let [startedS, voltageV] = [Infinity, 1]
    const jobS = (): number => Math.max(0, clock.monotonicNs() / 1e9 - startedS)
    const mains = Object.create(plain.mains, {
      readPowerW: {
        value: async (signal: AbortSignal) => {
          const atS = jobS()
          if (atS > silentFromS && atS < silentToS) throw new BenchError('TRANSPORT_TIMEOUT', 'silent on purpose')
          return plain.mains.readPowerW(signal)
        },
      },
    }) as MeshBench['mains']
    const bench = { ...plain, mains }
    const tile = new RandomStream(SEED, 'ledger')
    const block = Float64Array.from({ length: SIZE * SIZE }, () => tile.normal())
    const a = new DenseArray('A', [2, SIZE], false, block.slice(0, 2 * SIZE))
    const repeated = Float64Array.from({ length: SIZE * SIZE * TILES }, (_, i) => {
      const [row, column] = [Math.floor(i / (SIZE * TILES)), i % SIZE]
      return block[row * SIZE + column]!
    })
    const b = new DenseArray('B', [SIZE, SIZE * TILES], false, repeated)
    const move = (): void => void (voltageV = draw(socket, load(jobS()).powerW, voltageV))
    /** As a journal: every step and frame moves the load on. */
    const log = {
      journalledNs: 0,
      step(name: string): number {
        this.journalledNs = clock.monotonicNs()
        if (name === 'multiply') startedS = this.journalledNs / 1e9
        move()
        return 0
      },
      frame(): void {
        this.step('frame')
      },
      sample: () => clock.monotonicNs(),
      ready: () => Promise.resolve(),
    }
    const pause = async (): Promise<void> => {
      for (let i = 0; i < PAUSES; i++) {
        await clock.sleep(PAUSE_MS, signal)
        move()
      }
    }
    const plan = matmulPlan(bench, {
      ...{ products: arrayProducts(a, b, noSink), memoryBytes: Infinity, log },
      core: (bench, frames, heaters) => new PausingCore(bench, calibration, frames, heaters, pause),
    })
    let account: EnergyAccount | undefined
    let heatersW = 0
    for (let next = await plan.next(); account === undefined; next = await plan.next()) {
      if (next.done === true) {
        account = next.value.energy
        break
      }
      log.step(next.value.name)
      await next.value.work(signal, () => undefined)
      if (next.value.name === 'multiply') heatersW = world.core.heaters.totalPowerW(0)
    }
    const lightW = plain.lasers.reduce((sum, _, lane) => sum + world.laserMw(lane), 0) / 1e3
    const seconds = account.benchSeconds
    const benchW = world.mainsPowerW() - load(jobS()).powerW
    return {
      account,
      known: {
        optical: lightW * seconds,
        'electro-optic': (lightW / LASER_EFFICIENCY + heatersW) * seconds,
        converters: (lightW / LASER_EFFICIENCY + heatersW + MODELLED_W) * seconds,
        'wall-plug': benchW * seconds + load(seconds).joules,
      },
    }
  })
}

/** Takes its time. */
class PausingCore extends MeshCore {
  readonly #pause: () => Promise<void>

  constructor(
    bench: MeshBench,
    calibration: MeshCalibration,
    frames: FrameRunner,
    heaters: HeaterSetter,
    pause: () => Promise<void>,
  ) {
    super(bench, calibration, frames, heaters)
    this.#pause = pause
  }

  override async *stream(frames: AsyncIterable<Frame>, signal: AbortSignal): AsyncGenerator<FrameResult> {
    for await (const result of super.stream(frames, signal)) {
      await this.#pause()
      yield result
    }
  }
}

/** Finds the voltage at which a resistor that warms draws so much, to 10⁻¹⁰, and leaves it there. */
function draw(socket: SourceMeterPort, powerW: number, fromV: number): number {
  for (let voltageV = fromV; ;) {
    const ratio = powerW / (voltageV * socket.forceV(0, voltageV))
    if (Math.abs(ratio - 1) < 1e-10) return voltageV
    // Power grows with the square of the voltage while it is cold, and in proportion to it once it is hot.
    voltageV *= ratio ** 0.75
  }
}
