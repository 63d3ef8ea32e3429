import { BenchError, isBenchError } from '../../core/errors.ts'
import { PORTMAPPER_PORT } from '../protocols/portmapper.ts'
import type { XdrReader } from '../protocols/xdr.ts'
import {
  DEVICE_CORE,
  createInterruptChannelCall,
  createLinkCall,
  destroyLinkCall,
  deviceAbortCall,
  deviceWriteCall,
  enableServiceRequestsCall,
  genericCall,
  readCreateLink,
  readDeviceWrite,
  readNothing,
  readStatusByte,
  vxi11Error,
} from '../protocols/vxi11.ts'
import type { GenericOperation, LinkResults, Vxi11Results } from '../protocols/vxi11.ts'
import { askPortmapper } from './portmapper.ts'
import { RpcConnection } from './rpc-connection.ts'
import { READ_BYTES, fetchMessage } from './vxi11-reading.ts'
import type { MessageReader, Reading } from './vxi11-reading.ts'
import { ServiceRequestChannel } from './service-request-channel.ts'

/** The longest part of a message that is sent at once, whatever the instrument says that it takes. */
const LONGEST_PART_BYTES = 1_048_576
/** A reply around one part of an answer, credentials included. */
const LONGEST_RECORD_BYTES = READ_BYTES + 1024
/** How long the instrument may take for what has no deadline of its own. */
const OPERATION_MS = 5000
/** For a reply to arrive, and for a far end that is a little late itself. */
const GRACE_MS = 1000
/** Comes back with every service request. */
const HANDLE = Buffer.from('fringe00', 'latin1')

export interface Vxi11Address {
  readonly host: string
  /** Of the core channel. Without it the portmapper of the host is asked. */
  readonly port?: number
  /** Default: 111. */
  readonly portmapperPort?: number
  /** `inst0`, or behind a gateway `gpib0,20`. */
  readonly device: string
  /** Nobody else may use the instrument while the link exists. Default: false. */
  readonly lock?: boolean
  /**
   * For instruments that lose a call which comes before the one before is answered. Default: found out with the first
   * question, which then fails.
   */
  readonly oneCallAtATime?: boolean
}

/**
 * One link to a VXI-11 instrument, for as long as its connection lasts.
 *
 * Throws: as `RpcConnection` does; TRANSPORT_LOCKED while another client holds the instrument; INSTRUMENT_REFUSED with
 * the instrument's own error number; TRANSPORT_LOST when it has forgotten the link.
 */
export class Vxi11Link {
  /** Called once, when the connection breaks without having been closed here. */
  onLost: (error: BenchError) => void = () => undefined
  readonly #resource: string
  readonly #host: string
  readonly #core: RpcConnection
  readonly #link: LinkResults
  #channel: ServiceRequestChannel | undefined

  private constructor(resource: string, host: string, core: RpcConnection, link: LinkResults) {
    this.#resource = resource
    this.#host = host
    this.#core = core
    this.#link = link
  }

  static async open(resource: string, address: Vxi11Address, signal: AbortSignal): Promise<Vxi11Link> {
    const { host, device, lock = false, portmapperPort = PORTMAPPER_PORT } = address
    let core: RpcConnection | undefined
    let opened: Vxi11Link | undefined
    const onLost = (error: BenchError): void => opened?.onLost(error)
    try {
      const port = address.port ?? (await askPortmapper({ resource, host, port: portmapperPort }, DEVICE_CORE, signal))
      core = await RpcConnection.open({ resource, host, port, longestBytes: LONGEST_RECORD_BYTES }, onLost, signal)
      const clientId = Math.floor(Math.random() * 0x8000_0000)
      const results = await core.call(
        (xid) => createLinkCall(xid, { clientId, device, lock }),
        readCreateLink,
        OPERATION_MS,
        signal,
      )
      const link = valueOf(results, resource, `open ${device}`)
      opened = new Vxi11Link(resource, host, core, link)
      return opened
    } catch (error) {
      core?.close()
      throw openingError(resource, error, signal)
    }
  }

  get usable(): boolean {
    return this.#core.usable
  }

  /** Writes one whole message, in parts that the instrument takes. */
  async write(message: Uint8Array, signal: AbortSignal): Promise<void> {
    const partBytes = this.#longestPart
    let sent = 0
    do {
      const part = message.subarray(sent, sent + partBytes)
      sent += await this.#writePart(part, sent + part.length === message.length, signal)
    } while (sent < message.length)
  }

  /**
   * Writes a whole question, and begins to fetch its answer before the instrument has confirmed the last part: one
   * round trip instead of two.
   */
  async ask(question: Uint8Array, signal: AbortSignal, fetch: () => void): Promise<void> {
    const partBytes = this.#longestPart
    let sent = 0
    while (question.length - sent > partBytes) {
      sent += await this.#writePart(question.subarray(sent, sent + partBytes), false, signal)
    }
    const part = question.subarray(sent)
    let confirmed: Promise<number> | undefined
    this.#core.together(() => {
      confirmed = this.#writePart(part, true, signal)
      fetch()
    })
    const taken = (await confirmed) ?? 0
    if (taken < part.length) throw cutQuestion(this.#resource, taken, part.length)
  }

  /** Fetches one whole message, as far as it comes within `timeoutMs`. */
  read(timeoutMs: number, reader: MessageReader): Reading {
    return fetchMessage(this.#core, this.#link.link, this.#resource, timeoutMs, reader)
  }

  async readStatusByte(signal: AbortSignal): Promise<number> {
    return this.#operate('read status byte', readStatusByte, signal)
  }

  async trigger(signal: AbortSignal): Promise<void> {
    await this.#operate('trigger', readNothing, signal)
  }

  /** Ends what is under way, then empties both buffers of the instrument. */
  async clear(signal: AbortSignal): Promise<void> {
    if (this.#core.busy) await this.#abort(signal)
    await this.#operate('clear', readNothing, signal)
  }

  /** `listener` runs for each service request, for as long as the link lasts. */
  async watchServiceRequests(listener: () => void, signal: AbortSignal): Promise<void> {
    const { local, remote } = this.#core.addresses
    const address = local?.replace(/^::ffff:/, '')
    if (local === undefined || remote === undefined || address?.includes(':') !== false) {
      throw new BenchError(
        'CALL_INVALID',
        `${this.#resource}: service requests need IPv4, and this is ${address ?? 'no connection'}`,
      )
    }
    const channel = await ServiceRequestChannel.open(local, remote, listener)
    try {
      const created = await this.#core.call(
        (xid) => createInterruptChannelCall(xid, address, channel.port),
        readNothing,
        OPERATION_MS,
        signal,
      )
      valueOf(created, this.#resource, 'open a channel for service requests')
      const enabled = await this.#core.call(
        (xid) => enableServiceRequestsCall(xid, this.#link.link, HANDLE),
        readNothing,
        OPERATION_MS,
        signal,
      )
      valueOf(enabled, this.#resource, 'enable service requests')
    } catch (error) {
      await channel[Symbol.asyncDispose]()
      throw error
    }
    this.#channel = channel
  }

  /** Leaves: the link and its lock given back if the instrument still listens, all connections closed. */
  async close(signal: AbortSignal): Promise<void> {
    try {
      if (!this.#core.usable) return
      if (this.#core.busy) await this.#abort(signal)
      await this.#core.call((xid) => destroyLinkCall(xid, this.#link.link), readNothing, OPERATION_MS, signal)
    } catch {
      // The instrument gives the link up when its connection closes.
    } finally {
      this.#core.close()
      await this.#channel?.[Symbol.asyncDispose]()
    }
  }

  get #longestPart(): number {
    return Math.min(this.#link.longestWriteBytes, LONGEST_PART_BYTES)
  }

  async #writePart(part: Uint8Array, end: boolean, signal: AbortSignal): Promise<number> {
    const results = await this.#core.call(
      (xid) => deviceWriteCall(xid, this.#link.link, OPERATION_MS, part, end),
      (reply) => readDeviceWrite(reply, part.length),
      OPERATION_MS + GRACE_MS,
      signal,
    )
    return valueOf(results, this.#resource, 'write')
  }

  async #operate<T>(
    operation: GenericOperation,
    read: (reply: XdrReader) => Vxi11Results<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const results = await this.#core.call(
      (xid) => genericCall(xid, operation, this.#link.link, OPERATION_MS),
      read,
      OPERATION_MS + GRACE_MS,
      signal,
    )
    return valueOf(results, this.#resource, operation)
  }

  /** On a connection of its own: the core channel is busy with what is to end. */
  async #abort(signal: AbortSignal): Promise<void> {
    const { abortPort: port, link } = this.#link
    if (port === undefined) throw vxi11Error(this.#resource, 'abort', ABORT_UNSUPPORTED)
    const endpoint = { resource: this.#resource, host: this.#host, port, longestBytes: 1024 }
    const connection = await RpcConnection.open(endpoint, () => undefined, signal)
    try {
      const results = await connection.call((xid) => deviceAbortCall(xid, link), readNothing, OPERATION_MS, signal)
      valueOf(results, this.#resource, 'abort')
    } finally {
      connection.close()
    }
  }
}

const ABORT_UNSUPPORTED = 8

function cutQuestion(resource: string, taken: number, length: number): BenchError {
  return new BenchError(
    'PROTOCOL_UNEXPECTED_REPLY',
    `${resource} took ${taken} of the last ${length} bytes of a question whose answer was already called for`,
    { context: { resource, taken, length } },
  )
}

function valueOf<T>({ error, value }: Vxi11Results<T>, resource: string, doing: string): T {
  if (value === undefined) throw vxi11Error(resource, doing, error)
  return value
}

/** Whatever keeps a link from opening means that it cannot be opened, except a lock and a caller who gave up. */
function openingError(resource: string, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted || !isBenchError(error)) return error
  if (error.code === 'TRANSPORT_OPEN_FAILED' || error.code === 'TRANSPORT_LOCKED') return error
  return new BenchError('TRANSPORT_OPEN_FAILED', `${resource} cannot be opened: ${error.message}`, {
    cause: error,
    context: { ...error.context, resource },
  })
}
