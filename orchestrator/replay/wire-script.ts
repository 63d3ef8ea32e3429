import type { WireHead, WireRecord } from '../journal/records.ts'
import { chain, CHAIN_START } from '../journal/wire-chain.ts'

/**
 * Whose turn a record is: `arrival` comes to the program by itself, `deadline` is the end of a wait of the
 * program, `program` waits for the program to do the same again.
 */
export type Turn = 'arrival' | 'deadline' | 'program'

/** Records in memory beyond those that are about to be delivered, so that the program may act several times at once. */
const LOOKAHEAD = 8
/** Consumed records are let go of in pieces. */
const COMPACT_RECORDS = 1024

/** The records of one wire, to be gone through once, in order. */
export class WireScript {
  readonly wire: string
  readonly head: WireHead
  #queue: WireRecord[] = []
  #at = 0
  #crc = CHAIN_START
  #consumed = 0
  #loaded = 0
  /** Place in the queue of the first record at or after `#at` that is not an arrival, as far as looked. */
  #burstEnd = 0
  #exhausted = false

  constructor(wire: string, head: WireHead) {
    this.wire = wire
    this.head = head
  }

  push(record: WireRecord): void {
    this.#queue.push(record)
    this.#loaded++
  }

  /** Nothing more will be pushed. */
  exhaust(): void {
    this.#exhausted = true
  }

  get needsMore(): boolean {
    if (this.#exhausted || this.#loaded >= this.head.records) return false
    return this.burstLength + LOOKAHEAD >= this.#queue.length - this.#at
  }

  get next(): WireRecord | undefined {
    return this.#queue[this.#at]
  }

  /** Number that the next record must have. */
  get nextNumber(): number {
    return this.#consumed + 1
  }

  /** How many records come to the program in one go. */
  get burstLength(): number {
    this.#burstEnd = Math.max(this.#burstEnd, this.#at)
    for (; this.#burstEnd < this.#queue.length; this.#burstEnd++) {
      const record = this.#queue[this.#burstEnd]!
      if (turnOf(record) === 'program' || isSilence(record)) break
    }
    return this.#burstEnd - this.#at
  }

  /** Why the next record is not what was recorded; undefined when it is. */
  get flaw(): string | undefined {
    const record = this.next
    if (record === undefined) return undefined
    if (this.#consumed >= this.head.records) return `the run wrote ${this.head.records} records on this wire`
    if (record.seq !== this.nextNumber) return `record ${this.nextNumber} is missing or out of place`
    const crc = chain(this.#crc, record.direction, record.kept)
    if (crc !== record.crc) return `its checksum is ${hex(record.crc)} and must be ${hex(crc)}: the journal was changed`
    return undefined
  }

  take(): void {
    const record = this.#queue[this.#at]
    if (record === undefined) return
    this.#crc = record.crc
    this.#consumed++
    this.#at++
    if (this.#at < COMPACT_RECORDS) return
    this.#queue = this.#queue.slice(this.#at)
    this.#burstEnd = Math.max(0, this.#burstEnd - this.#at)
    this.#at = 0
  }
}

export function turnOf(record: WireRecord): Turn {
  if (record.direction === 'rx' || isEnd(record)) return 'arrival'
  if (isServiceRequest(record) || statusOf(record) !== undefined) return 'arrival'
  if (record.direction === 'tx') return 'program'
  if (isSilence(record)) return 'deadline'
  if (record.direction !== 'err' || isWord(record, 'aborted')) return 'program'
  return isWord(record, 'timeout') ? 'deadline' : 'arrival'
}

export const isWord = (record: WireRecord, word: string): boolean => wordOf(record) === word

export const isResynchronisation = (record: WireRecord | undefined): boolean =>
  record?.direction === 'ctl' && isWord(record, 'resynchronise')

export const isEnd = (record: WireRecord): boolean => record.direction === 'ctl' && isWord(record, 'end')

export const isServiceRequest = (record: WireRecord): boolean =>
  record.direction === 'ctl' && isWord(record, 'service request')

/** The status byte that a poll brought. */
export function statusOf(record: WireRecord): number | undefined {
  const digits = record.direction === 'ctl' ? /^status (\d{1,3})$/.exec(wordOf(record))?.[1] : undefined
  return digits === undefined ? undefined : Number(digits)
}

const wordOf = (record: WireRecord): string => Buffer.from(record.bytes).toString('latin1')

const isSilence = (record: WireRecord): boolean => record.direction === 'ctl' && isWord(record, 'silence')

const hex = (crc: number): string => (Number.isInteger(crc) ? crc.toString(16).padStart(8, '0') : 'not a number')
