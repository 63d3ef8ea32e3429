import type { Socket } from 'node:net'
import { HislipFrameReader, hislipFrame } from '../protocols/hislip-frames.ts'
import type { HislipFrame, HislipKind, HislipOddity } from '../protocols/hislip-frames.ts'

/** Codes of FatalError. Source: IVI-6.1 rev. 2.0, fatal error detection. */
export const FATAL = { unidentified: 0, header: 1, channels: 2, initialization: 3, clients: 4 } as const
/** Codes of Error. Source: IVI-6.1 rev. 2.0, error notification. */
export const REFUSED = { unidentified: 0, type: 1, control: 2, vendorType: 3, tooLarge: 4 } as const

/** A client that does not read what it is sent is not listened to either, once this much and a message wait for it. */
const UNREAD_BYTES = 2 ** 20
const FIRST_VENDOR_TYPE = 128

export interface HislipTaker {
  take(frame: HislipFrame): void
  /** While true, frames wait, and with them the client. */
  blocked(): boolean
  /** Everything that has come has been taken. */
  idle(): void
  /** There is room to send again. */
  drained(): void
  closed(): void
}

/**
 * One TCP connection of a HiSLIP client. Frames are taken one a microtask, so that what one of them sets off in the
 * instrument happens before the next.
 */
export class HislipConnection {
  readonly #socket: Socket
  readonly #reader: HislipFrameReader
  #taker: HislipTaker | undefined
  readonly #mostUnreadBytes: number
  #pumping = false
  #hungUp = false

  constructor(socket: Socket, largestPayloadBytes: number) {
    this.#socket = socket
    this.#reader = new HislipFrameReader(largestPayloadBytes)
    this.#mostUnreadBytes = UNREAD_BYTES + largestPayloadBytes
    // 'close' follows and is where the connection ends.
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      if (this.#hungUp) return
      this.#reader.push(bytes)
      if (!this.#pumping) this.pump()
    })
    socket.on('drain', () => {
      this.#taker?.drained()
      this.pump()
    })
    socket.once('close', () => {
      this.#hungUp = true
      this.#taker?.closed()
    })
  }

  set taker(taker: HislipTaker) {
    this.#taker = taker
  }

  /** More frames wait to be taken. */
  get more(): boolean {
    return this.#reader.ready
  }

  get hasRoom(): boolean {
    return !this.#socket.writableNeedDrain
  }

  send(kind: HislipKind, control = 0, parameter = 0, payload?: Uint8Array): void {
    if (!this.#hungUp) this.#socket.write(hislipFrame(kind, control, parameter, payload))
  }

  refuse(code: number, why: string): void {
    this.send('Error', code, 0, Buffer.from(why, 'latin1'))
  }

  /** Says why, and hangs up. */
  fail(code: number, why: string): void {
    this.send('FatalError', code, 0, Buffer.from(why, 'latin1'))
    this.hangUp()
  }

  /** What was sent before still arrives; what comes is thrown away. */
  hangUp(): void {
    this.#hungUp = true
    this.#socket.resume()
    this.#socket.destroySoon()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Takes what has come, as far as it may be taken now. */
  readonly pump = (): void => {
    this.#pumping = false
    if (this.#hungUp || this.#taker === undefined) return
    if (this.#socket.writableLength > this.#mostUnreadBytes || (this.#reader.ready && this.#taker.blocked())) {
      this.#socket.pause()
      return
    }
    const item = this.#reader.next()
    if (item !== undefined) {
      this.#take(this.#taker, item)
      this.#pumping = true
      queueMicrotask(this.pump)
      return
    }
    if (this.#socket.isPaused()) this.#socket.resume()
    this.#taker.idle()
  }

  #take(taker: HislipTaker, item: HislipFrame | HislipOddity): void {
    if ('kind' in item && !('odd' in item)) taker.take(item)
    else if (item.odd === 'malformed') this.fail(FATAL.header, 'poorly formed message header')
    else if (item.odd === 'too-large') this.refuse(REFUSED.tooLarge, `${item.kind} is too large`)
    else if (item.type >= FIRST_VENDOR_TYPE) this.refuse(REFUSED.vendorType, `no vendor message ${item.type}`)
    else this.refuse(REFUSED.type, `no message type ${item.type}`)
  }
}
