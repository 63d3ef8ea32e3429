/** DNS as a device that announces itself needs it: questions in, answers out. */

export interface AskedQuestion {
  /** Labels, as they are. */
  readonly name: readonly string[]
  readonly type: number
  /** To the asker alone, not to the group. */
  readonly unicast: boolean
}

export interface DnsQuery {
  readonly id: number
  readonly questions: readonly AskedQuestion[]
}

export type DnsAnswer = { readonly name: readonly string[]; readonly ttlS: number } & (
  | { readonly type: 'PTR'; readonly target: readonly string[] }
  | { readonly type: 'SRV'; readonly target: readonly string[]; readonly port: number }
  | { readonly type: 'TXT'; readonly entries: readonly string[] }
  | { readonly type: 'A'; readonly address: string }
)

export const DNS_TYPES = { A: 1, PTR: 12, TXT: 16, SRV: 33, ANY: 255 } as const

const CLASS_IN = 1
const TOP_BIT = 0x8000
/** Response, authoritative. */
const ANSWER_FLAGS = 0x8400
const HEADER_BYTES = 12
const LONGEST_NAME = 255
const LONGEST_LABEL = 63
/** As much as 14 bits can point to. */
const POINTER_LIMIT = 0x4000

/** Undefined for whatever is not a well-formed query. Source: RFC 1035 §4.1, RFC 6762 §5.4. */
export function readDnsQuery(bytes: Uint8Array): DnsQuery | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.length < HEADER_BYTES || view.readUInt16BE(2) >> 11 !== 0) return undefined
  const questions: AskedQuestion[] = []
  let at = HEADER_BYTES
  for (let count = view.readUInt16BE(4); count > 0; count--) {
    const name = readName(view, at)
    if (name === undefined || name.end + 4 > view.length) return undefined
    const questionClass = view.readUInt16BE(name.end + 2)
    questions.push({
      name: name.labels,
      type: view.readUInt16BE(name.end),
      unicast: (questionClass & TOP_BIT) !== 0,
    })
    at = name.end + 4
  }
  return { id: view.readUInt16BE(0), questions }
}

/** Names that came before are pointed to. `echoed` are the questions, repeated for askers who want that. */
export function writeDnsAnswer(
  id: number,
  echoed: readonly AskedQuestion[],
  answers: readonly DnsAnswer[],
  additional: readonly DnsAnswer[],
): Uint8Array {
  const writer = new DnsWriter()
  for (const word of [id, ANSWER_FLAGS, echoed.length, answers.length, 0, additional.length]) writer.word(word)
  for (const { name, type } of echoed) {
    writer.name(name)
    writer.word(type)
    writer.word(CLASS_IN)
  }
  for (const answer of [...answers, ...additional]) writer.answer(answer)
  return writer.bytes()
}

class DnsWriter {
  readonly #bytes: number[] = []
  readonly #names = new Map<string, number>()

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }

  word(value: number): void {
    this.#bytes.push((value >> 8) & 0xff, value & 0xff)
  }

  name(labels: readonly string[]): void {
    for (let at = 0; at < labels.length; at++) {
      const rest = JSON.stringify(labels.slice(at)).toLowerCase()
      const known = this.#names.get(rest)
      if (known !== undefined) return this.word(0xc000 | known)
      if (this.#bytes.length < POINTER_LIMIT) this.#names.set(rest, this.#bytes.length)
      this.#text(labels[at]!)
    }
    this.#bytes.push(0)
  }

  answer(answer: DnsAnswer): void {
    this.name(answer.name)
    this.word(DNS_TYPES[answer.type])
    this.word(CLASS_IN)
    this.word(answer.ttlS >>> 16)
    this.word(answer.ttlS)
    const lengthAt = this.#bytes.length
    this.word(0)
    this.#data(answer)
    const length = this.#bytes.length - lengthAt - 2
    this.#bytes[lengthAt] = length >> 8
    this.#bytes[lengthAt + 1] = length & 0xff
  }

  #data(answer: DnsAnswer): void {
    switch (answer.type) {
      case 'PTR':
        return this.name(answer.target)
      case 'SRV':
        // Priority and weight: there is one of each.
        for (const word of [0, 0, answer.port]) this.word(word)
        return this.name(answer.target)
      case 'TXT':
        // A record without text is one empty text.
        for (const entry of answer.entries.length === 0 ? [''] : answer.entries) this.#text(entry)
        return
      case 'A':
        this.#bytes.push(...answer.address.split('.').map(Number))
        return
    }
  }

  #text(text: string): void {
    const bytes = Buffer.from(text, 'utf8')
    this.#bytes.push(bytes.length, ...bytes)
  }
}

function readName(
  view: Buffer,
  start: number,
): { readonly labels: readonly string[]; readonly end: number } | undefined {
  const labels: string[] = []
  let at = start
  let end: number | undefined
  for (let used = 1, lowest = start; ;) {
    const length = view[at]
    if (length === undefined) return undefined
    if (length === 0) return { labels, end: end ?? at + 1 }
    if (length >= 0xc0) {
      const low = view[at + 1]
      const target = ((length & 0x3f) << 8) | (low ?? 0)
      // Each jump goes below all earlier ones, so there are not endlessly many.
      if (low === undefined || target >= lowest) return undefined
      end ??= at + 2
      lowest = target
      at = target
      continue
    }
    used += 1 + length
    if (length > LONGEST_LABEL || used > LONGEST_NAME || at + 1 + length > view.length) return undefined
    labels.push(view.toString('utf8', at + 1, at + 1 + length))
    at += 1 + length
  }
}
