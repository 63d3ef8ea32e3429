import { BenchError } from '../../core/errors.ts'
import type { LightBench, MeterPort } from '../../core/light-bench.ts'
import { thzToNm } from '../../core/quantities.ts'

/** [lane][port]: the codes that each modulator plays, one a symbol. */
export type FrameCodes = readonly (readonly Int8Array[])[]

/**
 * [lane][port]: power at the two outputs of each balanced coupler, mean of a symbol's inner points, mW, one a symbol.
 * Single photodiodes are `plusMw`, and their lanes have no ports in `minusMw`.
 */
export interface FrameReading {
  readonly plusMw: readonly (readonly Float64Array[])[]
  readonly minusMw: readonly (readonly Float64Array[])[]
}

/** Brightest reading of each detector, mW. Shapes as in `FrameReading`, without its symbols. */
export interface BrightestLight {
  readonly plusMw: readonly number[][]
  readonly minusMw: readonly number[][]
}

/**
 * Plays one frame through the bench and reads what the detectors saw.
 *
 * The stages are separate so that a job can overlap them: generators may load the next frame while meters are read
 * out, as long as each instrument finishes one frame's stage before the next frame's begins.
 */
export class FrameRunner {
  readonly #bench: LightBench
  #prepared: { readonly codes: FrameCodes; readonly perGenerator: readonly (readonly Int8Array[])[] } | undefined
  #loaded: FrameCodes | undefined
  #vectors = 0
  #brightest: BrightestLight | undefined

  constructor(bench: LightBench) {
    this.#bench = bench
  }

  /** Symbols played so far, times lanes: input vectors sent through the optics. */
  get vectors(): number {
    return this.#vectors
  }

  /** From now on the brightest reading of each detector, until the next call. */
  watchBrightest(): BrightestLight {
    const none = (side: 'plus' | 'minus'): number[][] =>
      this.#bench.lanes.map(({ detectors }) => detectors.flatMap((pair) => (pair[side] === undefined ? [] : [0])))
    this.#brightest = { plusMw: none('plus'), minusMw: none('minus') }
    return this.#brightest
  }

  /** Sets generators and meters up, once, before the first frame. */
  async prepare(signal: AbortSignal): Promise<void> {
    const { generators, timing, driveAmplitudeV, meterRangeDbm } = this.#bench
    await allDone([
      ...generators.map((generator) =>
        generator.configure({ symbolPeriodS: timing.symbolPeriodS, amplitudeV: driveAmplitudeV }, signal),
      ),
      this.setRanges(() => meterRangeDbm, signal),
    ])
  }

  /** What `load` of the same codes object need not do any more: to be called while the frame before plays. */
  async prepareFrame(codes: FrameCodes, signal: AbortSignal): Promise<void> {
    if (codes === this.#loaded) return
    this.#loaded = undefined
    const perGenerator = this.#codesOf(codes)
    this.#prepared = { codes, perGenerator }
    await allDone(
      this.#bench.generators.map(async (generator, g) => generator.prepareFrame?.(perGenerator[g]!, signal)),
    )
  }

  /** Meters go on by themselves: a record is read while the next one is taken, and arming costs nothing. */
  get readsWhileLit(): boolean {
    return this.#bench.meters.every(({ keepsRecords }) => keepsRecords === true)
  }

  /** Sets every meter up with a range of its own, until the next time. */
  async setRanges(rangeDbmOf: (meter: number) => number, signal: AbortSignal): Promise<void> {
    const { meters, lasers } = this.#bench
    const wavelengthNm = thzToNm(lasers.reduce((sum, { frequencyThz }) => sum + frequencyThz, 0) / lasers.length)
    await allDone(meters.map((meter, index) => meter.configure({ wavelengthNm, rangeDbm: rangeDbmOf(index) }, signal)))
  }

  /** Uploads and arms; the same codes object again is armed without an upload. */
  async load(codes: FrameCodes, signal: AbortSignal): Promise<void> {
    const { generators } = this.#bench
    const again = codes === this.#loaded
    this.#loaded = undefined
    const prepared = this.#prepared?.codes === codes ? this.#prepared.perGenerator : undefined
    const perGenerator = again ? undefined : (prepared ?? this.#codesOf(codes))
    await allDone(
      generators.map((generator, g) =>
        perGenerator === undefined ? generator.rearm(signal) : generator.loadFrame(perGenerator[g]!, signal),
      ),
    )
    this.#loaded = codes
  }

  async armMeters(symbols: number, signal: AbortSignal): Promise<void> {
    const { meters, timing } = this.#bench
    const log = { points: symbols * timing.pointsPerSymbol, averagingS: timing.symbolPeriodS / timing.pointsPerSymbol }
    await allDone(meters.map((meter) => meter.armLog(log, signal)))
  }

  /** The frame begins to play. */
  async trigger(signal: AbortSignal): Promise<void> {
    const { generators, triggerGenerator } = this.#bench
    await generators[triggerGenerator]!.trigger(signal)
  }

  /** Returns when every meter has its record. */
  async captured(symbols: number, signal: AbortSignal): Promise<void> {
    const { meters } = this.#bench
    await allDone(meters.map((meter) => meter.waitLog(signal)))
    this.#vectors += symbols * this.#bench.lanes.length
  }

  async read(symbols: number, signal: AbortSignal): Promise<FrameReading> {
    const { pointsPerSymbol } = this.#bench.timing
    const reading = await this.#read((log) => innerMeans(log, symbols, pointsPerSymbol), signal)
    if (this.#brightest !== undefined) keepBrightest(this.#brightest, reading)
    return reading
  }

  async #read(inFrame: (log: Float64Array) => Float64Array, signal: AbortSignal): Promise<FrameReading> {
    const { meters, lanes } = this.#bench
    const logs = await allDone(meters.map((meter) => meter.readLogMw(signal)))
    const series = ({ meter, port }: MeterPort): Float64Array => inFrame(logs[meter]![port]!)
    return {
      plusMw: lanes.map(({ detectors }) => detectors.map(({ plus }) => series(plus))),
      minusMw: lanes.map(({ detectors }) =>
        detectors.flatMap(({ minus }) => (minus === undefined ? [] : [series(minus)])),
      ),
    }
  }

  /** All stages, one after the other. */
  async run(codes: FrameCodes, signal: AbortSignal): Promise<FrameReading> {
    return this.read(await this.#play(codes, signal), signal)
  }

  /** The same, but what it reads is every point of the meters, [lane][port] of [point], edges of symbols included. */
  async runPoints(codes: FrameCodes, signal: AbortSignal): Promise<FrameReading> {
    await this.#play(codes, signal)
    return this.#read((log) => log.slice(), signal)
  }

  async #play(codes: FrameCodes, signal: AbortSignal): Promise<number> {
    const symbols = this.#symbols(codes)
    await allDone([this.load(codes, signal), this.armMeters(symbols, signal)])
    await this.trigger(signal)
    await this.captured(symbols, signal)
    return symbols
  }

  /** Rests all modulators at these codes, [lane][port], for slow instruments to look at. */
  async hold(codes: readonly Int8Array[], signal: AbortSignal): Promise<void> {
    this.#loaded = undefined
    const held = this.#codesOf(codes.map((lane) => Array.from(lane, (code) => Int8Array.of(code))))
    await allDone(
      this.#bench.generators.map((generator, g) =>
        generator.hold(
          Int8Array.from(held[g]!, (channel) => channel[0]!),
          signal,
        ),
      ),
    )
  }

  #symbols(codes: FrameCodes): number {
    const symbols = codes[0]![0]!.length
    const { maxSymbolsPerFrame } = this.#bench.timing
    if (symbols >= 1 && symbols <= maxSymbolsPerFrame) return symbols
    throw new BenchError('RANGE_EXCEEDED', `a frame of ${symbols} symbols does not fit: 1 to ${maxSymbolsPerFrame}`, {
      context: { symbols, maxSymbolsPerFrame },
    })
  }

  /** [generator][channel]: channels that drive nothing rest at code 0. */
  #codesOf(codes: FrameCodes): Int8Array[][] {
    const { generators, lanes } = this.#bench
    const silent = new Int8Array(codes[0]![0]!.length)
    const out = generators.map(({ channelCount }) => new Array<Int8Array>(channelCount).fill(silent))
    for (const [lane, { modulators }] of lanes.entries()) {
      for (const [port, { drive }] of modulators.entries()) {
        out[drive.generator]![drive.channel] = codes[lane]![port]!
      }
    }
    return out
  }
}

/** Waits for all of them, even when one fails, so that nothing is left half-way on a wire; then the first failure. */
export async function allDone<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(work)
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason as Error
    return result.value
  })
}

function keepBrightest(brightest: BrightestLight, reading: FrameReading): void {
  for (const side of ['plusMw', 'minusMw'] as const) {
    for (const [lane, ports] of reading[side].entries()) {
      const kept = brightest[side][lane]!
      for (const [port, series] of ports.entries()) {
        for (const mw of series) if (mw > kept[port]!) kept[port] = mw
      }
    }
  }
}

/** What is read of each symbol: its first and its last point may see its edges. */
export function innerMeans(log: Float64Array, symbols: number, pointsPerSymbol: number): Float64Array {
  const [from, to] = pointsPerSymbol > 2 ? [1, pointsPerSymbol - 1] : [0, pointsPerSymbol]
  const means = new Float64Array(symbols)
  for (let symbol = 0; symbol < symbols; symbol++) {
    let sum = 0
    for (let point = from; point < to; point++) sum += log[symbol * pointsPerSymbol + point]!
    means[symbol] = sum / (to - from)
  }
  return means
}
