import { MessageRoom } from './message-room.ts'
import { ScpiMessageBuilder } from './scpi-message.ts'
import type { ScpiMessage } from './scpi-message.ts'

export interface ScpiParserOptions {
  /** Longest block that is taken; a longer one is thrown away with -223. Default 256 MiB. */
  readonly maxBlockBytes?: number
  /** Longest text between two separators. Default 16 MiB. */
  readonly maxTextBytes?: number
  /** The wire marks the ends of messages, so that blocks of indefinite length have one. Default false. */
  readonly marksEnds?: boolean
}

const NL = 0x0a
const CR = 0x0d
const TAB = 0x09
const SPACE = 0x20
const DOUBLE_QUOTE = 0x22
const HASH = 0x23
const SINGLE_QUOTE = 0x27
const OPEN = 0x28
const CLOSE = 0x29
const COMMA = 0x2c
const SEMICOLON = 0x3b
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39
const TILDE = 0x7e

const MIB = 2 ** 20
/** Room made in advance for a block that has only been announced: an announcement may be a lie. */
const ROOM_ON_TRUST = 8 * MIB
const NOTHING = Buffer.alloc(0)

type Mode =
  | 'text'
  | 'string'
  | 'hash'
  | 'length'
  | 'payload'
  | 'after-block'
  | 'indefinite'
  | 'skip-payload'
  | 'skip-line'
  | 'skip-message'

/**
 * Program messages out of a stream of bytes in any pieces, the way a SCPI instrument reads them.
 *
 * Each byte is looked at once. Payloads of blocks are views of the received bytes and may hold any byte; those of
 * indefinite length go on to the end of the message.
 * Errors end the message at its line end: -101 invalid character, -102 syntax, -103 separator, -151 string,
 * -160 block without end, -161 block length, -223 block too long, -363 text too long.
 * Source: IEEE 488.2 as summarised in Keysight "B2900 SCPI Command Reference" ch. 1.
 */
export class ScpiParser {
  readonly #limits: Required<ScpiParserOptions>
  /** Received bytes where they lie, or in `#room`. */
  #bytes: Buffer = NOTHING
  /** Memory of our own, for messages that come in pieces. */
  readonly #room = new MessageRoom()
  /** Valid bytes in `#bytes`. */
  #end = 0
  /** Next byte to look at. */
  #at = 0
  #mode: Mode = 'text'
  #fault = 0
  readonly #message = new ScpiMessageBuilder()
  /** Where the header or parameter being read begins. */
  #tokenStart = 0
  /** Nothing but space since `#tokenStart`. */
  #blank = true
  #quote = 0
  #depth = 0
  #lengthDigits = 0
  #blockBytes = 0

  constructor(options: ScpiParserOptions = {}) {
    this.#limits = { maxBlockBytes: 256 * MIB, maxTextBytes: 16 * MIB, marksEnds: false, ...options }
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    if (this.#at === this.#end && this.#tokenStart === this.#at) {
      this.#bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
      this.#at = this.#tokenStart = 0
      this.#end = chunk.length
      return
    }
    this.#makeRoom(chunk.length)
    this.#bytes.set(chunk, this.#end)
    this.#end += chunk.length
  }

  /** The wire says that the message is over: what is left of it once `next` has nothing more. */
  end(): ScpiMessage | undefined {
    switch (this.#mode) {
      case 'text':
        if (this.#blank && this.#message.isEmpty) return undefined
        break
      case 'indefinite': {
        const end = this.#bytes[this.#end - 1] === NL ? this.#end - 1 : this.#end
        this.#takeBlock(Math.max(end, this.#tokenStart))
        this.#tokenStart = this.#end
        break
      }
      case 'after-block':
      case 'skip-line':
      case 'skip-message':
        break
      case 'string':
        this.#fault = -151
        break
      case 'skip-payload':
        this.#fault = -223
        break
      case 'hash':
      case 'length':
      case 'payload':
        this.#fault = -161
        break
    }
    this.#at = this.#end
    if (this.#fault === 0) this.#endUnit(this.#end)
    this.#tokenStart = this.#end
    return this.#endMessage()
  }

  /** Nobody looks at blocks of earlier messages any more: their memory is free for the next. */
  messagesDone(): void {
    if (this.#message.mayHoldBlocks) return
    this.#room.giveBack(this.#bytes)
  }

  /** Forgets what is not yet a message. */
  clear(): void {
    this.#at = this.#tokenStart = this.#end
    this.#endMessage()
  }

  /** The next message whose line end has arrived. */
  next(): ScpiMessage | undefined {
    while (this.#at < this.#end) {
      switch (this.#mode) {
        case 'text':
          if (this.#text()) return this.#endMessage()
          break
        case 'string':
          this.#string()
          break
        case 'hash':
          this.#hash()
          break
        case 'length':
          this.#length()
          break
        case 'payload':
          if (!this.#payload()) return undefined
          break
        case 'after-block':
          this.#afterBlock()
          break
        case 'indefinite':
          this.#indefinite()
          break
        case 'skip-payload':
          this.#skipPayload()
          break
        case 'skip-line':
          if (this.#skipLine()) return this.#endMessage()
          break
        case 'skip-message':
          this.#at = this.#tokenStart = this.#end
          break
      }
    }
    return undefined
  }

  /** True at a line end. */
  #text(): boolean {
    const bytes = this.#bytes
    const end = this.#end
    for (let at = this.#at; at < end; at++) {
      const byte = bytes[at]!
      if (byte > COMMA && byte !== SEMICOLON && byte <= TILDE) {
        // Letters, digits, point, minus, colon, question mark: most of what is sent.
        this.#blank = false
        continue
      }
      switch (byte) {
        case NL:
          this.#at = at + 1
          this.#endUnit(at)
          this.#tokenStart = at + 1
          return true
        case SEMICOLON:
          this.#endUnit(at)
          if (this.#fault !== 0) return this.#leave(at)
          continue
        case COMMA:
          if (this.#depth > 0) break
          if (!this.#message.hasHeader) return this.#fail(-102, at)
          this.#endParameter(at)
          if (this.#fault !== 0) return this.#leave(at)
          continue
        case SPACE:
        case TAB:
        case CR:
          if (this.#blank) {
            if (!this.#message.hasHeader) this.#tokenStart = at + 1
          } else if (!this.#message.hasHeader) this.#endHeader(at)
          continue
        case DOUBLE_QUOTE:
        case SINGLE_QUOTE:
          if (!this.#message.hasHeader) return this.#fail(-101, at)
          this.#quote = byte
          this.#blank = false
          this.#mode = 'string'
          this.#at = at + 1
          return false
        case HASH:
          if (!this.#message.hasHeader || !this.#blank) break
          this.#mode = 'hash'
          this.#at = at + 1
          return false
        case OPEN:
          this.#depth++
          break
        case CLOSE:
          if (this.#depth > 0) this.#depth--
          break
        default:
          if (byte < SPACE || byte > TILDE) return this.#fail(-101, at)
      }
      this.#blank = false
    }
    this.#at = end
    if (end - this.#tokenStart > this.#limits.maxTextBytes) this.#fail(-363, end)
    return false
  }

  #string(): void {
    for (; this.#at < this.#end; this.#at++) {
      const byte = this.#bytes[this.#at]!
      if (byte === this.#quote) {
        this.#at++
        this.#mode = 'text'
        return
      }
      if (byte === NL) return void this.#fail(-151, this.#at)
    }
    if (this.#end - this.#tokenStart > this.#limits.maxTextBytes) this.#fail(-363, this.#end)
  }

  #hash(): void {
    const byte = this.#bytes[this.#at]!
    if (byte < DIGIT_0 || byte > DIGIT_9) {
      // #B, #H and #Q are numbers.
      this.#blank = false
      this.#mode = 'text'
      return
    }
    if (byte === DIGIT_0) {
      // Its end is the end of the message, which a mere stream does not have.
      if (!this.#limits.marksEnds) return void this.#fail(-160, this.#at)
      this.#mode = 'indefinite'
      this.#tokenStart = ++this.#at
      return
    }
    this.#lengthDigits = byte - DIGIT_0
    this.#blockBytes = 0
    this.#mode = 'length'
    this.#at++
  }

  #length(): void {
    const byte = this.#bytes[this.#at]!
    if (byte < DIGIT_0 || byte > DIGIT_9) return void this.#fail(-161, this.#at)
    this.#blockBytes = 10 * this.#blockBytes + byte - DIGIT_0
    this.#at++
    if (--this.#lengthDigits > 0) return
    this.#tokenStart = this.#at
    this.#mode = this.#blockBytes > this.#limits.maxBlockBytes ? 'skip-payload' : 'payload'
  }

  #payload(): boolean {
    const end = this.#tokenStart + this.#blockBytes
    if (end > this.#end) return false
    this.#takeBlock(end)
    this.#at = this.#tokenStart = end
    this.#mode = 'after-block'
    return true
  }

  #takeBlock(end: number): void {
    this.#message.takeBlock(this.#bytes.subarray(this.#tokenStart, end))
    this.#room.lend(this.#bytes)
  }

  #afterBlock(): void {
    const byte = this.#bytes[this.#at]!
    if (byte === SPACE || byte === TAB || byte === CR) {
      this.#at++
    } else if (byte === NL || byte === COMMA || byte === SEMICOLON) {
      this.#mode = 'text'
    } else this.#fail(-103, this.#at)
  }

  #indefinite(): void {
    this.#at = this.#end
    if (this.#end - this.#tokenStart <= this.#limits.maxBlockBytes) return
    this.#fail(-223, this.#end)
    // A line end in the rest of the payload ends nothing.
    this.#mode = 'skip-message'
  }

  #skipPayload(): void {
    const skipped = Math.min(this.#blockBytes, this.#end - this.#at)
    this.#blockBytes -= skipped
    this.#at += skipped
    this.#tokenStart = this.#at
    if (this.#blockBytes === 0) this.#fail(-223, this.#at)
  }

  #skipLine(): boolean {
    const nl = this.#bytes.indexOf(NL, this.#at)
    const found = nl >= 0 && nl < this.#end
    this.#at = this.#tokenStart = found ? nl + 1 : this.#end
    return found
  }

  #endHeader(at: number): void {
    this.#message.beginUnit(this.#bytes.toString('latin1', this.#tokenStart, at))
    this.#tokenStart = at + 1
    this.#blank = true
  }

  #endParameter(at: number): void {
    const text = this.#blank ? '' : this.#bytes.toString('latin1', this.#tokenStart, at).trim()
    if (!this.#message.endParameter(text)) this.#fault = -103
    this.#tokenStart = at + 1
    this.#blank = true
  }

  #endUnit(at: number): void {
    if (!this.#message.hasHeader && !this.#blank) this.#endHeader(at)
    else if (!this.#blank || this.#message.owesParameter) this.#endParameter(at)
    this.#message.endUnit(this.#fault === 0)
    this.#tokenStart = at + 1
    this.#blank = true
    this.#depth = 0
  }

  #fail(fault: number, at: number): false {
    this.#fault = fault
    return this.#leave(at)
  }

  /** Nothing more of this line is believed. */
  #leave(at: number): false {
    this.#mode = 'skip-line'
    this.#at = this.#tokenStart = at
    return false
  }

  #endMessage(): ScpiMessage {
    const message = this.#message.end(this.#fault)
    this.#mode = 'text'
    this.#fault = 0
    this.#blank = true
    this.#depth = 0
    return message
  }

  /** Keeps what is not yet read. */
  #makeRoom(more: number): void {
    const kept = this.#end - this.#tokenStart
    const needed = kept + more
    if (this.#tokenStart + needed <= this.#bytes.length && this.#bytes.length > this.#end) return
    const announced = this.#mode === 'payload' ? this.#blockBytes + 1 : 0
    const wanted = Math.max(
      needed,
      Math.min(announced, needed + ROOM_ON_TRUST),
      this.#mode === 'payload' ? 0 : 2 * kept,
    )
    const rest = this.#bytes.subarray(this.#tokenStart, this.#end)
    this.#bytes = this.#room.hold(rest, needed, Math.max(wanted, announced > wanted ? 2 * kept : 0))
    this.#at -= this.#tokenStart
    this.#end = kept
    this.#tokenStart = 0
  }
}
