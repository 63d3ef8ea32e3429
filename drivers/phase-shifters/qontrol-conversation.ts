import { BenchError, isBenchError } from '../../core/errors.ts'
import type { Framer } from '../protocols/framer.ts'
import {
  POWERED_UP,
  SERIAL_ERROR,
  concernsOutputs,
  describeError,
  linesReply,
  parseErrorLine,
  parseModule,
  parseOk,
  takeLines,
} from '../protocols/qontrol-lines.ts'
import type { QontrolError } from '../protocols/qontrol-lines.ts'
import type { RawWire } from '../transports/session-options.ts'
import type { WireSession } from '../transports/session.ts'
import { openSession } from '../transports/wire.ts'
import type { Wire } from '../transports/wire.ts'

export interface QontrolTiming {
  /** Longest silence before a reply. The maker's own driver gives up after 100 ms. */
  readonly replyMs: number
  /** The same for the first `id?`, which often gets no answer. */
  readonly identifyMs: number
  /** What a reply of many lines may take for each of them. */
  readonly lineMs: number
  /** A line this long without a byte has nothing more to say. */
  readonly silenceMs: number
}

export const QONTROL_TIMING: QontrolTiming = { replyMs: 500, identifyMs: 200, lineMs: 20, silenceMs: 50 }

/** More than any module says of its own accord; a line that goes on is another instrument's. */
const BABBLE_BYTES = 65_536
const NOTHING = new Uint8Array(0)
const CLEAR_TRIES = 3
/** The line end before it makes a command of whatever was cut short. */
const WHO_IS_THERE = Buffer.from('\nid?\n', 'latin1')

type Parse<T> = (line: string) => T | undefined

interface ReplySize {
  /** Lines; 1 when absent. */
  readonly count?: number
  readonly timeoutMs?: number
}

/**
 * Questions and answers with a chain of modules that speaks up between them.
 *
 * An error line that comes with a reply makes that question fail; one that comes between two questions makes the
 * next one fail, before anything is sent. A command that did not arrive whole (E15) is sent once more.
 *
 * Throws: INSTRUMENT_REFUSED with the error lines; INSTRUMENT_STATE_LOST when a module has just powered up (E90),
 * which leaves its outputs at 0; TRANSPORT_*; PROTOCOL_UNEXPECTED_REPLY.
 */
export class QontrolConversation implements AsyncDisposable {
  readonly #session: WireSession
  readonly #name: string
  readonly #timing: QontrolTiming
  /** Error lines that came unasked and were not reported yet. */
  #unreported: QontrolError[] = []
  /** Other lines that came unasked. */
  readonly strayLines: string[] = []
  /** The beginning of a line that came unasked; its end may come with the next reply. */
  #begun: Uint8Array = NOTHING
  #isIdentified = false
  #mayStillAnswer = false

  constructor(wire: Wire, timing: QontrolTiming) {
    this.#name = wire.name
    this.#timing = timing
    this.#session = openSession(wire, {
      timeoutMs: timing.replyMs,
      resynchronise: (raw, signal) => this.#drain(raw, signal),
      onStray: (bytes) => this.#hear(bytes),
    })
  }

  /** `count` lines in reply to `command`. */
  async ask<T>(
    command: Uint8Array,
    parse: Parse<T>,
    signal: AbortSignal,
    options: ReplySize = {},
  ): Promise<readonly T[]> {
    const unreported = this.#unreported.splice(0)
    if (unreported.length > 0) throw this.#refused(unreported)
    const { values, errors } = await this.#askTwice(command, parse, signal, options)
    if (errors.length > 0) throw this.#refused(errors)
    return values
  }

  async askOne<T>(command: Uint8Array, parse: Parse<T>, signal: AbortSignal, timeoutMs?: number): Promise<T> {
    const [value] = await this.ask(command, parse, signal, timeoutMs === undefined ? {} : { timeoutMs })
    return value as T
  }

  async tell(command: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.ask(command, parseOk, signal)
  }

  /** As `ask`, but what the outputs are accused of neither stops it nor is forgotten: it fails the next question. */
  async askRegardless<T>(command: Uint8Array, parse: Parse<T>, signal: AbortSignal, count = 1): Promise<readonly T[]> {
    const { values, errors } = await this.#askTwice(command, parse, signal, { count })
    this.#unreported.push(...errors)
    return values
  }

  /** The modules are known to answer `id?`. What was said before this moment was said to somebody else. */
  identified(): void {
    this.#unreported = []
    this.#isIdentified = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]()
  }

  async #askTwice<T>(
    command: Uint8Array,
    parse: Parse<T>,
    signal: AbortSignal,
    options: ReplySize,
  ): Promise<{ values: readonly T[]; errors: readonly QontrolError[] }> {
    try {
      return await this.#exchange(command, parse, signal, options)
    } catch (error) {
      if (!isBenchError(error, 'INSTRUMENT_REFUSED') || error.context['code'] !== SERIAL_ERROR) throw error
      return this.#exchange(command, parse, signal, options)
    }
  }

  async #exchange<T>(
    command: Uint8Array,
    parse: Parse<T>,
    signal: AbortSignal,
    options: ReplySize,
  ): Promise<{ values: readonly T[]; errors: readonly QontrolError[] }> {
    const { count = 1 } = options
    const { timeoutMs = this.#timing.replyMs + (count - 1) * this.#timing.lineMs } = options
    const reply = linesReply({ count, parse, refusal: (error) => this.#refused([error]) })
    try {
      const values = await this.#session.ask(command, this.#continued(reply.framer), signal, timeoutMs)
      return { values, errors: reply.errors }
    } catch (error) {
      // An error line is an answer; whatever else failed may still be answered.
      if (!isBenchError(error, 'INSTRUMENT_REFUSED', 'INSTRUMENT_STATE_LOST')) this.#mayStillAnswer = this.#isIdentified
      // What it said instead of answering is the better news.
      if (isBenchError(error, 'TRANSPORT_TIMEOUT') && reply.errors.length > 0) throw this.#refused(reply.errors, error)
      throw error
    }
  }

  /** Reads a reply that continues a line begun before the question. */
  #continued<T>(framer: Framer<T>): Framer<T> {
    return (arrived) => {
      const begun = this.#begun
      const framed = framer(begun.length === 0 ? arrived : Buffer.concat([begun, arrived]))
      if (framed === undefined) return undefined
      this.#begun = NOTHING
      return { message: framed.message, used: framed.used - begun.length }
    }
  }

  #hear(bytes: Uint8Array): void {
    const heard = Buffer.concat([this.#begun, bytes])
    try {
      const { lines, used } = takeLines(heard)
      this.#begun = heard.subarray(used)
      for (const line of lines) {
        const error = parseErrorLine(line)
        if (error !== undefined) this.#unreported.push(error)
        else this.strayLines.push(line)
      }
      this.strayLines.splice(0, this.strayLines.length - STRAY_LINES_KEPT)
    } catch {
      // Noise without a line end, and nobody asked: nothing to report it to.
      this.#begun = NOTHING
    }
  }

  /**
   * Listens until the line is silent, then asks who is there and drops everything up to that answer: silence alone
   * does not tell whether a slow reply is still to come, and replies come in the order of the questions.
   */
  async #drain(raw: RawWire, signal: AbortSignal): Promise<void> {
    this.#begun = NOTHING
    this.#keepWhatConcernsOutputs(await this.#untilSilent(raw, signal))
    if (!this.#mayStillAnswer) return
    for (let tries = 1; tries <= CLEAR_TRIES; tries++) {
      await raw.write(WHO_IS_THERE, signal)
      const heard = await this.#untilIdentity(raw, signal)
      this.#keepWhatConcernsOutputs(heard.text)
      if (!heard.found) continue
      this.#keepWhatConcernsOutputs(await this.#untilSilent(raw, signal))
      this.#mayStillAnswer = false
      return
    }
    throw new BenchError('TRANSPORT_TIMEOUT', `${this.#name}: the modules do not say any more who they are`, {
      context: { resource: raw.transport.resource, tries: CLEAR_TRIES },
    })
  }

  async #untilSilent(raw: RawWire, signal: AbortSignal): Promise<string> {
    let heard = ''
    for (;;) {
      const bytes = await raw.nextBytes(this.#timing.silenceMs, signal)
      if (bytes === undefined) return heard
      heard += Buffer.from(bytes).toString('latin1')
      if (heard.length > BABBLE_BYTES) throw this.#babble(raw)
    }
  }

  async #untilIdentity(raw: RawWire, signal: AbortSignal): Promise<{ readonly text: string; readonly found: boolean }> {
    let text = ''
    for (;;) {
      const bytes = await raw.nextBytes(this.#timing.identifyMs, signal)
      if (bytes === undefined) return { text, found: false }
      text += Buffer.from(bytes).toString('latin1')
      const whole = text.split('\n').slice(0, -1)
      if (whole.some((line) => parseModule(line.trim()) !== undefined)) return { text, found: true }
      if (text.length > BABBLE_BYTES) throw this.#babble(raw)
    }
  }

  #keepWhatConcernsOutputs(heard: string): void {
    for (const line of heard.split('\n')) {
      const error = parseErrorLine(line.trim())
      if (error !== undefined && concernsOutputs(error)) this.#unreported.push(error)
    }
  }

  #babble(raw: RawWire): BenchError {
    return new BenchError('TRANSPORT_TIMEOUT', `${this.#name}: the line never falls silent`, {
      context: { resource: raw.transport.resource },
    })
  }

  #refused(errors: readonly QontrolError[], cause?: unknown): BenchError {
    const restarted = errors.some(({ code }) => code === POWERED_UP)
    const said = errors.map(describeError).join('; ')
    return new BenchError(
      restarted ? 'INSTRUMENT_STATE_LOST' : 'INSTRUMENT_REFUSED',
      restarted
        ? `${this.#name}: a module was without power, its outputs are at 0 (${said})`
        : `${this.#name}: ${said}`,
      { cause, context: { name: this.#name, errors, code: errors[0]?.code, detail: errors[0]?.detail } },
    )
  }
}

const STRAY_LINES_KEPT = 64
