import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import type { Identity, SymbolFormat, SymbolGenerator } from '../../core/instruments.ts'
import { requireInRange } from '../../core/range.ts'
import { FACTORY_RATE_HZ, RECALIBRATION_MS, durationS, voltsPerCode } from '../instruments/m8195a-levels.ts'
import { m8195aIdentity } from '../instruments/sim-m8195a.ts'
import type { DrivePort } from '../optics/world-ports.ts'
import type { SimContext } from '../sim-entry.ts'
import { numberSetting } from './direct-entry.ts'
import type { DirectEntry } from './direct-entry.ts'
import { requireLive, wait } from './turns.ts'

const CHANNELS = 4
const AMPLITUDE_RANGE_V = { min: 0.0375, max: 0.5 }
/** The amplitude is written with six digits. */
const AMPLITUDE_DIGITS = 6
/** A symbol is this many samples, looped: from 52 loops up. */
const LOOP_SAMPLES = 320
const LOOPS = { min: 52, max: 2 ** 32 - 1 }
const SAFE_BUDGET_MS = 5_000
const DARK: readonly number[] = [0, 0, 0, 0]

type Run =
  | { readonly state: 'stopped' | 'waiting' }
  /** Waits for its next trigger when it ends; a held level never does. */
  | { readonly state: 'running'; readonly endNs: number }

/** A Keysight M8195A with four channels of 8 bits: code 127 is the amplitude. Leaves: stopped, all outputs off. */
export class DirectSymbolGenerator implements SymbolGenerator {
  readonly identity: Identity
  readonly channelCount = CHANNELS
  readonly maxSymbolsPerFrame: number
  readonly #port: DrivePort
  readonly #name: string
  readonly #clock: Clock
  readonly #sampleRateHz: number
  readonly #loopS: number
  #rateHz = FACTORY_RATE_HZ
  #busyUntilNs = 0
  #format: { readonly perCodeV: number; readonly stepS: number } | undefined
  #levelsV: readonly Float64Array[] | undefined
  #run: Run = { state: 'stopped' }
  #dark = true

  constructor(port: DrivePort, context: SimContext) {
    this.identity = m8195aIdentity(context.name, context.seed)
    this.maxSymbolsPerFrame = numberSetting(context, 'maxSymbolsPerFrame')
    this.#port = port
    this.#name = context.name
    this.#clock = context.clock
    this.#sampleRateHz = numberSetting(context, 'sampleRateHz')
    this.#loopS = durationS(LOOP_SAMPLES, this.#sampleRateHz)
    port.onTrigger(() => this.#triggered())
  }

  async configure({ symbolPeriodS, amplitudeV }: SymbolFormat, signal: AbortSignal): Promise<void> {
    requireInRange('amplitudeV', amplitudeV, AMPLITUDE_RANGE_V)
    const loops = this.#loopsFor(symbolPeriodS)
    requireLive(this.#name, signal)
    this.#forget()
    this.#halt()
    if (this.#rateHz !== this.#sampleRateHz) this.#busyUntilNs = this.#clock.monotonicNs() + RECALIBRATION_MS * 1e6
    this.#rateHz = this.#sampleRateHz
    const waitNs = this.#busyUntilNs - this.#clock.monotonicNs()
    if (waitNs > 0) await wait(this.#name, this.#clock, waitNs / 1e6, signal)
    const amplitudeVpp = Number((2 * amplitudeV).toPrecision(AMPLITUDE_DIGITS))
    const stepS = durationS(loops * LOOP_SAMPLES, this.#rateHz)
    this.#format = { perCodeV: voltsPerCode(amplitudeVpp), stepS }
  }

  async loadFrame(codes: readonly Int8Array[], signal: AbortSignal): Promise<void> {
    this.#requireFrame(codes)
    const { perCodeV } = this.#requireConfigured()
    requireLive(this.#name, signal)
    this.#levelsV = codes.map((channel) => {
      const levelsV = new Float64Array(channel.length)
      for (let symbol = 0; symbol < channel.length; symbol++) levelsV[symbol] = channel[symbol]! * perCodeV
      return levelsV
    })
    this.#halt()
    this.#arm(this.#levelsV)
  }

  async rearm(signal: AbortSignal): Promise<void> {
    this.#requireConfigured()
    if (this.#levelsV === undefined) {
      throw new BenchError('CALL_INVALID', `${this.#name}: load a frame before rearming`)
    }
    requireLive(this.#name, signal)
    this.#halt()
    this.#arm(this.#levelsV)
  }

  async trigger(signal: AbortSignal): Promise<void> {
    requireLive(this.#name, signal)
    this.#triggered()
  }

  async hold(codes: Int8Array, signal: AbortSignal): Promise<void> {
    if (codes.length !== CHANNELS) {
      throw new BenchError('SHAPE_MISMATCH', `hold takes ${CHANNELS} codes, one a channel; got ${codes.length}`, {
        context: { channelCount: CHANNELS, got: codes.length },
      })
    }
    requireCodes(codes)
    const { perCodeV } = this.#requireConfigured()
    requireLive(this.#name, signal)
    this.#halt()
    this.#run = { state: 'running', endNs: Infinity }
    this.#rest(Array.from(codes, (code) => code * perCodeV))
  }

  async stop(signal: AbortSignal): Promise<void> {
    requireLive(this.#name, signal)
    this.#halt()
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    this.#forget()
    requireLive(this.#name, signal)
    this.#halt()
    if (this.#state() === 'stopped' && this.#dark) return
    throw new BenchError('SAFE_STATE_UNVERIFIED', `${this.#name}: outputs may still be on`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.makeSafe(AbortSignal.timeout(SAFE_BUDGET_MS))
  }

  /** Ignored unless it is waited for. */
  #triggered(): void {
    if (this.#state() !== 'waiting' || this.#format === undefined || this.#levelsV === undefined) return
    const durationNs = this.#levelsV[0]!.length * this.#format.stepS * 1e9
    this.#run = { state: 'running', endNs: this.#clock.monotonicNs() + durationNs }
    this.#port.start()
  }

  #arm(levelsV: readonly Float64Array[]): void {
    this.#run = { state: 'waiting' }
    this.#port.load(levelsV, this.#format!.stepS)
  }

  #halt(): void {
    const wasRunning = this.#state() === 'running'
    this.#run = { state: 'stopped' }
    this.#rest(DARK, wasRunning)
  }

  #rest(levelsV: readonly number[], evenIfDark = false): void {
    const dark = levelsV.every((levelV) => levelV === 0)
    if (dark && this.#dark && !evenIfDark) return
    this.#dark = dark
    this.#port.rest(levelsV)
  }

  #state(): Run['state'] {
    const run = this.#run
    if (run.state === 'running' && this.#clock.monotonicNs() >= run.endNs) this.#run = { state: 'waiting' }
    return this.#run.state
  }

  #loopsFor(symbolPeriodS: number): number {
    const loopS = this.#loopS
    requireInRange('symbolPeriodS', symbolPeriodS, { min: LOOPS.min * loopS, max: LOOPS.max * loopS })
    const loops = Math.round(symbolPeriodS / loopS)
    if (Math.abs((loops * loopS) / symbolPeriodS - 1) < 1e-9) return loops
    const nearest = `${symbolPeriodS} is not a multiple of ${loopS}; ${loops * loopS} is the nearest`
    throw new BenchError('RANGE_EXCEEDED', `symbolPeriodS ${nearest}`, {
      context: { name: 'symbolPeriodS', value: symbolPeriodS, step: loopS },
    })
  }

  #requireFrame(codes: readonly Int8Array[]): void {
    const symbols = codes[0]?.length ?? 0
    if (codes.length !== CHANNELS || codes.some(({ length }) => length !== symbols)) {
      const got = codes.map(({ length }) => length)
      throw new BenchError(
        'SHAPE_MISMATCH',
        `a frame is ${CHANNELS} arrays of one length, one a channel; got lengths ${JSON.stringify(got)}`,
        { context: { channelCount: CHANNELS, got } },
      )
    }
    requireInRange('symbols in a frame', symbols, { min: 1, max: this.maxSymbolsPerFrame })
    for (const channel of codes) requireCodes(channel)
  }

  #requireConfigured(): { readonly perCodeV: number; readonly stepS: number } {
    if (this.#format !== undefined) return this.#format
    throw new BenchError('CALL_INVALID', `${this.#name}: configure before playing; outputs are off`)
  }

  #forget(): void {
    this.#format = this.#levelsV = undefined
  }
}

function requireCodes(codes: Int8Array): void {
  const at = codes.indexOf(-128)
  if (at >= 0) requireInRange(`code of symbol ${at}`, -128, { min: -127, max: 127 })
}

export const directM8195a: DirectEntry<'symbol-generator'> = {
  kind: 'symbol-generator',
  open: (port, context) => Promise.resolve(new DirectSymbolGenerator(port, context)),
}
