import { unexpected } from './scpi.ts'

const HEADER_BYTES = 12
const DEV_DEP_MSG_OUT = 1
const REQUEST_DEV_DEP_MSG_IN = 2
const DEV_DEP_MSG_IN = 2
const END_OF_MESSAGE = 0x01
const TERM_CHAR = 0x02
const HASH = 0x23
const DIGIT_0 = 0x30

/** Devices fill up to a whole packet instead of sending an empty one; no bulk packet is longer than this. */
const LARGEST_PACKET = 1024

/** What some devices do otherwise than the class demands. */
export interface UsbtmcQuirks {
  /**
   * A header comes before the first packet only, its size and its end mark mean nothing, and a second request begins
   * the answer anew: it is asked for once, and a block says itself how long it is.
   */
  readonly headerOnce?: boolean
}

/** Rigol DS1000Z, DS2000 and DS1000D/E. Source: python-usbtmc, `rigol_quirk`. */
const HEADER_ONCE: readonly (readonly [vendor: number, product: number])[] = [
  [0x1ab1, 0x04ce],
  [0x1ab1, 0x0588],
]

export function usbtmcQuirks(vendor: number, product: number): UsbtmcQuirks {
  return HEADER_ONCE.some((entry) => entry[0] === vendor && entry[1] === product) ? { headerOnce: true } : {}
}

/** Tags run from 1 to 255 and never are 0. */
export function nextTag(tag: number): number {
  return (tag % 255) + 1
}

/** One bulk-OUT transfer that carries a message or a part of it, padded to a multiple of four. */
export function bulkOutMessage(tag: number, payload: Uint8Array, endsMessage: boolean): Uint8Array {
  const transfer = new Uint8Array(Math.ceil((HEADER_BYTES + payload.length) / 4) * 4)
  writeHeader(transfer, DEV_DEP_MSG_OUT, tag, payload.length)
  transfer[8] = endsMessage ? END_OF_MESSAGE : 0
  transfer.set(payload, HEADER_BYTES)
  return transfer
}

/** The bulk-OUT transfer that asks for at most `maxBytes` of the answer, and for no more than up to `termChar`. */
export function bulkInRequest(tag: number, maxBytes: number, termChar?: number): Uint8Array {
  const transfer = new Uint8Array(HEADER_BYTES)
  writeHeader(transfer, REQUEST_DEV_DEP_MSG_IN, tag, maxBytes)
  if (termChar === undefined) return transfer
  transfer[8] = TERM_CHAR
  transfer[9] = termChar
  return transfer
}

/**
 * One answer to a request, as its bytes come in over bulk-IN.
 *
 * Throws: PROTOCOL_UNEXPECTED_REPLY on a header that answers no request of ours, on more bytes than were asked for,
 * and on a transfer that ends before its own size.
 * Source: USB-IF USBTMC 1.0 tables 1, 3, 4 and 9 as implemented in python-usbtmc and Linux drivers/usb/class/usbtmc.c.
 */
export class BulkInAnswer {
  readonly #tag: number
  readonly #maxBytes: number
  readonly #headerOnce: boolean
  #head = new Uint8Array(0)
  #attributes: number | undefined
  /** Payload that is still to come; undefined where only the end of the transfer tells. */
  #remaining: number | undefined = 0
  #padding = 0
  #done = false

  constructor(tag: number, maxBytes: number, { headerOnce = false }: UsbtmcQuirks = {}) {
    this.#tag = tag
    this.#maxBytes = maxBytes
    this.#headerOnce = headerOnce
  }

  /** Nothing more belongs to this request. */
  get done(): boolean {
    return this.#done
  }

  /** The message is whole, or came to the term char that was asked for; otherwise the next request brings more of it. */
  get endsMessage(): boolean {
    return this.#done && (this.#headerOnce || ((this.#attributes ?? 0) & (END_OF_MESSAGE | TERM_CHAR)) !== 0)
  }

  /** The payload among these bytes. `ended`: a short packet or an empty one ended the transfer. */
  push(bytes: Uint8Array, ended: boolean): Uint8Array {
    const payload = this.#attributes === undefined ? this.#begin(bytes, ended) : this.#continue(bytes)
    if (this.#attributes === undefined || !ended) {
      this.#done = this.#headerOnce && this.#attributes !== undefined && this.#remaining === 0
      return payload
    }
    if (this.#remaining === undefined) this.#remaining = 0
    if (this.#remaining > 0 && !this.#headerOnce) {
      throw unexpected(`${this.#remaining} more bytes before the transfer ends`, bytes)
    }
    this.#done = this.#remaining === 0
    return payload
  }

  #begin(bytes: Uint8Array, ended: boolean): Uint8Array {
    this.#head = joined(this.#head, bytes)
    const head = this.#head
    // What ended an earlier transfer, and was not waited for.
    if (head.length === 0) return head
    if (head.length < HEADER_BYTES) {
      if (ended) throw unexpected('a bulk-IN header of 12 bytes', head)
      return head.subarray(0, 0)
    }
    if (head[0] !== DEV_DEP_MSG_IN || head[1] !== this.#tag || head[2] !== (~this.#tag & 0xff)) {
      throw unexpected(`the bulk-IN header that answers tag ${this.#tag}`, head)
    }
    const size = new DataView(head.buffer, head.byteOffset).getUint32(4, true)
    const payload = head.subarray(HEADER_BYTES)
    if (this.#headerOnce) {
      const length = blockLength(payload)
      if (length === 'unknown' && !ended) return head.subarray(0, 0)
      this.#remaining = typeof length === 'number' ? length : undefined
    } else {
      if (size > this.#maxBytes) throw unexpected(`at most ${this.#maxBytes} bytes in a transfer`, head)
      this.#remaining = size
    }
    this.#attributes = head[8]!
    return this.#continue(payload)
  }

  #continue(bytes: Uint8Array): Uint8Array {
    if (this.#remaining === undefined) return bytes
    if (this.#headerOnce) {
      // A line end behind the block comes along with it.
      this.#remaining = Math.max(0, this.#remaining - bytes.length)
      return bytes
    }
    const payload = bytes.subarray(0, this.#remaining)
    this.#remaining -= payload.length
    this.#padding += bytes.length - payload.length
    if (this.#padding >= LARGEST_PACKET) throw unexpected('no more than padding behind the payload', bytes)
    return payload
  }
}

function writeHeader(transfer: Uint8Array, message: number, tag: number, size: number): void {
  transfer[0] = message
  transfer[1] = tag
  transfer[2] = ~tag & 0xff
  new DataView(transfer.buffer, transfer.byteOffset).setUint32(4, size, true)
}

/** Length of a definite-length block with its own header; undefined for anything else. */
function blockLength(bytes: Uint8Array): number | 'unknown' | undefined {
  if (bytes.length === 0) return 'unknown'
  if (bytes[0] !== HASH) return undefined
  const digits = bytes.length > 1 ? bytes[1]! - DIGIT_0 : Number.NaN
  if (digits < 1 || digits > 9) return undefined
  if (!(bytes.length >= 2 + digits)) return 'unknown'
  const length = Number(Buffer.from(bytes.subarray(2, 2 + digits)).toString('latin1'))
  return Number.isInteger(length) ? 2 + digits + length : undefined
}

function joined(left: Uint8Array<ArrayBuffer>, right: Uint8Array): Uint8Array<ArrayBuffer> {
  if (left.length === 0) return right as Uint8Array<ArrayBuffer>
  const both = new Uint8Array(left.length + right.length)
  both.set(left)
  both.set(right, left.length)
  return both
}
