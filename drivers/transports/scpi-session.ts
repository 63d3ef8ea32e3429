import { BenchError, isBenchError } from '../../core/errors.ts'
import type { Identity } from '../../core/instruments.ts'
import type { IdentityQuestion } from '../driver-entry.ts'
import type { Framer } from '../protocols/framer.ts'
import { parseScpiError, parseScpiIdentity, parseScpiInteger, scpiLine, scpiLineReply } from '../protocols/scpi.ts'
import type { ScpiError } from '../protocols/scpi.ts'
import type { AskNow } from './session-options.ts'
import type { WireSession } from './session.ts'
import { openSession } from './wire.ts'
import type { Wire } from './wire.ts'

/** More entries than any error queue holds: who still answers with errors then is not emptying it. */
const DEEPEST_ERROR_QUEUE = 64

/** *ESR? bit 7. */
const POWER_ON = 0x80

/**
 * A conversation in SCPI: one command a write, every question answered before the next.
 *
 * Throws: as the session does; INSTRUMENT_REFUSED with the instrument's own errors; INSTRUMENT_STATE_LOST once when
 * the instrument has restarted, or may have behind a connection that was lost: it has to be configured again.
 */
export class ScpiSession implements AsyncDisposable {
  /** Name of the instrument in the bench file. */
  readonly name: string
  /** Runs when the instrument has lost the settings that were made, before the call that found out fails. */
  onStateLost: () => void = () => undefined
  readonly #session: WireSession
  /** What *IDN? answered. */
  #identity: string | undefined

  constructor(wire: Wire, timeoutMs: number) {
    this.name = wire.name
    this.#session = openSession(wire, { timeoutMs, recognise: (ask, doubtful) => this.#recognise(ask, doubtful) })
  }

  tell(command: string | Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#session.tell(typeof command === 'string' ? scpiLine(command) : command, signal)
  }

  ask(question: string, signal: AbortSignal, timeoutMs?: number): Promise<string> {
    return this.#session.ask(scpiLine(question), scpiLineReply, signal, timeoutMs)
  }

  askFramed<T>(question: string, framer: Framer<T>, signal: AbortSignal, timeoutMs?: number): Promise<T> {
    return this.#session.ask(scpiLine(question), framer, signal, timeoutMs)
  }

  /** Throws: INSTRUMENT_WRONG_IDENTITY naming what answered and what was expected. */
  async identify(expected: string, accepts: (identity: Identity) => boolean, signal: AbortSignal): Promise<Identity> {
    const reply = await this.ask('*IDN?', signal)
    const identity = parseScpiIdentity(reply)
    if (accepts(identity)) {
      this.#identity = reply
      return identity
    }
    throw new BenchError(
      'INSTRUMENT_WRONG_IDENTITY',
      `${this.name} should be ${expected}, but ${JSON.stringify(reply)} answers at ${this.#session.resource}`,
      { context: { instrument: this.name, expected, reply } },
    )
  }

  /**
   * Asks for the first entry of the error queue, empties the queue and throws what it held, except `harmless` numbers.
   *
   * `question` may carry the last command in front, so that one exchange does both.
   */
  async requireNoError(
    doing: string,
    signal: AbortSignal,
    { question = ':SYST:ERR?', harmless = [] as readonly number[] } = {},
  ): Promise<void> {
    const errors: ScpiError[] = []
    let error = parseScpiError(await this.ask(question, signal))
    for (let read = 1; error.number !== 0 && read < DEEPEST_ERROR_QUEUE; read++) {
      if (!harmless.includes(error.number)) errors.push(error)
      error = parseScpiError(await this.ask(':SYST:ERR?', signal))
    }
    if (errors.length === 0) return
    const said = errors.map(({ number, text }) => `${number} ${text}`).join('; ')
    throw new BenchError('INSTRUMENT_REFUSED', `${this.name} refused to ${doing}: ${said}`, {
      context: { instrument: this.name, doing, errors },
    })
  }

  /**
   * Does what makes the instrument safe, whatever state it is in: once more if that was lost.
   *
   * Throws: SAFE_STATE_UNVERIFIED saying what may be the case `otherwise`.
   */
  async makeSafe(otherwise: string, work: () => Promise<void>): Promise<void> {
    try {
      await work().catch((error: unknown) => {
        if (!isBenchError(error, 'INSTRUMENT_STATE_LOST')) throw error
        return work()
      })
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new BenchError('SAFE_STATE_UNVERIFIED', `${this.name}: ${otherwise}: ${why}`, {
        cause,
        context: { instrument: this.name },
      })
    }
  }

  /**
   * The same instrument as before, and not switched on since: *CLS clears the power-on bit when a driver opens.
   *
   * Source: IEEE 488.2 standard event status, bit 7 PON.
   */
  async #recognise(ask: AskNow, doubtful: boolean): Promise<void> {
    // Nobody was known: whoever opens the instrument will ask.
    if (this.#identity === undefined) return
    const reply = await ask(scpiLine('*IDN?'), scpiLineReply)
    if (reply !== this.#identity) {
      throw new BenchError(
        'INSTRUMENT_WRONG_IDENTITY',
        `${this.name} was ${JSON.stringify(this.#identity)}, but now ${JSON.stringify(reply)} answers at ${this.#session.resource}`,
        { context: { instrument: this.name, expected: this.#identity, reply } },
      )
    }
    const restarted = (parseScpiInteger(await ask(scpiLine('*ESR?'), scpiLineReply)) & POWER_ON) !== 0
    if (!restarted && !doubtful) return
    this.onStateLost()
    throw new BenchError(
      'INSTRUMENT_STATE_LOST',
      `${this.name} ${restarted ? 'has restarted' : 'lost its connection'}: it may not have the settings that were made`,
      { context: { instrument: this.name, restarted } },
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]()
  }
}

const IDENTITY_TIMEOUT_MS = 2_000

/** `*IDN?`, and nothing else. */
export const askScpiIdentity: IdentityQuestion['ask'] = async (wire, { timeoutMs = IDENTITY_TIMEOUT_MS }, signal) => {
  await using session = new ScpiSession(wire, timeoutMs)
  return parseScpiIdentity(await session.ask('*IDN?', signal))
}
