import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import type { SourceLevel, SourceSweepReadings } from '../../core/instruments.ts'
import { parseScpiInteger, scpiBlockReply } from '../protocols/scpi.ts'
import type { ScpiSession } from '../transports/scpi-session.ts'
import { forced, levelCommands, nodeOf } from './b2900-commands.ts'
import { BYTES_PER_POINT, decodeB2900 } from './b2900-data.ts'

/** Levels of a sweep in one message; input buffers are small. */
const LEVELS_A_MESSAGE = 100
const SLOWEST_BYTES_PER_MS = 50

const OPERATION_COMPLETE = 1
const POLL_SHARE = 1 / 20
const SHORTEST_POLL_MS = 1
/** Autoranging makes points longer than they should be; nothing makes them so much longer. */
const SWEEP_PATIENCE = 10
const LEAST_PATIENCE_MS = 10_000

export interface B2900Timing {
  readonly apertureS: number
  readonly settleMs: number
  readonly timeoutMs: number
}

/** What is said to a B2900, and how it is known that it was taken. */
export class B2900Conversation {
  readonly #scpi: ScpiSession
  readonly #clock: Clock
  readonly #settings: B2900Timing

  constructor(scpi: ScpiSession, clock: Clock, settings: B2900Timing) {
    this.#scpi = scpi
    this.#clock = clock
    this.#settings = settings
  }

  /** One message, so that ranges, levels and limits are judged together; the answer proves that it was taken. */
  do(doing: string, commands: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#scpi.requireNoError(doing, signal, { question: [...commands, ':SYST:ERR?'].join(';') })
  }

  /** Prepares, runs and reads a sweep of the output that is on at `before`. */
  async sweep(
    channel: number,
    levels: readonly SourceLevel[],
    before: SourceLevel | undefined,
    signal: AbortSignal,
  ): Promise<SourceSweepReadings> {
    const c = channel + 1
    const { apertureS, settleMs, timeoutMs } = this.#settings
    const [first] = levels
    const node = nodeOf(first!)
    for (let from = 0; from < levels.length; from += LEVELS_A_MESSAGE) {
      const part = levels.slice(from, from + LEVELS_A_MESSAGE).map(forced)
      await this.#scpi.tell(`:SOUR${c}:LIST:${node}${from === 0 ? '' : ':APP'} ${part.join()}`, signal)
    }
    await this.do(
      'prepare a sweep',
      [
        ...levelCommands(c, first!, before),
        `:SOUR${c}:${node}:MODE LIST`,
        `:ARM${c}:COUN 1;:TRIG${c}:SOUR AINT;:TRIG${c}:COUN ${levels.length}`,
        `:TRIG${c}:TRAN:DEL 0;:TRIG${c}:ACQ:DEL ${settleMs / 1e3}`,
      ],
      signal,
    )
    // Forgets an operation that was completed, or given up, before.
    await this.#eventBits(signal)
    await this.#scpi.tell(`:INIT (@${c});*OPC`, signal)
    await this.#waitForSweep(levels.length * (apertureS * 1e3 + settleMs), signal)
    const longestMs = timeoutMs + (levels.length * BYTES_PER_POINT) / SLOWEST_BYTES_PER_MS
    // First: of a sweep that was refused there is nothing to read.
    await this.#scpi.requireNoError('sweep', signal)
    return this.read(`:FETC:ARR? (@${c})`, channel, levels.length, longestMs, signal)
  }

  /**
   * Polls: after the time the sweep should take, then more often. *OPC? would block the instrument's ears for aborts.
   *
   * The deadline is counted in time slept, not read from a clock, so that a replay asks as often as the run did.
   */
  async #waitForSweep(sweepMs: number, signal: AbortSignal): Promise<void> {
    const deadlineMs = SWEEP_PATIENCE * sweepMs + LEAST_PATIENCE_MS
    let pauseMs = Math.max(sweepMs, SHORTEST_POLL_MS)
    for (let sleptMs = 0; sleptMs < deadlineMs; sleptMs += pauseMs) {
      if (sleptMs > 0) pauseMs = Math.max(sweepMs * POLL_SHARE, SHORTEST_POLL_MS)
      await this.#clock.sleep(pauseMs, signal)
      if (((await this.#eventBits(signal)) & OPERATION_COMPLETE) !== 0) return
    }
    await this.#scpi.requireNoError('sweep', signal)
    throw new BenchError(
      'INSTRUMENT_NOT_SETTLED',
      `${this.#scpi.name}: the sweep has not ended within ${deadlineMs} ms`,
      {
        context: { instrument: this.#scpi.name, deadlineMs },
      },
    )
  }

  async #eventBits(signal: AbortSignal): Promise<number> {
    return parseScpiInteger(await this.#scpi.ask('*ESR?', signal))
  }

  /** Asks for a block of so many points. */
  read(
    question: string,
    channel: number,
    points: number,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<SourceSweepReadings> {
    const framer = scpiBlockReply((payload) => decodeB2900(payload, points, { instrument: this.#scpi.name, channel }))
    return this.#scpi.askFramed(question, framer, signal, timeoutMs)
  }
}
