import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import { requireInRange } from '../../core/range.ts'
import {
  MAX_READ_REGISTERS,
  MAX_WRITE_REGISTERS,
  MBAP_BYTES,
  mbapFrame,
  readMbapFrame,
  rtuReplyLength,
} from '../protocols/modbus.ts'
import type { Framer } from '../protocols/framer.ts'
import { ModbusClient, withChecksum } from './modbus-client.ts'
import type { ModbusExchange, ModbusOutcome } from './modbus-client.ts'
import { resynchroniseRtu } from './modbus-resynchronise.ts'
import type { AskNow } from './session-options.ts'
import type { WireSession } from './session.ts'
import { openSession } from './wire.ts'
import type { Wire } from './wire.ts'

export interface ModbusLinkOptions {
  readonly unit: number
  /** `rtu` for a serial line, `tcp` for a socket. */
  readonly framing: 'rtu' | 'tcp'
  /** Longest silence before a reply. */
  readonly timeoutMs: number
  readonly clock: Clock
  /** Silence that the instrument wants between a reply and the next request. Default: none. */
  readonly gapMs?: number
  /** Silence on a serial line after which what was cut off is over. Default: 60 ms, 3.5 characters from 650 Bd up. */
  readonly silenceMs?: number
  /** As `SessionOptions.recognise`; `read` reads holding registers ahead of the calls that wait. */
  readonly recognise?: (read: ReadNow, doubtful: boolean) => Promise<void>
}

export type ReadNow = (address: number, count: number) => Promise<Uint16Array>

const SILENCE_MS = 60
const WORD = { min: 0, max: 0xffff }
/** Size of the check sum that a socket does without. */
const CHECKSUM_BYTES = 2

/**
 * A conversation with one Modbus unit: one request at a time, in the order of the calls.
 *
 * Requests are built and replies read by `modbus-serial`; the bytes travel over our wire. What is sent depends on
 * the calls alone: transaction numbers begin at 1 with each link.
 * Throws: INSTRUMENT_REFUSED naming the Modbus exception; PROTOCOL_CHECKSUM; PROTOCOL_UNEXPECTED_REPLY;
 * RANGE_EXCEEDED before a byte is sent; TRANSPORT_*. After a failure of the wire the link resynchronises before the
 * next request: a serial line by silence and a loopback, a socket by connecting again.
 */
export class ModbusLink implements AsyncDisposable {
  readonly #client: ModbusClient
  readonly #session: WireSession
  readonly #options: ModbusLinkOptions
  #last: Promise<unknown> = Promise.resolve()
  #pending = 0
  #transactionId = 0
  #quietSinceNs = Number.NEGATIVE_INFINITY

  private constructor(wire: Wire, options: ModbusLinkOptions) {
    const { unit, timeoutMs, silenceMs = SILENCE_MS } = options
    const resynchronise = resynchroniseRtu(unit, timeoutMs, silenceMs)
    this.#client = new ModbusClient(unit)
    this.#options = options
    this.#session = openSession(wire, {
      timeoutMs,
      ...(options.framing === 'tcp' ? {} : { resynchronise }),
      recognise: (ask, doubtful) => this.#recognise(ask, doubtful),
    })
  }

  static open(wire: Wire, options: ModbusLinkOptions): ModbusLink {
    requireInRange('unit', options.unit, { min: options.framing === 'rtu' ? 1 : 0, max: 247 })
    return new ModbusLink(wire, options)
  }

  readHolding(address: number, count: number, signal: AbortSignal): Promise<Uint16Array> {
    return this.#inTurn(() => {
      requireBlock(address, count, MAX_READ_REGISTERS)
      return this.#client.readHolding(address, count)
    }, signal)
  }

  readInput(address: number, count: number, signal: AbortSignal): Promise<Uint16Array> {
    return this.#inTurn(() => {
      requireBlock(address, count, MAX_READ_REGISTERS)
      return this.#client.readInput(address, count)
    }, signal)
  }

  writeRegister(address: number, value: number, signal: AbortSignal): Promise<void> {
    return this.#inTurn(() => {
      requireBlock(address, 1, MAX_WRITE_REGISTERS)
      requireWhole('value', value, WORD)
      return this.#client.writeRegister(address, value)
    }, signal)
  }

  writeRegisters(address: number, values: Uint16Array, signal: AbortSignal): Promise<void> {
    return this.#inTurn(() => {
      requireBlock(address, values.length, MAX_WRITE_REGISTERS)
      return this.#client.writeRegisters(address, values)
    }, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last
    await this.#session[Symbol.asyncDispose]()
  }

  #inTurn<T>(begin: () => ModbusExchange<T>, signal: AbortSignal): Promise<T> {
    const run = (): Promise<T> => this.#exchange(begin, signal)
    const result = this.#pending++ === 0 ? run() : this.#last.then(run)
    this.#last = result.then(this.#settled, this.#settled)
    return result
  }

  readonly #settled = (): void => {
    this.#pending--
  }

  async #pause(gapMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const quietMs = (clock.monotonicNs() - this.#quietSinceNs) / 1e6
    try {
      signal.throwIfAborted()
      if (quietMs < gapMs) await clock.sleep(gapMs - quietMs, signal)
    } catch (error) {
      throw new BenchError('TRANSPORT_ABORTED', `${this.#session.resource}: given up before it was asked`, {
        cause: error,
      })
    }
  }

  async #recognise(ask: AskNow, doubtful: boolean): Promise<void> {
    // A client of its own: the exchange that waits for this is already begun on the other.
    const client = new ModbusClient(this.#options.unit)
    await this.#options.recognise?.(async (address, count) => {
      const outcome = await this.#askWith(ask, client.readHolding(address, count))
      if ('refused' in outcome) throw outcome.refused
      return outcome.value
    }, doubtful)
  }

  async #exchange<T>(begin: () => ModbusExchange<T>, signal: AbortSignal): Promise<T> {
    const { gapMs = 0, clock } = this.#options
    if (gapMs > 0 || signal.aborted) await this.#pause(gapMs, signal)
    try {
      const outcome = await this.#askWith((request, framer) => this.#session.ask(request, framer, signal), begin())
      if ('refused' in outcome) throw outcome.refused
      return outcome.value
    } finally {
      if (gapMs > 0) this.#quietSinceNs = clock.monotonicNs()
    }
  }

  #askWith<T>(ask: AskNow, exchange: ModbusExchange<T>): Promise<ModbusOutcome<T>> {
    if (this.#options.framing === 'rtu') return ask(exchange.request, rtuFramer(exchange))
    this.#transactionId = (this.#transactionId + 1) % 0x1_0000
    const request = mbapFrame(this.#transactionId, exchange.request, exchange.request.length - CHECKSUM_BYTES)
    return ask(request, mbapFramer(exchange, this.#transactionId))
  }
}

/** Reads inside the framer, so that a reply nobody can read makes the session suspect. */
function rtuFramer<T>(exchange: ModbusExchange<T>): Framer<ModbusOutcome<T>> {
  return (bytes) => {
    const used = rtuReplyLength(bytes)
    if (used === undefined || bytes.length < used) return undefined
    return { message: exchange.accept(bytes.subarray(0, used)), used }
  }
}

function mbapFramer<T>(exchange: ModbusExchange<T>, transactionId: number): Framer<ModbusOutcome<T>> {
  return (bytes) => {
    const unitAndPdu = readMbapFrame(bytes, transactionId)
    if (unitAndPdu === undefined) return undefined
    return { message: exchange.accept(withChecksum(unitAndPdu)), used: MBAP_BYTES + unitAndPdu.length }
  }
}

function requireBlock(address: number, count: number, maxCount: number): void {
  requireWhole('address', address, WORD)
  requireWhole('count', count, { min: 1, max: maxCount })
  requireWhole('last address', address + count - 1, WORD)
}

function requireWhole(name: string, value: number, range: { readonly min: number; readonly max: number }): void {
  requireInRange(name, Number.isInteger(value) ? value : Number.NaN, range)
}
