import { setMaxListeners } from 'node:events'
import { readBenchFile, requireKind } from '../bench/bench-file.ts'
import { startDirectTwin } from '../bench/direct-twin.ts'
import { openMeshBench } from '../bench/open-bench.ts'
import { calibrationPlan } from '../calibration/calibrate.ts'
import { MeshCore } from '../calibration/mesh-core.ts'
import { VirtualClock } from '../core/clock.ts'
import { RandomStream } from '../core/random.ts'
import { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import type { Figure } from './figure.ts'
import { figure, median } from './figure.ts'
import type { RealMatrix } from '../orchestrator/tiles/tile-product.ts'
import { productBits, runToEnd } from './product-bits.ts'

const CHIPS = 7
const HOURS = 24
/** A job every so often; between them the bench stands lit. */
const JOB_EVERY_S = 20 * 60
const LOOK_EVERY_S = 15 * 60
/** Four tiles, of which every look makes new ones. */
const ROWS = 64
const INNER = 16

interface Day {
  /** Effective bits of each job, in the order of the day. */
  readonly watched: readonly number[]
  readonly unwatched: readonly number[]
  readonly looks: number
  /** Time on the bench's clock that looks took, s. */
  readonly lookS: number
}

/**
 * A day of the default bench's twin, everything drifting: random 64×16·16×16 products with one calibration of the
 * morning, and with the same one kept true by probes and looks.
 */
export async function drift(): Promise<readonly Figure[]> {
  const days: Day[] = []
  for (let seed = 1; seed <= CHIPS; seed++) {
    days.push(await dayOf(seed))
    process.stderr.write(`\rchip ${seed} of ${CHIPS} `)
  }
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

async function dayOf(seed: number): Promise<Day> {
  const file = requireKind(await readBenchFile('examples/mesh-8x8.yaml'), 'mesh')
  const clock = new VirtualClock()
  const { signal } = new AbortController()
  // Every instrument of the bench listens to it.
  setMaxListeners(0, signal)
  const { direct } = startDirectTwin(file, { seed, clock })
  await using open = await openMeshBench(file, { direct, clock, signal })
  const { bench } = open
  const { calibration } = await runToEnd(calibrationPlan(bench), signal)
  const frames = new FrameRunner(bench)
  await frames.prepare(signal)
  const heaters = new HeaterSetter(bench)
  const random = new RandomStream(seed, 'products/normal')
  const [a, b] = [normalMatrix(ROWS, INNER, random), normalMatrix(INNER, INNER, random)]
  let looks = 0
  const core = new MeshCore(bench, calibration, frames, heaters, { everyS: LOOK_EVERY_S, onFollowed: () => looks++ })
  const morning = new MeshCore(bench, calibration, frames, heaters)
  const watched: number[] = []
  const unwatched: number[] = []
  let [lookS, plainS] = [0, Infinity]
  const timed = async (core: MeshCore): Promise<{ bits: number; tookS: number }> => {
    const startNs = clock.monotonicNs()
    // A product whose probes are off twice is refused: nothing of it is left.
    const bits = await productBits(core, a, b, signal).catch(() => 0)
    return { bits, tookS: (clock.monotonicNs() - startNs) / 1e9 }
  }
  for (let job = 0; job * JOB_EVERY_S <= HOURS * 3600; job++) {
    const plain = await timed(morning)
    plainS = Math.min(plainS, plain.tookS)
    const { bits, tookS } = await timed(core)
    lookS += Math.max(0, tookS - plainS)
    watched.push(bits)
    unwatched.push(plain.bits)
    await clock.sleep(1e3 * JOB_EVERY_S, signal)
  }
  return { watched, unwatched, looks, lookS }
}

function normalMatrix(rows: number, columns: number, random: RandomStream): RealMatrix {
  return { rows, columns, data: Float64Array.from({ length: rows * columns }, () => random.normal()) }
}
