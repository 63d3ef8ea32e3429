import { HISLIP, unexpectedHislip } from './hislip.ts'
import type { HislipHeader } from './hislip.ts'

export type HislipMode = 'synchronised' | 'overlap'

const FIRST_ID = 0xffff_ff00
/** What a status query names before anything was sent. */
const BEFORE_FIRST_ID = 0xffff_fefe
/** A piece of a reply whose DataEND will say to which question it belongs. */
const LATER_TOLD_ID = 0xffff_ffff
/** Longest reply that is kept until its DataEND tells whose it is. */
const LONGEST_HELD_BYTES = 2 ** 28
/** What keeping a piece costs beside its bytes. */
const HELD_PIECE_BYTES = 256

/**
 * Which of the arriving data answers the last question, and how the next message has to be marked.
 *
 * In synchronised mode a reply carries the id of its question: any other is dropped. In overlap mode replies come in
 * order under the server's own ids, which name no question; there only a device clear makes sure that none is on its
 * way, and everything that comes until it is acknowledged is dropped.
 * Source: IVI-6.1 rev. 2.0, chapter 3 (synchronized and overlap mode).
 */
export class HislipConversation {
  readonly #onBytes: (bytes: Uint8Array) => void
  readonly #onEnd: () => void
  #mode: HislipMode = 'synchronised'
  #nextId = FIRST_ID
  #deliveredId = BEFORE_FIRST_ID
  #replyDelivered = false
  #clearing = false
  /** Interrupted messages seen on the synchronous channel, less those on the other: they come in pairs. */
  #unpaired = 0
  #held: Uint8Array[] = []
  #heldBytes = 0

  constructor(onBytes: (bytes: Uint8Array) => void, onEnd: () => void) {
    this.#onBytes = onBytes
    this.#onEnd = onEnd
  }

  get mode(): HislipMode {
    return this.#mode
  }

  /** Half of an interruption was seen: nothing may be sent before the other half. */
  get mustWait(): boolean {
    return this.#unpaired !== 0
  }

  get lastId(): number {
    return (this.#nextId - 2) >>> 0
  }

  /** What a status query names: in overlap mode the last reply delivered, else the last message sent. */
  get statusId(): number {
    return this.#mode === 'overlap' ? this.#deliveredId : this.lastId
  }

  /** Id of a message that is sent now. What was still to be told is no answer to it. */
  takeId(): number {
    this.#dropHeld()
    const id = this.#nextId
    this.#nextId = (id + 2) >>> 0
    return id
  }

  /** RMT-delivered: 1 in the first message after a whole reply has been delivered. */
  takeFlag(): number {
    const flag = this.#replyDelivered ? 1 : 0
    this.#replyDelivered = false
    return flag
  }

  /** Throws: PROTOCOL_UNEXPECTED_REPLY when a reply grows without end and without saying what it answers. */
  receive(header: HislipHeader, piece: Uint8Array, last: boolean): void {
    // The synchronous channel still holds what was said before the interruption or the device clear.
    if (this.#clearing || this.#unpaired < 0) return
    const { type, parameter } = header
    if (this.#mode === 'overlap' || parameter === this.lastId) this.#deliver(header, piece, last)
    else if (parameter === LATER_TOLD_ID && type === HISLIP.Data) this.#hold(piece)
    else this.#dropHeld()
  }

  interrupted(channel: 'synchronous' | 'asynchronous'): void {
    if (this.#clearing) return
    this.#dropHeld()
    this.#unpaired += channel === 'synchronous' ? 1 : -1
  }

  /** A device clear has begun. */
  beginClear(): void {
    this.#clearing = true
    this.#dropHeld()
  }

  /** The device is clear, or the connection new. */
  restart(mode: HislipMode): void {
    this.#mode = mode
    this.#nextId = FIRST_ID
    this.#deliveredId = BEFORE_FIRST_ID
    this.#replyDelivered = false
    this.#clearing = false
    this.#unpaired = 0
  }

  #deliver({ type, parameter }: HislipHeader, piece: Uint8Array, last: boolean): void {
    for (const held of this.#held) this.#onBytes(held)
    this.#dropHeld()
    if (piece.length > 0) this.#onBytes(piece)
    if (!last || type !== HISLIP.DataEnd) return
    this.#replyDelivered = true
    this.#deliveredId = parameter
    this.#onEnd()
  }

  #hold(piece: Uint8Array): void {
    if (piece.length === 0) return
    this.#heldBytes += piece.length + HELD_PIECE_BYTES
    if (this.#heldBytes > LONGEST_HELD_BYTES) throw unexpectedHislip('a reply without an end', piece)
    this.#held.push(piece)
  }

  #dropHeld(): void {
    if (this.#held.length === 0) return
    this.#held = []
    this.#heldBytes = 0
  }
}
