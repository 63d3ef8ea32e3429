import { streamFrames } from '../calibration/stream-frames.ts'
import type { LightBench } from '../core/light-bench.ts'
import type { Frame } from '../core/optical-core.ts'
import { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import type { FrameCodes } from '../orchestrator/frames/frame-runner.ts'

/** Knows when the first frame began to play, and when the last one was captured. */
export class TimedFrames extends FrameRunner {
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

  get litMs(): number {
    return this.lastMs - this.firstMs
  }
}

/**
 * From the first light to the last, ms, when nobody encodes, decodes or journals: codes are there, and what is read
 * nobody looks at.
 */
export async function bareFramesMs(
  bench: LightBench,
  { count, symbols }: { readonly count: number; readonly symbols: number },
  signal: AbortSignal,
): Promise<number> {
  const runner = new TimedFrames(bench)
  await runner.prepare(signal)
  const codes = (code: number): FrameCodes =>
    bench.lanes.map(({ modulators }) => modulators.map(() => Int8Array.from({ length: symbols }, (_, i) => i % code)))
  // The same codes again would not be uploaded again.
  const places = [codes(100), codes(101)]
  async function* frames(): AsyncGenerator<Frame> {
    for (let id = 0; id < count; id++) yield { tile: { id, weights: new Float64Array(0) }, lanes: [] }
  }
  const stages = {
    prepare: ({ tile }: Frame) => ({ codes: places[tile.id % 2]! }),
    load: (prepared: { readonly codes: FrameCodes }, signal: AbortSignal) => runner.load(prepared.codes, signal),
    decode: (frame: Frame) => ({ frame, lanes: [] }),
  }
  let played = 0
  for await (const _ of streamFrames(frames(), runner, stages, signal)) played++
  if (played !== count) throw new Error(`${played} of ${count} frames were played`)
  return runner.litMs
}
