import { MeshCore } from '../../calibration/mesh-core.ts'
import { RandomStream } from '../../core/random.ts'
import { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import type { RealMatrix } from '../../orchestrator/tiles/tile-product.ts'
import { productBits } from '../product-bits.ts'
import { defaultMesh } from '../default-mesh.ts'

export const HOURS = 24
/** A job every so often; between them the bench stands lit. */
export const JOB_EVERY_S = 20 * 60
export const LOOK_EVERY_S = 15 * 60
/** Four tiles, of which every look makes new ones. */
const ROWS = 64
const INNER = 16

export interface Day {
  /** Effective bits of each job, in the order of the day. */
  readonly watched: readonly number[]
  readonly unwatched: readonly number[]
  readonly looks: number
  /** Time on the bench's clock that looks took, s. */
  readonly lookS: number
}

/** A day of the chip with this seed. */
export async function dayOf(seed: number): Promise<Day> {
  await using mesh = await defaultMesh(seed)
  const { bench, clock, calibration, frames, signal } = mesh
  const heaters = new HeaterSetter(bench)
  const random = new RandomStream(seed, 'products/normal')
  const [a, b] = [normalMatrix(ROWS, INNER, random), normalMatrix(INNER, INNER, random)]
  let looks = 0
  const core = new MeshCore(bench, calibration, frames, heaters, {
    watch: { everyS: LOOK_EVERY_S, onFollowed: () => looks++ },
  })
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
