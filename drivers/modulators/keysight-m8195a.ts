import { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import type { Identity, SymbolFormat, SymbolGenerator } from '../../core/instruments.ts'
import { requireInRange } from '../../core/range.ts'
import { SCPI_WIRES } from '../driver-entry.ts'
import type { DriverEntry } from '../driver-entry.ts'
import { parseScpiBoolean } from '../protocols/scpi.ts'
import { ScpiSession, askScpiIdentity } from '../transports/scpi-session.ts'
import type { Wire } from '../transports/wire.ts'
import { M8195aFrame, requireCodes } from './m8195a-frame.ts'
import type { FramePlace } from './m8195a-frame.ts'

const CHANNELS = [1, 2, 3, 4] as const
/** Amplitude is peak to peak on one connector: code +127 is half of it. */
const AMPLITUDE_RANGE_V = { min: 0.0375, max: 0.5 }
/** A new sample rate is followed by a calibration of the converters. */
const CONFIGURE_TIMEOUT_MS = 60_000
const SAFE_BUDGET_MS = 5_000
const START = ':INIT:IMM;:SYST:ERR?'

const isM8195a = ({ model }: Identity): boolean => model === 'M8195A'

const settings = z.strictObject({
  /** Rate of the converters; the extended memory plays at a quarter of it. */
  sampleRateHz: z.number().min(53.76e9).max(65e9).default(64e9),
  maxSymbolsPerFrame: z.int().min(1).max(100_000).default(1024),
  /** Longest silence before a reply. */
  timeoutMs: z.number().positive().default(5_000),
})

export type KeysightM8195aSettings = z.output<typeof settings>

/**
 * Keysight M8195A arbitrary waveform generator, four channels from extended memory, played by its sequencer in dynamic
 * mode: the next frame can be written and selected while one plays.
 *
 * Units: the wire carries volts peak to peak; callers see the voltage of code +127. Converted here, nowhere else.
 * Throws: RANGE_EXCEEDED and SHAPE_MISMATCH before a byte is sent; CALL_INVALID when not configured;
 * INSTRUMENT_REFUSED with the instrument's own errors.
 * Leaves: stopped, all outputs off.
 * Source: M8195A User's Guide rev. 2 ed. 7.0, §3.9 and §4 (dynamic modes, memory ping-pong), §6.8 (arm
 * and trigger), §6.18 (STABle), §6.21 (TRACe).
 */
export class KeysightM8195a implements SymbolGenerator {
  readonly identity: Identity
  readonly channelCount = CHANNELS.length
  readonly #scpi: ScpiSession
  readonly #sampleRateHz: number
  readonly #frame: M8195aFrame
  /** 0 while not configured. */
  #loops = 0
  /** [place]: symbols in its sequence; undefined when the table may have been written in part. */
  #symbols: readonly number[] | undefined
  /** What plays at the next trigger. */
  #place: FramePlace = 0
  #loaded = false
  /** Waits for triggers, or plays. */
  #armed = false
  /** Written and selected while another frame played. */
  #prepared: readonly Int8Array[] | undefined
  #mode: 'frame' | 'hold' | 'unknown' = 'unknown'
  #closed = false

  private constructor(scpi: ScpiSession, identity: Identity, { sampleRateHz, ...rest }: KeysightM8195aSettings) {
    this.#scpi = scpi
    this.identity = identity
    this.#sampleRateHz = sampleRateHz
    this.#frame = new M8195aFrame(rest.maxSymbolsPerFrame, sampleRateHz)
    scpi.onStateLost = () => this.#forget()
  }

  static async open(
    wire: Wire,
    settings: KeysightM8195aSettings,
    _clock: Clock,
    signal: AbortSignal,
  ): Promise<KeysightM8195a> {
    const scpi = new ScpiSession(wire, settings.timeoutMs)
    try {
      const identity = await scpi.identify('a Keysight M8195A', isM8195a, signal)
      await scpi.tell('*CLS', signal)
      return new KeysightM8195a(scpi, identity, settings)
    } catch (error) {
      await scpi[Symbol.asyncDispose]()
      throw error
    }
  }

  get maxSymbolsPerFrame(): number {
    return this.#frame.maxSymbols
  }

  /** Resolves with all four outputs on, at rest. Segments and table are laid out here, once for all frames. */
  async configure({ symbolPeriodS, amplitudeV }: SymbolFormat, signal: AbortSignal): Promise<void> {
    requireInRange('amplitudeV', amplitudeV, AMPLITUDE_RANGE_V)
    const loops = this.#frame.loopsFor(symbolPeriodS)
    this.#forget()
    const amplitude = Number((2 * amplitudeV).toPrecision(6))
    const each = (command: (channel: number) => string): string => CHANNELS.map(command).join(';')
    for (const message of [
      ':ABOR',
      // Memory mode and divider depend on each other: one message, so that they are judged together.
      `:INST:DACM FOUR;${each((n) => `:TRAC${n}:MMOD EXT`)};:INST:MEM:EXT:RDIV DIV4`,
      `:FREQ:RAST ${this.#sampleRateHz}`,
      // Self-armed: an armed generator would want an enable event before it listens to triggers.
      ':FUNC:MODE STS;:INIT:CONT:STAT 0;:INIT:GATE:STAT 0;:INIT:CONT:ENAB SELF',
      ':ARM:TRIG:SOUR TRIG;:TRIG:BEG:HWD 0;:FORM:BORD NORM',
      // Extended memory: a segment of one channel is a segment of all four.
      `:TRAC1:DEL:ALL;${this.#frame.segmentDefinitions}`,
    ]) {
      await this.#scpi.tell(message, signal)
    }
    await this.#scpi.tell(this.#frame.table(this.maxSymbolsPerFrame, loops), signal)
    await this.#scpi.tell(':STAB:DYN 1;:STAB:DYN:SEL 0', signal)
    await this.#scpi.tell(`${each((n) => `:VOLT${n} ${amplitude}`)};${each((n) => `:VOLT${n}:OFFS 0`)}`, signal)
    await this.#scpi.tell(
      each((n) => `:OUTP${n} ON`),
      signal,
    )
    await this.#scpi.ask('*OPC?', signal, CONFIGURE_TIMEOUT_MS)
    await this.#scpi.requireNoError('be configured', signal)
    this.#loops = loops
    this.#symbols = [this.maxSymbolsPerFrame, this.maxSymbolsPerFrame]
    this.#place = 0
    this.#mode = 'frame'
  }

  async prepareFrame(codes: readonly Int8Array[], signal: AbortSignal): Promise<void> {
    this.#prepared = undefined
    // What does not wait for triggers is stopped before it is loaded anyway.
    if (!this.#armed) return
    const place = this.#place === 0 ? 1 : 0
    const write = this.#written(place, codes)
    this.#armed = this.#loaded = false
    const symbols = await write(signal)
    await this.#ask('select a frame', `:STAB:DYN:SEL ${this.#frame.firstIndex(place)};:SYST:ERR?`, signal)
    this.#symbols = symbols
    this.#place = place
    this.#armed = this.#loaded = true
    this.#prepared = codes
  }

  async loadFrame(codes: readonly Int8Array[], signal: AbortSignal): Promise<void> {
    const isThere = this.#prepared === codes
    this.#prepared = undefined
    if (isThere) return
    // All of it now: the caller may reuse its arrays as soon as we wait.
    const write = this.#written(this.#place, codes)
    this.#requireConfigured()
    this.#loaded = false
    await this.#stopFor('frame', signal)
    const symbols = await write(signal)
    await this.#ask('play a frame', START, signal)
    this.#symbols = symbols
    this.#armed = this.#loaded = true
  }

  async rearm(signal: AbortSignal): Promise<void> {
    this.#requireConfigured()
    if (!this.#loaded) throw new BenchError('CALL_INVALID', `${this.#scpi.name}: load a frame before rearming`)
    await this.#stopFor('frame', signal)
    await this.#ask('play the frame again', START, signal)
    this.#armed = true
  }

  /** Asked back, so that nothing else is on this wire until the trigger has come. */
  async trigger(signal: AbortSignal): Promise<void> {
    await this.#ask('be triggered', ':TRIG:BEG;:SYST:ERR?', signal)
  }

  async hold(codes: Int8Array, signal: AbortSignal): Promise<void> {
    if (codes.length !== this.channelCount) {
      throw new BenchError(
        'SHAPE_MISMATCH',
        `hold takes ${this.channelCount} codes, one a channel; got ${codes.length}`,
        {
          context: { channelCount: this.channelCount, got: codes.length },
        },
      )
    }
    requireCodes(codes)
    this.#requireConfigured()
    const uploads = Array.from(codes, (code, channel) => this.#frame.uploadHold(channel, code))
    await this.#stopFor('hold', signal)
    for (const upload of uploads) await this.#scpi.tell(upload, signal)
    await this.#ask('hold a level', START, signal)
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.#disarm()
    await this.#scpi.tell(':ABOR', signal)
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    this.#forget()
    await this.#scpi.makeSafe('outputs may still be on', () => this.#switchOff(signal))
  }

  /** Outputs off first; then the wire closes even if that failed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      // A fresh deadline. The caller's signal is often why we are here, and already aborted.
      await this.makeSafe(AbortSignal.timeout(SAFE_BUDGET_MS))
    } finally {
      await this.#scpi[Symbol.asyncDispose]()
    }
  }

  async #switchOff(signal: AbortSignal): Promise<void> {
    await this.#scpi.tell(`:ABOR;${CHANNELS.map((n) => `:OUTP${n} OFF`).join(';')}`, signal)
    const reply = await this.#scpi.ask(CHANNELS.map((n) => `:OUTP${n}?`).join(';'), signal)
    const on = reply.split(';').map(parseScpiBoolean)
    if (on.length === this.channelCount && !on.includes(true)) return
    throw new BenchError('PROTOCOL_UNEXPECTED_REPLY', `outputs answered ${JSON.stringify(reply)}`, {
      context: { reply },
    })
  }

  /** Stops; what plays next is the frame that was loaded, or the one looped entry for holding. */
  async #stopFor(mode: 'frame' | 'hold', signal: AbortSignal): Promise<void> {
    this.#disarm()
    if (this.#mode === mode) return this.#scpi.tell(':ABOR', signal)
    this.#mode = 'unknown'
    const [continuous, entry] = mode === 'hold' ? [1, this.#frame.holdIndex] : [0, this.#frame.firstIndex(this.#place)]
    await this.#scpi.tell(`:ABOR;:INIT:CONT:STAT ${continuous};:STAB:DYN:SEL ${entry}`, signal)
    this.#mode = mode
  }

  /** Messages that put a frame into its place. Resolves with what the table holds once the generator has said so. */
  #written(place: FramePlace, codes: readonly Int8Array[]): (signal: AbortSignal) => Promise<readonly number[]> {
    const symbols = this.#frame.symbolsOf(codes, this.channelCount)
    const uploads = codes.map((one, channel) => this.#frame.upload(place, channel, one))
    return async (signal) => {
      for (const upload of uploads) await this.#scpi.tell(upload, signal)
      const before = this.#symbols
      if (before?.[place] === symbols) return before
      this.#symbols = undefined
      if (before === undefined) {
        await this.#scpi.tell(this.#frame.table(symbols, this.#loops), signal)
        return [symbols, symbols]
      }
      await this.#scpi.tell(this.#frame.moveEnd(place, before[place]!, symbols, this.#loops), signal)
      return before.with(place, symbols)
    }
  }

  /** The answer proves that everything before was taken. */
  async #ask(doing: string, question: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#scpi.requireNoError(doing, signal, { question })
    } catch (error) {
      this.#symbols = undefined
      this.#mode = 'unknown'
      this.#loaded = false
      throw error
    }
  }

  #disarm(): void {
    this.#armed = false
    this.#prepared = undefined
  }

  #requireConfigured(): void {
    if (this.#loops > 0) return
    throw new BenchError('CALL_INVALID', `${this.#scpi.name}: configure before playing; outputs are off`)
  }

  #forget(): void {
    this.#disarm()
    this.#loops = 0
    this.#symbols = undefined
    this.#loaded = false
    this.#mode = 'unknown'
  }
}

export const keysightM8195a: DriverEntry<KeysightM8195aSettings, KeysightM8195a> = {
  kind: 'symbol-generator',
  wires: SCPI_WIRES,
  settings,
  identity: { ask: askScpiIdentity, fits: isM8195a },
  open: (wire, settings, clock, signal) => KeysightM8195a.open(wire, settings, clock, signal),
}
