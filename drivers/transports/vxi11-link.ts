import { BenchError, isBenchError } from '../../core/errors.ts'
import { PORTMAPPER_PORT } from '../protocols/portmapper.ts'
import type { XdrReader } from '../protocols/xdr.ts'
import {
  DEVICE_CORE,
  VXI11_IO_TIMEOUT,
  createInterruptChannelCall,
  createLinkCall,
  destroyLinkCall,
  deviceAbortCall,
  deviceReadCall,
  deviceWriteCall,
  enableServiceRequestsCall,
  genericCall,
  readCreateLink,
  readDeviceRead,
  readDeviceWrite,
  readNothing,
  readStatusByte,
  vxi11Error,
} from '../protocols/vxi11.ts'
import type { GenericOperation, LinkResults, Vxi11Results } from '../protocols/vxi11.ts'
import { askPortmapper } from './portmapper.ts'
import { RpcConnection } from './rpc-connection.ts'
import { ServiceRequestChannel } from './service-request-channel.ts'

/** What is asked for at once, and the longest part of a message that is sent at once. */
const PART_BYTES = 1_048_576
/** A reply around one part of a message, credentials included. */
const LONGEST_RECORD_BYTES = PART_BYTES + 1024
/** How long the instrument may take for what has no deadline of its own. */
const OPERATION_MS = 5000
/** For a reply to arrive, and for a far end that is a little late itself. */
const GRACE_MS = 1000
/** Less time than this is not worth asking for; a process that was held up asks for it nonetheless. */
const SHORTEST_READ_MS = 250
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
}

/** Where one message of the instrument goes. */
export interface MessageReader {
  onPiece(bytes: Uint8Array): void
  onEnd(): void
  onFailed(error: BenchError): void
}

/** A message that is being fetched. */
export interface Reading {
  /** More may come of it. */
  readonly open: boolean
  /** Nothing of it is handed over any more. */
  drop(): void
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
    const partBytes = Math.min(this.#link.longestWriteBytes, PART_BYTES)
    let sent = 0
    do {
      const part = sent === 0 && message.length <= partBytes ? message : message.subarray(sent, sent + partBytes)
      const end = sent + part.length === message.length
      const results = await this.#core.call(
        (xid) => deviceWriteCall(xid, this.#link.link, OPERATION_MS, part, end),
        (reply) => readDeviceWrite(reply, part.length),
        OPERATION_MS + GRACE_MS,
        signal,
      )
      sent += valueOf(results, this.#resource, 'write')
    } while (sent < message.length)
  }

  /** Fetches one whole message, as far as it comes within `timeoutMs`. */
  read(timeoutMs: number, reader: MessageReader): Reading {
    const dueMs = performance.now() + timeoutMs
    let giveUp = (): void => undefined
    let open = true
    const failed = (error: BenchError): void => {
      open = false
      // A connection that broke has its own way to say so.
      if (this.#core.usable) reader.onFailed(error)
    }
    const replied = (reply: XdrReader): void => {
      const { error, value } = readDeviceRead(reply, PART_BYTES)
      const leftMs = dueMs - performance.now()
      const ended = value?.end ?? false
      // Nothing more is asked for once time is up: whoever waits decides what becomes of it.
      open = value !== undefined && !ended && leftMs > -SHORTEST_READ_MS
      if (value === undefined) {
        if (error !== VXI11_IO_TIMEOUT) failed(vxi11Error(this.#resource, 'read', error))
        return
      }
      if (open) ask(Math.max(leftMs, SHORTEST_READ_MS))
      if (value.data.length > 0) reader.onPiece(value.data)
      if (ended) reader.onEnd()
    }
    const ask = (ioTimeoutMs: number): void => {
      const wholeMs = Math.min(Math.ceil(ioTimeoutMs), 0xffff_ffff)
      giveUp = this.#core.begin((xid) => deviceReadCall(xid, this.#link.link, wholeMs, PART_BYTES), {
        replied,
        failed,
      })
    }
    ask(timeoutMs)
    return {
      get open() {
        return open
      },
      drop: () => {
        open = false
        giveUp()
      },
    }
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
