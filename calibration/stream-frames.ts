import { setImmediate } from 'node:timers/promises'
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
 * While the light of one frame plays, the one after is uploaded, where the generators have room for two, the one before
 * is decoded, and the one after the next is encoded. Between them meters are read out and armed again, unless they keep
 * records: then the frame before is read while light plays, too. Results in the order of frames.
 */
export async function* streamFrames<Prepared extends { readonly codes: FrameCodes }, Loaded>(
  frames: AsyncIterable<Frame>,
  runner: FrameRunner,
  stages: FrameStages<Prepared, Loaded>,
  signal: AbortSignal,
): AsyncGenerator<FrameResult> {
  /** Captured; the meters hold its record until it is read out, which happens once. */
  interface Played {
    readonly frame: Frame
    readonly loaded: Loaded
    reading(): Promise<FrameReading | BenchError>
  }
  interface Ready {
    readonly frame: Frame
    prepared: Prepared
  }
  const source = frames[Symbol.asyncIterator]()
  const stepOf = ({ step }: Frame): number => step ?? currentStep()
  const prepareNext = async (): Promise<Ready | undefined> => {
    const next = await source.next()
    return next.done === true ? undefined : { frame: next.value, prepared: stages.prepare(next.value) }
  }
  const upload = ({ frame, prepared }: Ready): Promise<void> =>
    withStep(stepOf(frame), () => runner.prepareFrame(prepared.codes, signal))
  /** A frame that was too bright for a meter is a result: who sent it may send it again with less light. */
  const readOut = (step: number, symbols: number): Promise<FrameReading | BenchError> =>
    withStep(step, () => runner.read(symbols, signal)).catch((error: unknown) => {
      if (isBenchError(error, 'RANGE_EXCEEDED')) return error
      throw error
    })
  const readAndArm = async (before: Played | undefined, step: number, symbols: number): Promise<void> => {
    if (!runner.readsWhileLit) {
      // Uploads take longest: their first bytes leave before the meters are asked.
      await setImmediate()
      await before?.reading()
    }
    await withStep(step, () => runner.armMeters(symbols, signal))
  }
  const decoded = async (played: Played): Promise<FrameResult> => {
    const { frame, loaded } = played
    const record = await played.reading()
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
    let next = await prepareNext()
    let ahead = begun(prepareNext())
    while (next !== undefined) {
      const { frame } = next
      const keepUp = stages.upkeep?.(frame)
      if (keepUp !== undefined) {
        if (before !== undefined) yield await decoded(before)
        before = undefined
        await keepUp(signal)
        for (const known of [next, await ahead]) if (known !== undefined) known.prepared = stages.prepare(known.frame)
      }
      const { prepared } = next
      const step = stepOf(frame)
      const symbols = prepared.codes[0]![0]!.length
      const loading = begun(withStep(step, () => stages.load(prepared, signal)))
      const arming = begun(readAndArm(before, step, symbols))
      await Promise.allSettled([loading, arming])
      const [loaded] = [await loading, await arming]
      await withStep(step, () => runner.trigger(signal))
      const captured = begun(withStep(step, () => runner.captured(symbols, signal)))
      next = await ahead
      const uploaded = next && begun(upload(next))
      if (before !== undefined) yield await decoded(before)
      ahead = begun(prepareNext())
      await captured
      const reading = onceOnly(() => begun(readOut(step, symbols)))
      before = { frame, loaded, reading }
      await uploaded
    }
    if (before !== undefined) yield await decoded(before)
  } finally {
    await underWay
    await source.return?.()
  }
}

/** Begins the work when somebody first wants it. */
function onceOnly<T>(begin: () => Promise<T>): () => Promise<T> {
  let begun: Promise<T> | undefined
  return () => (begun ??= begin())
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
