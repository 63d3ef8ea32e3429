import type { MeshBench } from '../core/mesh-bench.ts'
import type { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import type { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import type { MeshCalibration } from './calibration-record.ts'
import { PortTracker } from './model/port-tracker.ts'
import { followDrift } from './steps/drift.ts'

export interface WatchOptions {
  /** Longest time between two looks at the chip, s. */
  readonly everyS: number
  /** Told before each look. */
  readonly onFollow?: () => void
  /** Told after each look. */
  readonly onFollowed?: (followed: Followed) => void
}

export interface Followed {
  readonly round: number
  /** Time was up, or the known products had come out worse than the local oscillators and gains explain. */
  readonly because: 'time' | 'probes'
  /** What the chip as it was known left unexplained, and what the followed one leaves; relative. */
  readonly before: number
  readonly heldOut: number
}

/** Known products whose error grew by this factor since the last look ask for another one. */
const WORSE = 1.6
/** But not where they are as good as this anyway. */
const GOOD_ENOUGH = 0.008
/** Looks that the probes ask for are this far apart at least, s: one that does not help is not repeated at once. */
const LEAST_APART_S = 30

/**
 * Keeps a calibration true while a job runs: the tracker corrects what all tiles have in common, every frame; what it
 * cannot explain, or what has had time to drift, is looked at by the cheapest step that shows it.
 */
export class DriftWatch {
  readonly tracker: PortTracker
  readonly #context: { readonly bench: MeshBench; readonly frames: FrameRunner; readonly heaters: HeaterSetter }
  readonly #options: WatchOptions
  #calibration: MeshCalibration
  #round = 0
  #lookedS: number
  /** What the probes were off by when the chip had just been looked at. */
  #fresh: number | undefined

  constructor(
    bench: MeshBench,
    calibration: MeshCalibration,
    frames: FrameRunner,
    heaters: HeaterSetter,
    options: WatchOptions,
  ) {
    this.#context = { bench, frames, heaters }
    this.#calibration = calibration
    this.#options = options
    this.tracker = new PortTracker(bench.layout.lanes, bench.layout.size, this.nowS)
    // The age of the calibration is not known here: look first.
    this.#lookedS = -Infinity
  }

  get nowS(): number {
    return this.#context.bench.clock.monotonicNs() / 1e9
  }

  /** The calibration as it is known now. */
  get calibration(): MeshCalibration {
    return this.#calibration
  }

  /** Undefined as long as nothing has to be done. */
  due(): Followed['because'] | undefined {
    const { left } = this.tracker
    const sinceS = this.nowS - this.#lookedS
    if (sinceS >= this.#options.everyS) return 'time'
    this.#fresh ??= left
    if (left === undefined || sinceS < LEAST_APART_S) return undefined
    return left > Math.max(GOOD_ENOUGH, WORSE * this.#fresh!) ? 'probes' : undefined
  }

  /**
   * Looks at the chip, and returns its parameters as they are now. Throws: CALIBRATION_FAILED when it cannot be followed.
   */
  async follow(because: Followed['because'], signal: AbortSignal): Promise<Float64Array> {
    const round = ++this.#round
    this.#options.onFollow?.()
    const followed = await followDrift(this.#context, this.#calibration, round, () => undefined, signal)
    this.#calibration = { ...this.#calibration, chip: Array.from(followed.parameters) }
    this.#lookedS = this.nowS
    this.#fresh = undefined
    this.tracker.restart(this.nowS)
    this.#options.onFollowed?.({ round, because, before: followed.before, heldOut: followed.heldOut })
    return followed.parameters
  }
}
