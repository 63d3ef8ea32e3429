import type { MessageInstrument, MessageSession } from '../../../sim/ports/message-instrument.ts'
import type { WireConnection, WireInstrument } from '../../../sim/ports/wire-instrument.ts'

export const SUCCESS = 0
export const TERM_CHAR = 0x3fff0005
export const MAX_CNT = 0x3fff0006
export const NSUP_OPER = 0xbfff0067

/** What one session of the test library is connected to. */
export interface VisaFarEnd {
  readonly interfaceType: number
  readonly resourceClass: string
  /** Runs when there may be more to read. */
  readable: () => void
  serviceRequest: () => void
  write(bytes: Uint8Array, end: boolean): void
  /** What can be read now, or undefined; `termChar` is set where a read ends at that byte. */
  read(room: number, termChar: number | undefined): { readonly bytes: Uint8Array; readonly status: number } | undefined
  /** What came of a read that timed out. */
  rest(room: number): Uint8Array
  /** Each returns a status. */
  clear(): number
  trigger(): number
  poll(): number | undefined
  close(): void
}

/** GPIB, USB, VXI-11: messages that end. */
export class MessageFarEnd implements VisaFarEnd {
  readonly interfaceType: number
  readonly resourceClass = 'INSTR'
  readable = (): void => undefined
  serviceRequest = (): void => undefined
  readonly #session: MessageSession

  constructor(instrument: MessageInstrument, interfaceType: number) {
    this.interfaceType = interfaceType
    this.#session = instrument.open({
      onAnswer: () => this.readable(),
      onInterrupted: () => undefined,
      onServiceRequest: () => this.serviceRequest(),
    })
  }

  write(bytes: Uint8Array, end: boolean): void {
    this.#session.receive(bytes, end)
  }

  read(room: number): { bytes: Uint8Array; status: number } | undefined {
    const read = this.#session.read(room)
    return read === undefined ? undefined : { bytes: read.bytes, status: read.end ? SUCCESS : MAX_CNT }
  }

  rest(): Uint8Array {
    return new Uint8Array(0)
  }

  clear(): number {
    this.#session.clear()
    return SUCCESS
  }

  trigger(): number {
    this.#session.trigger()
    return SUCCESS
  }

  poll(): number {
    return this.#session.poll()
  }

  close(): void {
    this.#session.close()
  }
}

/** Sockets and serial ports: bytes without ends. */
export class StreamFarEnd implements VisaFarEnd {
  readonly interfaceType: number
  readonly resourceClass: string
  readable = (): void => undefined
  serviceRequest = (): void => undefined
  readonly #connection: WireConnection
  #arrived = Buffer.alloc(0)

  constructor(instrument: WireInstrument, kind: 'serial' | 'socket') {
    this.interfaceType = kind === 'serial' ? 4 : 6
    this.resourceClass = kind === 'serial' ? 'INSTR' : 'SOCKET'
    this.#connection = instrument.attach((bytes) => {
      this.#arrived = Buffer.concat([this.#arrived, bytes])
      this.readable()
    })
  }

  write(bytes: Uint8Array): void {
    this.#connection.receive(bytes)
  }

  read(room: number, termChar: number | undefined): { bytes: Uint8Array; status: number } | undefined {
    const end = termChar === undefined ? -1 : this.#arrived.subarray(0, room).indexOf(termChar)
    if (end >= 0) return { bytes: this.#take(end + 1), status: TERM_CHAR }
    return this.#arrived.length < room ? undefined : { bytes: this.#take(room), status: MAX_CNT }
  }

  rest(room: number): Uint8Array {
    return this.#take(room)
  }

  clear(): number {
    this.#arrived = Buffer.alloc(0)
    return SUCCESS
  }

  trigger(): number {
    return NSUP_OPER
  }

  poll(): undefined {
    return undefined
  }

  close(): void {
    this.#connection.detach()
  }

  #take(length: number): Uint8Array {
    const taken = this.#arrived.subarray(0, length)
    this.#arrived = this.#arrived.subarray(length)
    return taken
  }
}
