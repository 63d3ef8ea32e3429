import { NSUP_OPER, SUCCESS } from './visa-far-end.ts'
import type { VisaFarEnd } from './visa-far-end.ts'

const RSRC_LOCKED = 0xbfff000f
const RSRC_NFOUND = 0xbfff0011
const TMO = 0xbfff0015
const NSUP_ATTR = 0xbfff001d
const CONN_LOST = 0xbfff00a6

const TERMCHAR = 0x3fff0018
const TMO_VALUE = 0x3fff001a
const SEND_END_EN = 0x3fff0016
const TERMCHAR_EN = 0x3fff0038
const BAUD = 0x3fff0021
const ASRL_END_IN = 0x3fff00b3
const INTF_TYPE = 0x3fff0171
const RSRC_CLASS = 0xbfff0001
const RSRC_MANF_NAME = 0xbfff0174
/** How many bytes the library writes for each number. */
const WIDTHS: Readonly<Record<number, number>> = {
  [TERMCHAR]: 1,
  [SEND_END_EN]: 2,
  [TERMCHAR_EN]: 2,
  [INTF_TYPE]: 2,
  [ASRL_END_IN]: 2,
  [TMO_VALUE]: 4,
  [BAUD]: 4,
}

export interface VisaCall {
  readonly call: string
  /** Name of the resource. */
  readonly name: string
  readonly number: number
  readonly state: number
  readonly bytes: Uint8Array
}

export interface Answer {
  readonly status: number
  readonly number?: number
  readonly bytes?: Uint8Array
}

/** What a session sees of the others and of what is plugged in. */
export interface VisaBench {
  readonly names: readonly string[]
  farEnd(name: string): VisaFarEnd | undefined
  /** Who has a resource locked. */
  readonly holders: Map<string, Session>
}

/** One session of the test library, or one search. */
export class Session {
  name = ''
  readonly #bench: VisaBench
  readonly #attributes = new Map<number, number>([
    [TMO_VALUE, 2000],
    [TERMCHAR, 0x0a],
    [TERMCHAR_EN, 0],
    [SEND_END_EN, 1],
  ])
  #far: VisaFarEnd | undefined
  #found: string[] = []
  #serviceRequests: number | undefined

  constructor(bench: VisaBench) {
    this.#bench = bench
  }

  async perform({ call, number, state, bytes }: Omit<VisaCall, 'name'>): Promise<Answer> {
    switch (call) {
      case 'viOpen':
        return this.#open(Buffer.from(bytes).toString('latin1'))
      case 'viFindRsrc':
        this.#found = [...this.#bench.names]
        return this.#found.length === 0 ? { status: RSRC_NFOUND } : this.#nextName(this.#found.length)
      case 'viFindNext':
        return this.#nextName(0)
      case 'viClose':
        return { status: SUCCESS }
      case 'viGetAttribute':
        return this.#attribute(number)
      case 'viSetAttribute':
        if (!this.#attributes.has(number)) return { status: NSUP_ATTR }
        this.#attributes.set(number, state)
        return { status: SUCCESS }
      case 'viLock':
        return this.#lock(state)
      case 'viUnlock':
        if (this.#bench.holders.get(this.name) === this) this.#bench.holders.delete(this.name)
        return { status: SUCCESS }
    }
    const holder = this.#bench.holders.get(this.name)
    if (holder !== undefined && holder !== this) return { status: RSRC_LOCKED }
    const far = this.#far
    if (far === undefined) return { status: CONN_LOST }
    switch (call) {
      case 'viRead':
        return this.#read(far, number)
      case 'viWrite':
        far.write(bytes, this.#attributes.get(SEND_END_EN) === 1)
        return { status: SUCCESS, number: bytes.length }
      case 'viClear':
        return { status: far.clear() }
      case 'viAssertTrigger':
        return { status: far.trigger() }
      case 'viReadSTB': {
        const byte = far.poll()
        return byte === undefined ? { status: NSUP_OPER } : { status: SUCCESS, number: byte | 0xab00 }
      }
      case 'viEnableEvent':
        this.#serviceRequests = 0
        return { status: SUCCESS }
      case 'viWaitOnEvent':
        if (this.#serviceRequests === undefined || this.#serviceRequests === 0) return { status: TMO }
        this.#serviceRequests--
        return { status: SUCCESS }
      default:
        this.#serviceRequests = undefined
        return { status: SUCCESS }
    }
  }

  end(): void {
    this.#far?.close()
    this.#far = undefined
    if (this.#bench.holders.get(this.name) === this) this.#bench.holders.delete(this.name)
  }

  #open(name: string): Answer {
    this.name = name
    this.#far = this.#bench.farEnd(name)
    if (this.#far === undefined) return { status: RSRC_NFOUND }
    if (this.#far.interfaceType === 4)
      for (const [id, value] of [
        [BAUD, 9600],
        [ASRL_END_IN, 0],
      ] as const)
        this.#attributes.set(id, value)
    this.#far.serviceRequest = () => {
      if (this.#serviceRequests !== undefined) this.#serviceRequests++
    }
    return { status: SUCCESS }
  }

  #nextName(number: number): Answer {
    const name = this.#found.shift()
    return name === undefined
      ? { status: RSRC_NFOUND }
      : { status: SUCCESS, number, bytes: Buffer.from(name, 'latin1') }
  }

  #attribute(id: number): Answer {
    if (id === RSRC_CLASS) return { status: SUCCESS, bytes: Buffer.from(`${this.#far?.resourceClass ?? ''}\0`) }
    if (id === RSRC_MANF_NAME) return { status: SUCCESS, bytes: Buffer.from('Fringe tests\0') }
    const value = id === INTF_TYPE ? this.#far?.interfaceType : this.#attributes.get(id)
    if (value === undefined) return { status: NSUP_ATTR }
    const bytes = Buffer.alloc(WIDTHS[id]!)
    bytes.writeUIntLE(value, 0, bytes.length)
    return { status: SUCCESS, bytes }
  }

  async #lock(timeoutMs: number): Promise<Answer> {
    const holder = this.#bench.holders.get(this.name)
    if (holder === undefined || holder === this) {
      this.#bench.holders.set(this.name, this)
      return { status: SUCCESS }
    }
    await new Promise((resolve) => setTimeout(resolve, timeoutMs))
    return { status: TMO }
  }

  async #read(far: VisaFarEnd, room: number): Promise<Answer> {
    const termChar = this.#attributes.get(TERMCHAR_EN) === 1 ? this.#attributes.get(TERMCHAR) : undefined
    return new Promise((resolve) => {
      const settle = (answer: Answer): void => {
        clearTimeout(timer)
        far.readable = () => undefined
        resolve(answer)
      }
      const timer = setTimeout(() => {
        const bytes = far.rest(room)
        settle({ status: TMO, number: bytes.length, bytes })
      }, this.#attributes.get(TMO_VALUE))
      far.readable = () => {
        const read = far.read(room, termChar)
        if (read !== undefined) settle({ status: read.status, number: read.bytes.length, bytes: read.bytes })
      }
      far.readable()
    })
  }
}
