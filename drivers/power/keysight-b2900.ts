import { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import { BenchError, isBenchError } from '../../core/errors.ts'
import type {
  Identity,
  SourceLevel,
  SourceMeter,
  SourceRanges,
  SourceReading,
  SourceSweep,
  SourceSweepReadings,
} from '../../core/instruments.ts'
import { requireInRange } from '../../core/range.ts'
import { SCPI_WIRES } from '../driver-entry.ts'
import type { DriverEntry } from '../driver-entry.ts'
import { parseScpiBoolean, parseScpiNumber, unexpected } from '../protocols/scpi.ts'
import { ScpiSession, askScpiIdentity } from '../transports/scpi-session.ts'
import type { Wire } from '../transports/wire.ts'
import { levelCommands, restCommands, stepsOf } from './b2900-commands.ts'
import { B2900Conversation } from './b2900-conversation.ts'
import { CURRENT_RANGE_A, VOLTAGE_RANGE_V, rangeName, requireCarried, requireShared } from './b2900-limits.ts'

const MAX_LEVELS = 2500
const SAFE_BUDGET_MS = 5_000

const settings = z.strictObject({
  /** Time over which a reading is averaged. */
  apertureS: z.number().min(8e-6).max(2).default(0.02),
  /** From a change of the output to the first reading, and from each step of a sweep to its reading. */
  settleMs: z.number().min(0).max(60_000).default(1),
  /** Four wires: the voltage is sensed at the load. */
  remoteSense: z.boolean().default(false),
  /** Longest silence before a reply, besides what a reading takes. */
  timeoutMs: z.number().positive().default(5_000),
})

export type KeysightB2900Settings = z.output<typeof settings>

interface ChannelState {
  level: SourceLevel | undefined
  on: boolean
}

/**
 * Keysight B2901A, B2902A, B2911A, B2912A and their B successors: source-measure unit with one or two channels.
 *
 * Settled: `setLevel` and `setOutput` resolve `settleMs` after the instrument said that it has done it, and each point of
 * a sweep is measured `settleMs` after its step.
 * Units: the wire carries volts, amperes and seconds, as callers do. Data come as blocks of 64-bit floats, big-endian.
 * Throws: RANGE_EXCEEDED before a byte is sent, and for readings beyond their range; CALL_INVALID without level or
 * output; INSTRUMENT_NOT_SETTLED when a sweep never ends; INSTRUMENT_REFUSED with the instrument's own errors;
 * INSTRUMENT_STATE_LOST once after a restart or a lost connection: ranges, levels and outputs have to be set again.
 * Leaves: no sweep under way, all outputs off, levels 0.
 * Source: Keysight "B2900 Series SCPI Command Reference" Ed. 8.
 */
export class KeysightB2900 implements SourceMeter {
  readonly identity: Identity
  readonly channelCount: number
  readonly voltageRangeV = VOLTAGE_RANGE_V
  readonly currentRangeA = CURRENT_RANGE_A
  readonly maxSweepLevels = MAX_LEVELS
  readonly #scpi: ScpiSession
  readonly #talk: B2900Conversation
  readonly #clock: Clock
  readonly #settings: KeysightB2900Settings
  readonly #channels: readonly ChannelState[]
  /** Formats, aperture and sensing are as the settings say. */
  #isSetUp = false
  #closed = false

  private constructor(scpi: ScpiSession, identity: Identity, settings: KeysightB2900Settings, clock: Clock) {
    this.#scpi = scpi
    this.#talk = new B2900Conversation(scpi, clock, settings)
    this.identity = identity
    this.channelCount = Number(identity.model[4])
    this.#settings = settings
    this.#clock = clock
    this.#channels = Array.from({ length: this.channelCount }, () => ({ level: undefined, on: false }))
    scpi.onStateLost = () => {
      this.#forget()
      this.#isSetUp = false
    }
  }

  static async open(
    wire: Wire,
    settings: KeysightB2900Settings,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<KeysightB2900> {
    const scpi = new ScpiSession(wire, settings.timeoutMs)
    try {
      const expected = 'a Keysight B2901, B2902, B2911 or B2912, A or B'
      const identity = await scpi.identify(expected, isB2900, signal)
      const meter = new KeysightB2900(scpi, identity, settings, clock)
      await meter.#setUp(signal)
      return meter
    } catch (error) {
      await scpi[Symbol.asyncDispose]()
      throw error
    }
  }

  async setRanges(channel: number, { voltageV, currentA }: SourceRanges, signal: AbortSignal): Promise<void> {
    this.#state(channel)
    const c = channel + 1
    const range = (node: string, name: number | undefined): readonly string[] =>
      ['SOUR', 'SENS'].map((side) =>
        name === undefined
          ? `:${side}${c}:${node}:RANG:AUTO 1`
          : `:${side}${c}:${node}:RANG:AUTO 0;:${side}${c}:${node}:RANG ${name}`,
      )
    const commands = [
      ...range('VOLT', voltageV === undefined ? undefined : rangeName('voltageV', voltageV)),
      ...range('CURR', currentA === undefined ? undefined : rangeName('currentA', currentA)),
    ]
    await this.#requireSetUp(signal)
    await this.#talk.do('set its ranges', commands, signal)
  }

  async setLevel(channel: number, level: SourceLevel, signal: AbortSignal): Promise<void> {
    const state = this.#state(channel)
    requireCarried(level)
    requireShared(this.#levelsWith(channel, level))
    await this.#requireSetUp(signal)
    const before = state.level
    state.level = undefined
    await this.#talk.do('set a level', levelCommands(channel + 1, level, before), signal)
    state.level = level
    if (state.on) await this.#settle(signal)
  }

  async setOutput(channel: number, on: boolean, signal: AbortSignal): Promise<void> {
    const state = this.#state(channel)
    if (on && state.level === undefined) throw this.#noLevel()
    const was = state.on
    state.on = false
    await this.#talk.do(
      `switch output ${channel + 1} ${on ? 'on' : 'off'}`,
      [`:OUTP${channel + 1} ${on ? 1 : 0}`],
      signal,
    )
    if ((await this.readOutput(channel, signal)) !== on) {
      throw new BenchError(
        'INSTRUMENT_REFUSED',
        `${this.#scpi.name}: output ${channel + 1} stays ${on ? 'off' : 'on'} and gives no reason`,
        { context: { instrument: this.#scpi.name, channel } },
      )
    }
    state.on = on
    if (on !== was) await this.#settle(signal)
  }

  async readOutput(channel: number, signal: AbortSignal): Promise<boolean> {
    this.#state(channel)
    return parseScpiBoolean(await this.#scpi.ask(`:OUTP${channel + 1}?`, signal))
  }

  async measure(channel: number, signal: AbortSignal): Promise<SourceReading> {
    this.#requireOn(channel)
    const { timeoutMs, apertureS, settleMs } = this.#settings
    const longestMs = timeoutMs + settleMs + apertureS * 1e3
    const { voltagesV, currentsA, limited } = await this.#talk.read(
      `:MEAS? (@${channel + 1})`,
      channel,
      1,
      longestMs,
      signal,
    )
    return { voltageV: voltagesV[0]!, currentA: currentsA[0]!, limited: limited[0] === 1 }
  }

  async measureSweep(channel: number, sweep: SourceSweep, signal: AbortSignal): Promise<SourceSweepReadings> {
    this.#state(channel)
    // A copy: the caller may reuse its array as soon as we wait.
    const levels = stepsOf(sweep)
    requireInRange('levels in a sweep', levels.length, { min: 1, max: MAX_LEVELS })
    for (const level of levels) {
      requireCarried(level)
      requireShared(this.#levelsWith(channel, level))
    }
    const state = this.#requireOn(channel)
    const base = state.level
    if (base === undefined) throw this.#noLevel()
    try {
      state.level = undefined
      const readings = await this.#talk.sweep(channel, levels, base, signal)
      await this.#talk.do('return to its level', levelCommands(channel + 1, base, undefined), signal)
      state.level = base
      return readings
    } catch (error) {
      // The sweep must not go on behind the caller's back. How it failed is told, unless ending it found out worse.
      const later: unknown = await this.#endSweep(channel, base).catch((reason: unknown) => reason)
      throw isBenchError(later, 'INSTRUMENT_STATE_LOST') ? later : error
    }
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    this.#forget()
    await this.#scpi.makeSafe('outputs may still be on', () => this.#switchOff(signal))
  }

  /** Outputs at zero and off first; then the wire closes even if that failed. */
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
    const all = this.#channels.map((_, index) => index + 1)
    await this.#scpi.tell(':ABOR', signal)
    // At zero first: an output stage that does not open is then at least cold.
    for (const c of all) await this.#scpi.tell(`${restCommands(c).join(';')};:OUTP${c} 0`, signal)
    for (const c of all) {
      const reply = await this.#scpi.ask(`:OUTP${c}?;:SOUR${c}:VOLT?;:SOUR${c}:CURR?`, signal)
      const [output = '', voltage = '', current = '', ...more] = reply.split(';')
      if (
        parseScpiBoolean(output) ||
        parseScpiNumber(voltage) !== 0 ||
        parseScpiNumber(current) !== 0 ||
        more.length > 0
      )
        throw unexpected(`output ${c} off, at 0 V and 0 A`, reply)
    }
  }

  /** After a restart it has to be set up anew, before anything else is set. */
  async #requireSetUp(signal: AbortSignal): Promise<void> {
    if (!this.#isSetUp) await this.#setUp(signal)
  }

  #forget(): void {
    for (const state of this.#channels) [state.level, state.on] = [undefined, false]
  }

  async #setUp(signal: AbortSignal): Promise<void> {
    const { apertureS, remoteSense } = this.#settings
    await this.#scpi.tell('*CLS', signal)
    await this.#scpi.tell(':FORM REAL,64;:FORM:BORD NORM;:FORM:ELEM:SENS VOLT,CURR,STAT', signal)
    for (let c = 1; c <= this.channelCount; c++) {
      // By default any measurement would switch the output on.
      await this.#scpi.tell(`:OUTP${c}:ON:AUTO 0;:SENS${c}:FUNC "VOLT","CURR"`, signal)
      await this.#scpi.tell(`:SENS${c}:VOLT:APER ${apertureS};:SENS${c}:CURR:APER ${apertureS}`, signal)
      await this.#scpi.tell(`:SENS${c}:REM ${remoteSense ? 1 : 0}`, signal)
    }
    await this.#scpi.requireNoError('be set up', signal)
    this.#isSetUp = true
  }

  /** Throws: INSTRUMENT_STATE_LOST with the sweep ended. */
  async #endSweep(channel: number, base: SourceLevel): Promise<void> {
    const deadline = AbortSignal.timeout(SAFE_BUDGET_MS)
    const abort = `:ABOR (@${channel + 1})`
    await this.#scpi.tell(abort, deadline).catch(async (error: unknown) => {
      // It may not have restarted: then the sweep goes on.
      if (isBenchError(error, 'INSTRUMENT_STATE_LOST')) await this.#scpi.tell(abort, deadline)
      throw error
    })
    await this.#talk.do('return to its level', levelCommands(channel + 1, base, undefined), deadline)
    this.#channels[channel]!.level = base
  }

  #settle(signal: AbortSignal): Promise<void> {
    return this.#clock.sleep(this.#settings.settleMs, signal)
  }

  #levelsWith(channel: number, level: SourceLevel): readonly SourceLevel[] {
    return this.#channels
      .map((state, index) => (index === channel ? level : state.level))
      .filter((one) => one !== undefined)
  }

  #state(channel: number): ChannelState {
    const state = this.#channels[channel]
    if (state !== undefined) return state
    throw new BenchError('RANGE_EXCEEDED', `channel ${channel} is none of 0 to ${this.channelCount - 1}`, {
      context: { name: 'channel', value: channel },
    })
  }

  #noLevel(): BenchError {
    return new BenchError('CALL_INVALID', `${this.#scpi.name}: set a level before the output is used`)
  }

  #requireOn(channel: number): { level: SourceLevel | undefined } {
    const state = this.#state(channel)
    if (state.on) return state
    throw new BenchError('CALL_INVALID', `${this.#scpi.name}: output ${channel + 1} is off; switch it on to measure`)
  }
}

const isB2900 = ({ model }: Identity): boolean => /^B29[01][12][AB]$/.test(model)

export const keysightB2900: DriverEntry<KeysightB2900Settings, KeysightB2900> = {
  kind: 'source-meter',
  wires: SCPI_WIRES,
  settings,
  identity: { ask: askScpiIdentity, fits: isB2900 },
  open: (wire, settings, clock, signal) => KeysightB2900.open(wire, settings, clock, signal),
}
