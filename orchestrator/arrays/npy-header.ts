import { endianness } from 'node:os'

/** What the head of a `.npy` file says. */
export interface NpyHeader {
  readonly element: NpyElement
  readonly fortranOrder: boolean
  readonly shape: readonly number[]
  /** Where the numbers begin. */
  readonly dataOffset: number
}

/** One element: float, int, unsigned, bool or complex, its width, and whether its low byte comes first. */
export interface NpyElement {
  readonly kind: 'f' | 'i' | 'u' | 'b' | 'c'
  readonly bytes: 1 | 2 | 4 | 8 | 16
  readonly littleEndian: boolean
}

const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59)
const ZIP_MAGIC = Uint8Array.of(0x50, 0x4b)
/** NumPy itself refuses longer ones; a real header of numbers has about 120 bytes. */
export const MAX_HEADER_BYTES = 10_000

/**
 * Reads the head of a `.npy` file. Returns a sentence about what would be right where it cannot.
 *
 * Source: NumPy enhancement proposal 1 and numpy.lib.format: `\x93NUMPY`, version, header length (2 bytes in
 * version 1, 4 in 2 and 3, little-endian), a Python dict of descr, fortran_order and shape, padding, newline.
 */
export function readNpyHeader(bytes: Uint8Array): NpyHeader | string {
  if (startsWith(bytes, ZIP_MAGIC))
    return 'is a .npz archive; save the one array with numpy.save, a sparse one as A.toarray()'
  if (bytes.length === 0) return 'is empty; write it with numpy.save'
  const isNpy = startsWith(bytes, MAGIC.subarray(0, Math.min(bytes.length, MAGIC.length)))
  if (!isNpy) return 'is not a NumPy array file; write it with numpy.save'
  if (bytes.length < 10) return 'is cut short inside its header; copy it again'
  const [major, minor] = [bytes[6]!, bytes[7]!]
  if (major < 1 || major > 3 || minor !== 0) {
    return `has .npy format ${major}.${minor}; formats 1.0, 2.0 and 3.0 are read`
  }
  const lengthBytes = major === 1 ? 2 : 4
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 8 + lengthBytes) return 'is cut short inside its header; copy it again'
  const headerLength = lengthBytes === 2 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (headerLength > MAX_HEADER_BYTES) {
    return `claims a header of ${headerLength} bytes; a header of an array of numbers has about 120`
  }
  const headerStart = 8 + lengthBytes
  const dataOffset = headerStart + headerLength
  if (bytes.length < dataOffset) return 'is cut short inside its header; copy it again'
  // Version 3 says UTF-8, but that matters to field names only, and arrays with fields are refused.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + headerStart, headerLength).toString('latin1')
  const dict = parseHeaderDict(text)
  if (typeof dict === 'string') return dict
  const element = parseElement(dict.descr)
  if (typeof element === 'string') return element
  return { element, fortranOrder: dict.fortranOrder, shape: dict.shape, dataOffset }
}

interface HeaderDict {
  readonly descr: string
  readonly fortranOrder: boolean
  readonly shape: readonly number[]
}

const STRING = /^(?:'([^'\\\n]*)'|"([^"\\\n]*)")/
const DAMAGED = 'has a header that no NumPy writes; save the array again with numpy.save'

/**
 * The header is a Python dict literal with exactly three keys, in any order. This reads that and nothing else
 * of Python.
 */
function parseHeaderDict(text: string): HeaderDict | string {
  let rest = text.trim()
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    const match = pattern.exec(rest)
    if (match === null) return undefined
    rest = rest.slice(match[0].length).trimStart()
    return match
  }
  const found: { descr?: string; fortranOrder?: boolean; shape?: readonly number[] } = {}
  if (take(/^\{/) === undefined) return DAMAGED
  while (take(/^\}/) === undefined) {
    const key = takeString(take)
    if (key === undefined || take(/^:/) === undefined) return DAMAGED
    if (key === 'descr' && found.descr === undefined) {
      if (rest.startsWith('[')) return 'holds records with named fields; select one field and save that array'
      const descr = takeString(take)
      if (descr === undefined) return DAMAGED
      found.descr = descr
    } else if (key === 'fortran_order' && found.fortranOrder === undefined) {
      const flag = take(/^(True|False)\b/)?.[1]
      if (flag === undefined) return DAMAGED
      found.fortranOrder = flag === 'True'
    } else if (key === 'shape' && found.shape === undefined) {
      const shape = takeShape(take)
      if (shape === undefined) return DAMAGED
      found.shape = shape
    } else {
      return DAMAGED
    }
    if (take(/^,/) === undefined && !rest.startsWith('}')) return DAMAGED
  }
  const { descr, fortranOrder, shape } = found
  if (rest !== '' || descr === undefined || fortranOrder === undefined || shape === undefined) return DAMAGED
  return { descr, fortranOrder, shape }
}

type Take = (pattern: RegExp) => RegExpExecArray | undefined

function takeString(take: Take): string | undefined {
  const match = take(STRING)
  return match?.[1] ?? match?.[2]
}

/** `()`, `(3,)`, `(3, 4)`; Python 2 wrote `3L`. */
function takeShape(take: Take): readonly number[] | undefined {
  const inside = take(/^\(([0-9L,\s]*)\)/)?.[1]
  if (inside === undefined) return undefined
  if (inside.trim() === '') return []
  const parts = inside.split(',').map((part) => part.trim())
  if (parts.at(-1) === '') parts.pop()
  else if (parts.length === 1) return undefined
  if (!parts.every((part) => /^\d{1,15}L?$/.test(part))) return undefined
  return parts.map((part) => Number(part.replace('L', '')))
}

/** Types that Fringe writes. */
export type WrittenType = 'float32' | 'float64' | 'complex64' | 'complex128'

const DESCR: Readonly<Record<WrittenType, string>> = {
  float32: '<f4',
  float64: '<f8',
  complex64: '<c8',
  complex128: '<c16',
}

const REAL_NUMBERS = 'give real numbers, for example A.astype("float64")'

const REFUSED: Readonly<Record<string, string>> = {
  O: `holds Python objects; ${REAL_NUMBERS}`,
  S: `holds byte strings; ${REAL_NUMBERS}`,
  a: `holds byte strings; ${REAL_NUMBERS}`,
  U: `holds text; ${REAL_NUMBERS}`,
  V: `holds raw records; ${REAL_NUMBERS}`,
  M: `holds dates; ${REAL_NUMBERS}`,
  m: `holds time spans; ${REAL_NUMBERS}`,
}

const WIDTHS = { f: [2, 4, 8], i: [1, 2, 4, 8], u: [1, 2, 4, 8], b: [1], c: [8, 16] } as const

function parseElement(descr: string): NpyElement | string {
  const [, order = '', kind = '', width = ''] = /^([<>|=]?)([a-zA-Z])(\d*)(?:\[[^\]]*\])?$/.exec(descr) ?? []
  const refused = REFUSED[kind]
  if (refused !== undefined) return refused
  const bytes = Number(width)
  if (!isKind(kind)) {
    return `holds elements of type "${descr.slice(0, 20)}"; ${REAL_NUMBERS}`
  }
  const fits = (WIDTHS[kind] as readonly number[]).includes(bytes)
  if (!fits) return `holds elements of type "${descr}", of ${bytes} bytes; ${REAL_NUMBERS}`
  const littleEndian = order === '=' || order === '' ? endianness() === 'LE' : order !== '>'
  return { kind, bytes: bytes as NpyElement['bytes'], littleEndian }
}

const isKind = (kind: string): kind is NpyElement['kind'] => Object.hasOwn(WIDTHS, kind)

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return bytes.length >= start.length && start.every((byte, index) => bytes[index] === byte)
}

/** Of one number, as a Python literal. */
export const descrOf = (type: WrittenType): string => `'${DESCR[type]}'`

/**
 * Head of a version 1.0 file in C order; the numbers then begin at a multiple of 64. `descr` is a Python literal.
 *
 * Source: numpy.lib.format, ARRAY_ALIGN.
 */
export function encodeNpyHeader(shape: readonly number[], descr = descrOf('float64')): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const dict = `{'descr': ${descr}, 'fortran_order': False, 'shape': ${tuple}, }`
  const padded = 64 * Math.ceil((MAGIC.length + 4 + dict.length + 1) / 64) - MAGIC.length - 4
  const header = new Uint8Array(MAGIC.length + 4 + padded).fill(0x20)
  header.set(MAGIC)
  header.set([1, 0], MAGIC.length)
  new DataView(header.buffer).setUint16(MAGIC.length + 2, padded, true)
  header.set(new TextEncoder().encode(dict), MAGIC.length + 4)
  header[header.length - 1] = 0x0a
  return header
}
