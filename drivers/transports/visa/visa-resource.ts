import { BenchError } from '../../../core/errors.ts'
import type { BenchErrorCode } from '../../../core/errors.ts'
import {
  ATTRIBUTE,
  END_AT_TERMCHAR,
  EVENT_SERVICE_REQUEST,
  EXCLUSIVE_LOCK,
  IMMEDIATE,
  INTERFACE_SERIAL,
  MECHANISM_QUEUE,
  NO_LOCK,
  STATUS,
  TEXT_BYTES,
  TRIGGER_DEFAULT,
} from './visa-constants.ts'
import { codeWhileOpen, codeWhileOpening, textOf, visaError } from './visa-error.ts'
import type { VisaCalls } from './visa-library.ts'

const NEWLINE = 0x0a
const READ_BUFFER_BYTES = 65_536
/** For whatever an instrument does at once, if at all. */
const CONTROL_TIMEOUT_MS = 2_000
const LOCK_SLICE_MS = 100
const LOCK_SLICES = 10

export interface VisaTarget {
  /** As the bench file writes it, for messages. */
  readonly resource: string
  /** As the library knows it. */
  readonly name: string
  /** Whether the instrument is kept from other programs while it is open. */
  readonly lock: boolean
}

/**
 * One resource of a VISA library: each method is one call, which blocks the thread until it returns.
 *
 * Throws: as `visaError` says; TRANSPORT_LOCKED when another holds the instrument.
 */
export class VisaResource {
  readonly #calls: VisaCalls
  readonly #target: VisaTarget
  readonly #buffer = new Uint8Array(READ_BUFFER_BYTES)
  readonly #count = new Uint32Array(1)
  /** Set by the caller, and again whenever the resource is opened anew. */
  readonly #settings = new Map<number, number>()
  #manager = 0
  #session = 0
  /** Messages that end; else a stream of bytes, from a serial port or a socket. */
  #kind: 'messages' | 'serial' | 'socket' = 'messages'
  #watching = false
  /** As the library has them now. */
  #timeoutMs: number | undefined
  #marksEnd: boolean | undefined

  constructor(calls: VisaCalls, target: VisaTarget) {
    this.#calls = calls
    this.#target = target
  }

  get kind(): 'messages' | 'serial' | 'socket' {
    return this.#kind
  }

  get resource(): string {
    return this.#target.resource
  }

  /** Leaves: nothing open when it throws. */
  open(): void {
    const handle = new Uint32Array(1)
    try {
      this.#require('viOpenDefaultRM', this.#calls.viOpenDefaultRM(handle), codeWhileOpening)
      this.#manager = handle[0]!
      const opened = this.#calls.viOpen(this.#manager, this.#target.name, NO_LOCK, CONTROL_TIMEOUT_MS, handle)
      this.#require('viOpen', opened, codeWhileOpening)
      this.#session = handle[0]!
      if (this.#target.lock) this.#lock()
      this.#configure()
      if (this.#watching) this.watchServiceRequests()
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Says nothing of failures: what is closed is often gone. */
  close(): void {
    const [session, manager] = [this.#session, this.#manager]
    this.#session = this.#manager = 0
    this.#timeoutMs = this.#marksEnd = undefined
    if (session !== 0) {
      if (this.#watching) {
        this.#calls.viDisableEvent(session, EVENT_SERVICE_REQUEST, MECHANISM_QUEUE)
        this.#calls.viDiscardEvents(session, EVENT_SERVICE_REQUEST, MECHANISM_QUEUE)
      }
      if (this.#target.lock) this.#calls.viUnlock(session)
      this.#calls.viClose(session)
    }
    if (manager !== 0) this.#calls.viClose(manager)
  }

  /** What came within the time, and whether it ended a message; bytes that came before the time was up count. */
  read(timeoutMs: number): { readonly bytes: Uint8Array; readonly ended: boolean } {
    this.#setTimeout(timeoutMs)
    this.#count[0] = 0
    const status = this.#calls.viRead(this.#session, this.#buffer, this.#buffer.length, this.#count)
    if (status !== STATUS.TMO) this.#require('viRead', status)
    // Where a message marks its end, a termination character does so only if the caller enabled it.
    const atEnd = status >= 0 && status !== STATUS.MAX_CNT
    return { bytes: this.#buffer.slice(0, this.#count[0]), ended: atEnd && this.#kind === 'messages' }
  }

  /** False when the instrument took nothing within the time: then it may be tried again. */
  write(piece: Uint8Array, last: boolean, timeoutMs: number): boolean {
    if (this.#marksEnd !== last && this.#kind === 'messages') {
      const marked = this.#calls.viSetAttribute(this.#session, ATTRIBUTE.SEND_END_EN, last ? 1 : 0)
      this.#require('viSetAttribute', marked)
      this.#marksEnd = last
    }
    this.#setTimeout(timeoutMs)
    this.#count[0] = 0
    const status = this.#calls.viWrite(this.#session, piece, piece.length, this.#count)
    if (status === STATUS.TMO && this.#count[0] === 0) return false
    this.#require('viWrite', status)
    return true
  }

  clear(): void {
    this.#setTimeout(CONTROL_TIMEOUT_MS)
    this.#require('viClear', this.#calls.viClear(this.#session))
  }

  readStatusByte(): number {
    const status = new Uint16Array(1)
    this.#setTimeout(CONTROL_TIMEOUT_MS)
    this.#require('viReadSTB', this.#calls.viReadSTB(this.#session, status))
    // The upper byte is not the instrument's.
    return status[0]! & 0xff
  }

  trigger(): void {
    this.#setTimeout(CONTROL_TIMEOUT_MS)
    this.#require('viAssertTrigger', this.#calls.viAssertTrigger(this.#session, TRIGGER_DEFAULT))
  }

  watchServiceRequests(): void {
    const enabled = this.#calls.viEnableEvent(this.#session, EVENT_SERVICE_REQUEST, MECHANISM_QUEUE, 0)
    this.#require('viEnableEvent', enabled)
    this.#watching = true
  }

  /** Whether a service request waited in the queue; never blocks. */
  takeServiceRequest(): boolean {
    const [type, context] = [new Uint32Array(1), new Uint32Array(1)]
    const status = this.#calls.viWaitOnEvent(this.#session, EVENT_SERVICE_REQUEST, IMMEDIATE, type, context)
    if (status === STATUS.TMO) return false
    this.#require('viWaitOnEvent', status)
    this.#calls.viClose(context[0]!)
    return true
  }

  getNumber(attribute: number): number {
    // Wide enough for every number, and zero where a narrower one leaves it.
    return new DataView(this.#attribute(attribute, codeWhileOpen).buffer).getUint32(0, true)
  }

  getText(attribute: number): string {
    return textOf(this.#attribute(attribute, codeWhileOpen))
  }

  setNumber(attribute: number, value: number): void {
    this.#require('viSetAttribute', this.#calls.viSetAttribute(this.#session, attribute, value))
    this.#settings.set(attribute, value)
  }

  #lock(): void {
    for (let slice = 0; slice < LOCK_SLICES; slice++) {
      const status = this.#calls.viLock(this.#session, EXCLUSIVE_LOCK, LOCK_SLICE_MS, null, null)
      if (status >= 0) return
      if (status !== STATUS.TMO && status !== STATUS.RSRC_LOCKED) this.#require('viLock', status, codeWhileOpening)
    }
    throw new BenchError('TRANSPORT_LOCKED', `${this.resource}: another program holds the instrument`, {
      context: { resource: this.resource },
    })
  }

  #configure(): void {
    const interfaceType = new DataView(this.#attribute(ATTRIBUTE.INTF_TYPE, codeWhileOpening).buffer).getUint16(0, true)
    const resourceClass = textOf(this.#attribute(ATTRIBUTE.RSRC_CLASS, codeWhileOpening))
    if (interfaceType === INTERFACE_SERIAL) this.#kind = 'serial'
    else this.#kind = resourceClass === 'SOCKET' ? 'socket' : 'messages'
    const stream = this.#kind !== 'messages'
    // On a stream a line end is where a read may stop; in a message it is a byte like others.
    const settings = new Map<number, number>([
      [ATTRIBUTE.TERMCHAR, NEWLINE],
      [ATTRIBUTE.TERMCHAR_EN, stream ? 1 : 0],
      ...(this.#kind === 'serial' ? [[ATTRIBUTE.ASRL_END_IN, END_AT_TERMCHAR] as const] : []),
      ...this.#settings,
    ])
    for (const [attribute, value] of settings) {
      const set = this.#calls.viSetAttribute(this.#session, attribute, value)
      // What has no termination character cannot stop at one.
      if (set !== STATUS.NSUP_ATTR) this.#require('viSetAttribute', set, codeWhileOpening)
    }
  }

  #attribute(attribute: number, codeOf: (status: number) => BenchErrorCode): Uint8Array {
    const value = new Uint8Array(TEXT_BYTES)
    this.#require('viGetAttribute', this.#calls.viGetAttribute(this.#session, attribute, value), codeOf)
    return value
  }

  #setTimeout(timeoutMs: number): void {
    if (timeoutMs === this.#timeoutMs) return
    this.#require('viSetAttribute', this.#calls.viSetAttribute(this.#session, ATTRIBUTE.TMO_VALUE, timeoutMs))
    this.#timeoutMs = timeoutMs
  }

  /** Some successes are not 0, so that only the sign tells. */
  #require(call: keyof VisaCalls, status: number, codeOf = codeWhileOpen): void {
    if (status >= 0) return
    const object = this.#session === 0 ? this.#manager : this.#session
    throw visaError(this.#calls, { code: codeOf(status), resource: this.resource, call, status, object })
  }
}
