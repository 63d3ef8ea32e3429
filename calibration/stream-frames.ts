import { isBenchError } from '../core/errors.ts'
import type { BenchError } from '../core/errors.ts'
import type { Frame, FrameResult, Tile } from '../core/optical-core.ts'
import type { LightBench } from '../core/light-bench.ts'
import { currentStep, withStep } from '../core/step-context.ts'
import { allDone } from '../orchestrator/frames/frame-runner.ts'
import type { FrameCodes, FrameReading, FrameRunner } from '../orchestrator/frames/frame-runner.ts'

/** What differs between cores: how a frame is put on the bench, and how its record becomes products. */
export interface FrameStages<Prepared extends { readonly codes: FrameCodes }, Loaded> {
  /** Computing only, while the light of another frame plays. */
  prepare(frame: Frame): Prepared
  /** Programs and uploads. */
  load(prepared: Prepared, signal: AbortSignal): Promise<Loaded>
  /** Computing only, while the light of the next frame plays. */
  decode(frame: Frame, loaded: Loaded, reading: FrameReading): FrameResult
  /** Work before this frame, when there is some: it has the bench to itself. What was prepared is prepared again. */
  upkeep?(next: Frame): ((signal: AbortSignal) => Promise<void>) | undefined
}

/**
 * While one frame is read out of the meters the next one is programmed and uploaded; while its light plays, the one
 * before is decoded and the one after is encoded. Results in the order of frames.
 */
export async function* streamFrames<Prepared extends { readonly codes: FrameCodes }, Loaded>(
  frames: AsyncIterable<Frame>,
  runner: FrameRunner,
  stages: FrameStages<Prepared, Loaded>,
  signal: AbortSignal,
): AsyncGenerator<FrameResult> {
  /** Played; its record is being read out. */
  interface Played {
    readonly frame: Frame
    readonly loaded: Loaded
    readonly reading: Promise<FrameReading | BenchError>
  }
  const source = frames[Symbol.asyncIterator]()
  const prepareNext = async (): Promise<{ readonly frame: Frame; prepared: Prepared } | undefined> => {
    const next = await source.next()
    return next.done === true ? undefined : { frame: next.value, prepared: stages.prepare(next.value) }
  }
  /** A frame that was too bright for a meter is a result: who sent it may send it again with less light. */
  const readOut = (step: number, symbols: number): Promise<FrameReading | BenchError> =>
    withStep(step, () => runner.read(symbols, signal)).catch((error: unknown) => {
      if (isBenchError(error, 'RANGE_EXCEEDED')) return error
      throw error
    })
  const decoded = async ({ frame, loaded, reading }: Played): Promise<FrameResult> => {
    const record = await reading
    return isBenchError(record) ? { frame, lanes: [], overRange: record } : stages.decode(frame, loaded, record)
  }
  let underWay: Promise<unknown> = Promise.resolve()
  /** Its failure is told when its turn comes, and nothing is left on a wire before. */
  const begun = <T>(work: Promise<T>): Promise<T> => {
    work.catch(() => undefined)
    underWay = Promise.allSettled([underWay, work]).then(() => undefined)
    return work
  }
  try {
    let before: Played | undefined
    for (let next = await prepareNext(); next !== undefined;) {
      const { frame } = next
      const keepUp = stages.upkeep?.(frame)
      if (keepUp !== undefined) {
        if (before !== undefined) yield await decoded(before)
        before = undefined
        await keepUp(signal)
        next.prepared = stages.prepare(frame)
      }
      const { prepared } = next
      const step = frame.step ?? currentStep()
      const loading = begun(withStep(step, () => stages.load(prepared, signal)))
      await Promise.allSettled([loading, before?.reading])
      const [loaded] = [await loading, await before?.reading]
      const symbols = prepared.codes[0]![0]!.length
      await withStep(step, async () => {
        await runner.armMeters(symbols, signal)
        await runner.trigger(signal)
      })
      const captured = begun(withStep(step, () => runner.captured(symbols, signal)))
      if (before !== undefined) yield await decoded(before)
      const following = begun(prepareNext())
      await captured
      before = { frame, loaded, reading: begun(readOut(step, symbols)) }
      next = await following
    }
    if (before !== undefined) yield await decoded(before)
  } finally {
    await underWay
    await source.return?.()
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
    return this.put(tile, this.#compile(tile))
  }

  /** From now on this is what the tile compiles to. */
  put(tile: Tile, programmed: Programmed): Programmed {
    if (this.#tiles.size >= KEPT_TILES && !this.#tiles.has(tile.id))
      this.#tiles.delete(this.#tiles.keys().next().value!)
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
