import { isBenchError } from '../core/errors.ts'
import type { Frame, FrameResult, Tile } from '../core/optical-core.ts'
import type { LightBench } from '../core/light-bench.ts'
import { currentStep, withStep } from '../core/step-context.ts'
import { allDone } from '../orchestrator/frames/frame-runner.ts'
import type { FrameRunner } from '../orchestrator/frames/frame-runner.ts'

/** Encoded, programmed and loaded; once fired, the meters hold its record. */
export interface FrameInFlight<Programmed> {
  readonly frame: Frame
  readonly symbols: number
  readonly programmed: Programmed
}

/** What differs between cores: how a frame is put on the bench, and how its record becomes products. */
export interface FrameStages<Programmed> {
  load(frame: Frame, signal: AbortSignal): Promise<FrameInFlight<Programmed>>
  collect(flight: FrameInFlight<Programmed>, signal: AbortSignal): Promise<FrameResult>
  /** Work between frames, when there is some: it has the bench to itself. */
  upkeep?(): ((signal: AbortSignal) => Promise<void>) | undefined
}

/** While one frame is read out of the meters the next one is programmed and uploaded. Results in the order of frames. */
export async function* streamFrames<Programmed>(
  frames: AsyncIterable<Frame>,
  runner: FrameRunner,
  stages: FrameStages<Programmed>,
  signal: AbortSignal,
): AsyncGenerator<FrameResult> {
  let reading: Promise<FrameResult> | undefined
  try {
    for await (const frame of frames) {
      const upkeep = stages.upkeep?.()
      if (upkeep !== undefined) {
        if (reading !== undefined) {
          const before = reading
          reading = undefined
          yield await before
        }
        await upkeep(signal)
      }
      const step = frame.step ?? currentStep()
      const loading = withStep(step, () => stages.load(frame, signal))
      const [flight, done] = await allDone<FrameInFlight<Programmed> | FrameResult | undefined>([
        loading,
        reading ?? Promise.resolve(undefined),
      ])
      reading = undefined
      const inFlight = flight as FrameInFlight<Programmed>
      await withStep(step, async () => {
        await runner.armMeters(inFlight.symbols, signal)
        await runner.fire(inFlight.symbols, signal)
      })
      reading = withStep(step, () => collected(stages, inFlight, signal))
      reading.catch(() => undefined)
      if (done !== undefined) yield done as FrameResult
    }
    if (reading !== undefined) yield await reading
  } finally {
    await reading?.catch(() => undefined)
  }
}

/** A frame that was too bright for a meter is a result: who sent it may send it again with less light. */
async function collected<Programmed>(
  stages: FrameStages<Programmed>,
  flight: FrameInFlight<Programmed>,
  signal: AbortSignal,
): Promise<FrameResult> {
  try {
    return await stages.collect(flight, signal)
  } catch (error) {
    if (!isBenchError(error, 'RANGE_EXCEEDED')) throw error
    return { frame: flight.frame, lanes: [], overRange: error }
  }
}

/** Compiled tiles kept for another frame; each holds one voltage a heater. */
const KEPT_TILES = 4096

/** Compiles each tile once, as long as it is remembered. */
export class CompiledTiles<Programmed> {
  readonly #compile: (tile: Tile) => Programmed
  readonly #tiles = new Map<number, { readonly weights: Float64Array; readonly programmed: Programmed }>()

  constructor(compile: (tile: Tile) => Programmed) {
    this.#compile = compile
  }

  of(tile: Tile): Programmed {
    const known = this.#tiles.get(tile.id)
    // Another product counts its tiles from 0 again.
    if (known?.weights.every((weight, i) => weight === tile.weights[i]) === true) return known.programmed
    const programmed = this.#compile(tile)
    if (this.#tiles.size >= KEPT_TILES) this.#tiles.delete(this.#tiles.keys().next().value!)
    this.#tiles.set(tile.id, { weights: tile.weights.slice(), programmed })
    return programmed
  }
}

/** Everything that shines or warms, dark and cold, verified. */
export async function makeCoreSafe(
  { lasers, lanes, generators, heaters }: LightBench,
  signal: AbortSignal,
): Promise<void> {
  await allDone([
    ...lasers.map(({ laser }) => laser.makeSafe(signal)),
    ...lanes.flatMap(({ modulators }) => modulators.map(({ bias }) => bias.makeSafe(signal))),
    ...generators.map((generator) => generator.makeSafe(signal)),
    heaters.makeSafe(signal),
  ])
}
