import type { BenchError } from '../../core/errors.ts'
import { VXI11_IO_TIMEOUT, deviceReadCall, readDeviceRead, vxi11Error } from '../protocols/vxi11.ts'
import type { XdrReader } from '../protocols/xdr.ts'
import type { RpcConnection } from './rpc-connection.ts'

/** What is asked for at once. */
export const READ_BYTES = 1_048_576
/** Less time than this is not worth asking for; a process that was held up asks for it nonetheless. */
const SHORTEST_READ_MS = 250
const LONGEST_READ_MS = 0xffff_ffff

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
 * Fetches one whole message, as far as it comes within `timeoutMs`, in as many reads as it takes.
 *
 * An instrument that says nothing in that time is no failure: whoever waits decides what becomes of it.
 */
export function fetchMessage(
  core: RpcConnection,
  link: number,
  resource: string,
  timeoutMs: number,
  reader: MessageReader,
): Reading {
  const dueMs = performance.now() + timeoutMs
  let giveUp = (): void => undefined
  let open = true
  const failed = (error: BenchError): void => {
    open = false
    // A connection that broke has its own way to say so.
    if (core.usable) reader.onFailed(error)
  }
  const replied = (reply: XdrReader): void => {
    const { error, value } = readDeviceRead(reply, READ_BYTES)
    if (value === undefined) {
      open = false
      if (error !== VXI11_IO_TIMEOUT) failed(vxi11Error(resource, 'read', error))
      return
    }
    const leftMs = dueMs - performance.now()
    open = !value.end && leftMs > -SHORTEST_READ_MS
    if (open) ask(Math.max(leftMs, SHORTEST_READ_MS))
    if (value.data.length > 0) reader.onPiece(value.data)
    if (value.end) reader.onEnd()
  }
  const ask = (ioTimeoutMs: number): void => {
    const wholeMs = Math.min(Math.ceil(ioTimeoutMs), LONGEST_READ_MS)
    giveUp = core.begin((xid) => deviceReadCall(xid, link, wholeMs, READ_BYTES), { replied, failed })
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
