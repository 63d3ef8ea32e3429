import { isBenchError } from '../../core/errors.ts'
import type { ByteReceiver, ByteTransport, MessageControls } from '../../core/transport.ts'
import { Vxi11Link } from './vxi11-link.ts'
import type { Vxi11Address } from './vxi11-link.ts'
import type { MessageReader, Reading } from './vxi11-reading.ts'

/** An instrument that does not come clear in this time gets a new link. */
const CLEAR_MS = 3000
const CLOSE_MS = 1000

/**
 * A VXI-11 instrument: messages that end, and are fetched by asking for them.
 *
 * To resynchronise is to abort what is under way and to clear the device; where that fails, to open a new link.
 * Throws: TRANSPORT_OPEN_FAILED when no instrument answers; TRANSPORT_LOCKED while another client holds it;
 * TRANSPORT_LOST, TRANSPORT_TIMEOUT, INSTRUMENT_REFUSED, PROTOCOL_UNEXPECTED_REPLY.
 * Leaves: when disposed, the link and its lock given back, all connections closed.
 */
export class Vxi11Transport implements ByteTransport {
  readonly resource: string
  readonly controls: MessageControls = {
    readStatusByte: (signal) => this.#link.readStatusByte(signal),
    trigger: (signal) => this.#link.trigger(signal),
    onServiceRequest: async (listener, signal) => {
      if (this.#serviceListener === undefined) await this.#watchServiceRequests(signal)
      this.#serviceListener = listener
    },
  }
  readonly #address: Vxi11Address
  /** Whether the answer is called for before the question is confirmed. */
  #callsAhead: 'untried' | 'proven' | 'never'
  #link: Vxi11Link
  #reading: Reading | undefined
  #serviceListener: (() => void) | undefined
  #receiver: ByteReceiver | undefined

  private constructor(resource: string, address: Vxi11Address, link: Vxi11Link) {
    this.resource = resource
    this.#address = address
    this.#link = link
    this.#listen()
    this.#callsAhead = address.oneCallAtATime === true ? 'never' : 'untried'
  }

  static async open(resource: string, address: Vxi11Address, signal: AbortSignal): Promise<Vxi11Transport> {
    return new Vxi11Transport(resource, address, await Vxi11Link.open(resource, address, signal))
  }

  connect(receiver: ByteReceiver): void {
    this.#receiver = receiver
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#dropRest(signal)
    await this.#link.write(bytes, signal)
  }

  pull(timeoutMs: number): void {
    this.#reading = this.#link.read(timeoutMs, this.#reader)
  }

  async inquire(bytes: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<void> {
    await this.#dropRest(signal)
    if (this.#callsAhead === 'never') {
      await this.#link.write(bytes, signal)
      this.pull(timeoutMs)
      return
    }
    try {
      await this.#link.ask(bytes, signal, () => this.pull(timeoutMs))
    } catch (error) {
      if (isBenchError(error, 'PROTOCOL_UNEXPECTED_REPLY')) this.#callsAhead = 'never'
      throw error
    }
  }

  async resynchronise(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    // Perhaps it only was slow. Then nothing is lost but a little speed.
    if (this.#reading?.open === true && this.#callsAhead === 'untried') this.#callsAhead = 'never'
    this.#reading?.drop()
    if (this.#link.usable && (await this.#comesClear(signal))) return
    await this.#link.close(AbortSignal.timeout(CLOSE_MS))
    this.#link = await Vxi11Link.open(this.resource, this.#address, signal)
    this.#listen()
    await this.#clearNewLink(signal)
    if (this.#serviceListener !== undefined) await this.#watchServiceRequests(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reading?.drop()
    await this.#link.close(AbortSignal.timeout(CLOSE_MS))
  }

  readonly #reader: MessageReader = {
    onPiece: (bytes) => {
      if (this.#callsAhead === 'untried') this.#callsAhead = 'proven'
      this.#receiver?.onBytes(bytes)
    },
    onEnd: () => this.#receiver?.onEnd(),
    onFailed: (error) => this.#receiver?.onLost(error),
  }

  /** What is left of the message before must not answer the next one. */
  async #dropRest(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#reading?.open === true) await this.resynchronise(signal)
  }

  #listen(): void {
    this.#link.onLost = (error) => this.#receiver?.onLost(error)
  }

  async #comesClear(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#link.clear(AbortSignal.any([signal, AbortSignal.timeout(CLEAR_MS)]))
      return true
    } catch (error) {
      if (signal.aborted || isBenchError(error, 'TRANSPORT_LOCKED')) throw error
      return false
    }
  }

  /** Behind a gateway the device itself still holds what the old link asked for. Who cannot clear holds it in the link. */
  async #clearNewLink(signal: AbortSignal): Promise<void> {
    try {
      await this.#link.clear(signal)
    } catch (error) {
      if (!isBenchError(error, 'INSTRUMENT_REFUSED')) throw error
    }
  }

  async #watchServiceRequests(signal: AbortSignal): Promise<void> {
    await this.#link.watchServiceRequests(() => this.#serviceListener?.(), signal)
  }
}
