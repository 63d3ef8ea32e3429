import { BenchError } from '../../core/errors.ts'

/** What Fringe understands of a DNS message; records of other types are passed over. */
export type DnsRecord =
  | { readonly type: 'PTR'; readonly name: string; readonly target: string }
  | { readonly type: 'SRV'; readonly name: string; readonly target: string; readonly port: number }
  | { readonly type: 'TXT'; readonly name: string; readonly entries: ReadonlyMap<string, string> }
  | { readonly type: 'A'; readonly name: string; readonly address: string }

export interface DnsQuestion {
  readonly name: string
  readonly type: DnsRecord['type']
}

export interface DnsMessage {
  readonly id: number
  readonly isResponse: boolean
  readonly records: readonly DnsRecord[]
}

const TYPES = { A: 1, PTR: 12, TXT: 16, SRV: 33 } as const
const CLASS_IN = 1
/** In a question of multicast DNS: answer me alone. In a record: forget what you knew. */
const TOP_BIT = 0x8000
const RESPONSE = 0x8000
const HEADER_BYTES = 12
const POINTER = 0xc0
const MAX_LABEL_BYTES = 63
const MAX_NAME_BYTES = 255
/** A name of 255 bytes cannot have more parts than this; a chain of pointers that is longer goes nowhere. */
const MAX_POINTERS = 128
/** Longest message of multicast DNS. */
const MAX_MESSAGE_BYTES = 9000

/**
 * A question to a group, answered to the asker alone.
 *
 * Names are written with dots between labels; a dot or backslash that belongs to a label has a backslash in front.
 * Source: RFC 1035 §4.1, RFC 6762 §5.4 (QU bit) and §6.7 (one-shot queries).
 */
export function encodeDnsQuery(id: number, questions: readonly DnsQuestion[]): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(questions.length, 4)
  const asked = questions.map(({ name, type }) => {
    const tail = Buffer.alloc(4)
    tail.writeUInt16BE(TYPES[type], 0)
    tail.writeUInt16BE(CLASS_IN | TOP_BIT, 2)
    return Buffer.concat([encodeName(name), tail])
  })
  return Buffer.concat([header, ...asked])
}

/**
 * Reads a whole message.
 *
 * Throws: PROTOCOL_UNEXPECTED_REPLY with the raw bytes for one that is cut short, longer than multicast DNS allows,
 * or whose names do not end.
 * Source: RFC 1035 §4.1.3 and §4.1.4, RFC 2782 (SRV), RFC 6763 §6 (TXT), RFC 6762 §17 (size).
 */
export function decodeDnsMessage(bytes: Uint8Array): DnsMessage {
  const reader = new DnsReader(bytes)
  const id = reader.word()
  const isResponse = (reader.word() & RESPONSE) !== 0
  const questions = reader.word()
  const records = reader.word() + reader.word() + reader.word()
  for (let at = 0; at < questions; at++) {
    reader.name()
    reader.skip(4)
  }
  const known: DnsRecord[] = []
  for (let at = 0; at < records; at++) {
    const record = reader.record()
    if (record !== undefined) known.push(record)
  }
  return { id, isResponse, records: known }
}

/** The labels of a name, as they are and not as they are written. */
export function dnsLabels(name: string): readonly string[] {
  return [...name.matchAll(/(?:\\.|[^.\\])+/gs)].map(([label]) => label.replaceAll(/\\(.)/gs, '$1'))
}

class DnsReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    if (bytes.length > MAX_MESSAGE_BYTES) throw this.#wrong(`at most ${MAX_MESSAGE_BYTES} bytes`)
  }

  word(): number {
    this.#require(2)
    const value = this.#bytes.readUInt16BE(this.#at)
    this.#at += 2
    return value
  }

  skip(count: number): void {
    this.#require(count)
    this.#at += count
  }

  record(): DnsRecord | undefined {
    const name = this.name()
    const type = this.word()
    this.skip(6)
    const length = this.word()
    this.#require(length)
    const end = this.#at + length
    const record = this.#known(name, type, length, end)
    if (record !== undefined && this.#at !== end) throw this.#wrong('data as long as the record says')
    this.#at = end
    return record
  }

  /** Ends where the written name ends, wherever its pointers lead. */
  name(): string {
    const labels: string[] = []
    let nameBytes = 1
    let after: number | undefined
    for (let pointers = 0; ;) {
      this.#require(1)
      const length = this.#bytes[this.#at]!
      if ((length & POINTER) === POINTER) {
        const here = this.#at
        const target = this.word() & ~(POINTER << 8)
        after ??= this.#at
        // Backwards only, as the standard has it: so no chain of pointers comes round again.
        if (target >= here || ++pointers > MAX_POINTERS) throw this.#wrong('names whose pointers lead backwards')
        this.#at = target
        continue
      }
      if (length > MAX_LABEL_BYTES) throw this.#wrong('labels of at most 63 bytes')
      this.#at++
      if (length === 0) break
      this.#require(length)
      nameBytes += 1 + length
      if (nameBytes > MAX_NAME_BYTES) throw this.#wrong('names of at most 255 bytes')
      labels.push(this.#text(length))
    }
    if (after !== undefined) this.#at = after
    return labels.map((label) => label.replaceAll(/[.\\]/g, '\\$&')).join('.')
  }

  #known(name: string, type: number, length: number, end: number): DnsRecord | undefined {
    switch (type) {
      case TYPES.PTR:
        return { type: 'PTR', name, target: this.name() }
      case TYPES.SRV: {
        this.skip(4)
        const port = this.word()
        return { type: 'SRV', name, port, target: this.name() }
      }
      case TYPES.TXT:
        return { type: 'TXT', name, entries: this.#entries(end) }
      case TYPES.A:
        if (length !== 4) throw this.#wrong('addresses of four bytes')
        this.#at = end
        return { type: 'A', name, address: [...this.#bytes.subarray(end - 4, end)].join('.') }
      default:
        return undefined
    }
  }

  /** `key=value` each; what has no key says nothing, and of two with one key the first counts. */
  #entries(end: number): ReadonlyMap<string, string> {
    const entries = new Map<string, string>()
    while (this.#at < end) {
      const length = this.#bytes[this.#at++]!
      if (this.#at + length > end) throw this.#wrong('text inside its record')
      const [, key, value = ''] = /^([^=]+)=?(.*)$/s.exec(this.#text(length)) ?? []
      if (key !== undefined && !entries.has(key.toLowerCase())) entries.set(key.toLowerCase(), value)
    }
    return entries
  }

  #text(length: number): string {
    const text = this.#bytes.toString('utf8', this.#at, this.#at + length)
    this.#at += length
    return text
  }

  #require(count: number): void {
    if (this.#at + count > this.#bytes.length) throw this.#wrong(`${count} more bytes at ${this.#at}`)
  }

  #wrong(expected: string): BenchError {
    const message = `expected ${expected} in a DNS message of ${this.#bytes.length} bytes`
    return new BenchError('PROTOCOL_UNEXPECTED_REPLY', message, {
      context: { expected, reply: this.#bytes.toString('hex', 0, MAX_MESSAGE_BYTES) },
    })
  }
}

function encodeName(name: string): Uint8Array {
  const labels = dnsLabels(name).map((label) => Buffer.from(label, 'utf8'))
  const encoded = Buffer.concat([...labels.flatMap((label) => [Uint8Array.of(label.length), label]), Uint8Array.of(0)])
  if (encoded.length <= MAX_NAME_BYTES && labels.every(({ length }) => length <= MAX_LABEL_BYTES)) return encoded
  throw new BenchError('CALL_INVALID', `${JSON.stringify(name)} is longer than a DNS name may be`)
}
