/**
 * What a chain of Qontrol modules understands: ASCII lines and binary frames, in one stream.
 *
 * Source: takeqontrol/api, qontrol.py 1.1.20 (frames, codes) and the traffic recorded in its progs/ folder.
 */

export interface ModuleCommand {
  /** Upper case: V, VALL, VVEC, ID… */
  readonly name: string
  /** Counted along the chain; undefined where none was written. */
  readonly channel: number | undefined
  readonly action: 'set' | 'get'
  /** Numbers of a setting; NaN for what is no number. */
  readonly values: readonly number[]
  /** ASCII carries volts and milliamperes, binary frames carry 16-bit words of full scale. */
  readonly scale: 'units' | 'words'
}

/** Bytes that are no command, as the module reports them. */
export interface Refusal {
  readonly code: number
  readonly detail: number
}

export type Heard =
  | { readonly kind: 'command'; readonly command: ModuleCommand }
  | { readonly kind: 'refusal'; readonly refusal: Refusal }

/** A line of 86 bytes was seen to overflow; where the limit lies below that is an assumption. */
const LINE_LIMIT = 85
const LF = 0x0a

const NAMES = new Map<number, string>([
  [0x00, 'V'],
  [0x01, 'I'],
  [0x02, 'VMAX'],
  [0x03, 'IMAX'],
  [0x04, 'VCAL'],
  [0x05, 'ICAL'],
  [0x06, 'VERR'],
  [0x07, 'IERR'],
  [0x0a, 'VIP'],
  [0x0b, 'SR'],
  [0x0c, 'PDI'],
  [0x0d, 'PDP'],
  [0x0e, 'PDR'],
  [0x0f, 'GAIN'],
  [0x20, 'VFULL'],
  [0x21, 'IFULL'],
  [0x22, 'NCHAN'],
  [0x23, 'FIRMWARE'],
  [0x24, 'ID'],
  [0x25, 'LIFETIME'],
  [0x26, 'NVM'],
  [0x27, 'LOG'],
  [0x28, 'QUIET'],
  [0x31, 'LED'],
  [0x32, 'NUP'],
  [0x33, 'ADCT'],
  [0x34, 'ADCN'],
  [0x35, 'CCFN'],
  [0x36, 'INTEST'],
  [0x37, 'OK'],
  [0x38, 'DIGSUP'],
  [0x41, 'HELP'],
  [0x42, 'SAFE'],
  [0x43, 'ROCOM'],
])

/** Names the module knows, whether or not the simulated one does anything for them. */
export const isKnownName = (name: string): boolean => [...NAMES.values()].includes(name)

const HEADER = { broadcast: 0x40, allChannels: 0x20, byModule: 0x10, read: 0x08, act: 0x04, extended: 0x02 } as const

const FORBIDDEN: Refusal = { code: 13, detail: 0 }
const OVERFLOW: readonly Refusal[] = [
  { code: 14, detail: 0 },
  { code: 15, detail: 0 },
]
const PARITY: Refusal = { code: 15, detail: 1 }
const UNKNOWN: Refusal = { code: 10, detail: 2 }
const NAMELESS: Refusal = { code: 10, detail: 1 }

/** Assumption: a binary frame whose rest does not follow within this time is dropped. */
const FRAME_PATIENCE_NS = 20e6

/** Cuts one client's stream into commands. */
export class CommandReader {
  #bytes = new Uint8Array(0)
  #lastNs = 0

  push(bytes: Uint8Array, nowNs: number): readonly Heard[] {
    const halfFrame = (this.#bytes[0] ?? 0) >= 0x80
    if (halfFrame && nowNs - this.#lastNs > FRAME_PATIENCE_NS) this.#bytes = new Uint8Array(0)
    this.#lastNs = nowNs
    const joined = new Uint8Array(this.#bytes.length + bytes.length)
    joined.set(this.#bytes)
    joined.set(bytes, this.#bytes.length)
    const heard: Heard[] = []
    let at = 0
    for (;;) {
      const rest = joined.subarray(at)
      const taken = (rest[0] ?? 0) >= 0x80 ? takeFrame(rest) : takeLine(rest)
      if (taken === undefined) break
      heard.push(...taken.heard)
      at += taken.used
    }
    this.#bytes = joined.slice(at)
    return heard
  }
}

interface Taken {
  readonly heard: readonly Heard[]
  readonly used: number
}

const command = (value: ModuleCommand): Heard => ({ kind: 'command', command: value })
const refusal = (value: Refusal): Heard => ({ kind: 'refusal', refusal: value })

function takeLine(bytes: Uint8Array): Taken | undefined {
  const end = bytes.indexOf(LF)
  if (end < 0) return undefined
  const used = end + 1
  if (used > LINE_LIMIT) return { heard: OVERFLOW.map(refusal), used }
  return { heard: [parseLine(Buffer.from(bytes.subarray(0, end)).toString('latin1'))], used }
}

function parseLine(line: string): Heard {
  const found = /^([a-z]*)(\d*)([=?])([^\r]*)\r?$/i.exec(line)
  if (found === null) return refusal(UNKNOWN)
  const [, name = '', channel = '', operator = '', rest = ''] = found
  if (name === '') return refusal(NAMELESS)
  return command({
    name: name.toUpperCase(),
    channel: channel === '' ? undefined : Number(channel),
    action: operator === '?' ? 'get' : 'set',
    values: operator === '?' ? [] : rest.split(',').map(parseNumber),
    scale: 'units',
  })
}

const parseNumber = (text: string): number => (/^\s*[+-]?\d+(\.\d*)?\s*$/.test(text) ? Number(text) : NaN)

/** header, code, three bytes of address, one word; or, extended, a count and as many words. */
function takeFrame(bytes: Uint8Array): Taken | undefined {
  const [header = 0, code = 0, , high = 0, low = 0] = bytes
  if (bytes.length < 7) return undefined
  const extended = (header & HEADER.extended) !== 0
  const count = extended ? word(bytes, 5) : 1
  const used = extended ? 7 + 2 * count : 7
  if (bytes.length < used) return undefined
  const refuse = (value: Refusal): Taken => ({ heard: [refusal(value)], used })
  if (!evenParity(header)) return refuse(PARITY)
  // Addressing by serial number, to all modules at once and actions are not simulated.
  if ((header & (HEADER.broadcast | HEADER.byModule | HEADER.act)) !== 0) return refuse(FORBIDDEN)
  const name = NAMES.get(code)
  if (name === undefined) return refuse({ code: 10, detail: 0 })
  const all = (header & HEADER.allChannels) !== 0
  const read = (header & HEADER.read) !== 0
  const heard = command({
    name: all && ['V', 'I', 'VIP', 'NUP'].includes(name) ? `${name}ALL` : name,
    channel: all ? undefined : high * 256 + low,
    action: read ? 'get' : 'set',
    values: read ? [] : Array.from({ length: count }, (_, index) => word(bytes, (extended ? 7 : 5) + 2 * index)),
    scale: 'words',
  })
  return { heard: [heard], used }
}

const word = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)

function evenParity(byte: number): boolean {
  let ones = 0
  for (let bit = 0; bit < 8; bit++) ones += (byte >> bit) & 1
  return ones % 2 === 0
}
