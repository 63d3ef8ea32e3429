import { BenchError } from '../../core/errors.ts'
import type { Framer } from './framer.ts'

/** Longest heads, interim replies included; no instrument comes near. */
const LONGEST_HEAD = 16_384
/** Longest body: a profile of 20 THz is a tenth of it. */
const LONGEST_BODY = 2 ** 23
const LONGEST_CHUNK_LINE = 1024
/** Looked through again with each piece that arrives. */
const MOST_CHUNKS = 65_536
const SHOWN_BYTES = 200

const STATUS_LINE = /^HTTP\/1\.[01] ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/
const LENGTH = /^\d{1,10}$/
const CHUNK_SIZE = /^([0-9a-f]{1,8})(?:[ \t]*;[\t\x20-\x7e]*)?$/i
const START = Buffer.from('HTTP/1.')

export interface HttpReply {
  readonly status: number
  readonly body: Uint8Array
}

/**
 * One request, ready for the wire; the far end closes when it has answered.
 *
 * Host is a constant: instruments serve one site only, and the bytes are the same wherever the instrument stands.
 */
export function httpRequest(method: 'GET' | 'POST', path: string, json?: unknown): Uint8Array {
  const body = json === undefined ? '' : JSON.stringify(json)
  const fields = [`${method} ${path} HTTP/1.1`, 'Host: instrument', 'Accept: */*', 'Connection: close']
  if (json !== undefined) fields.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`)
  return Buffer.from(`${fields.join('\r\n')}\r\n\r\n${body}`)
}

/**
 * Cuts one reply: with a length, in chunks, or until the far end closes. Interim replies are passed over.
 *
 * Throws: PROTOCOL_UNEXPECTED_REPLY on anything that is no HTTP/1 reply, and on heads and bodies beyond all measure.
 * Source: RFC 9112 ch. 2 to 7.
 */
export const httpReply: Framer<HttpReply> = (bytes, ended = false) => {
  let start = 0
  for (;;) {
    const head = readHead(bytes, start)
    if (head === undefined) return undefined
    // 100 Continue and its like: the reply itself follows.
    if (head.status >= 200) return readBody(bytes, head, ended)
    start = head.end
  }
}

interface Head {
  readonly status: number
  readonly fields: ReadonlyMap<string, string>
  /** Where the body begins. */
  readonly end: number
}

function readHead(bytes: Uint8Array, start: number): Head | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const beginning = view.subarray(start, start + START.length)
  if (!START.subarray(0, beginning.length).equals(beginning)) throw unexpected('an HTTP/1 reply', view.subarray(start))
  const end = view.indexOf('\r\n\r\n', start)
  if ((end < 0 ? view.length : end) > LONGEST_HEAD) throw unexpected(`a head within ${LONGEST_HEAD} bytes`, bytes)
  if (end < 0) return undefined
  const [statusLine = '', ...lines] = view.toString('latin1', start, end).split('\r\n')
  const status = STATUS_LINE.exec(statusLine)?.[1]
  if (status === undefined) throw unexpected('an HTTP/1 status line', view.subarray(start))
  const fields = new Map<string, string>()
  for (const line of lines) {
    const [, name = '', value = ''] = FIELD.exec(line) ?? []
    if (name === '') throw unexpected('header fields of HTTP/1', bytes)
    const key = name.toLowerCase()
    const earlier = fields.get(key)
    fields.set(key, earlier === undefined ? value : `${earlier}, ${value}`)
  }
  return { status: Number(status), fields, end: end + 4 }
}

function readBody(bytes: Uint8Array, { status, fields, end }: Head, ended: boolean): ReturnType<typeof httpReply> {
  const coding = fields.get('transfer-encoding')?.toLowerCase()
  const written = fields.get('content-length')
  if (coding !== undefined) {
    if (coding !== 'chunked' || written !== undefined) throw unexpected('a body in chunks, or one with a length', bytes)
    const chunked = readChunks(bytes, end)
    return chunked && { message: { status, body: chunked.body }, used: chunked.used }
  }
  if (status === 204 || status === 304) return { message: { status, body: new Uint8Array(0) }, used: end }
  if (written === undefined) {
    if (bytes.length - end > LONGEST_BODY) throw unexpected(`a body within ${LONGEST_BODY} bytes`, bytes)
    return ended ? { message: { status, body: new Uint8Array(bytes.subarray(end)) }, used: bytes.length } : undefined
  }
  const length = LENGTH.test(written) ? Number(written) : Number.NaN
  if (!(length <= LONGEST_BODY)) throw unexpected(`a Content-Length up to ${LONGEST_BODY}`, bytes)
  if (bytes.length < end + length) return undefined
  return { message: { status, body: new Uint8Array(bytes.subarray(end, end + length)) }, used: end + length }
}

function readChunks(bytes: Uint8Array, from: number): { readonly body: Uint8Array; readonly used: number } | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const chunks: Uint8Array[] = []
  let at = from
  let length = 0
  for (;;) {
    const line = readLine(view, at)
    if (line === undefined) return undefined
    const size = CHUNK_SIZE.exec(line.text)?.[1]
    if (size === undefined) throw unexpected('the size of a chunk', view.subarray(at))
    const count = parseInt(size, 16)
    length += count
    if (length > LONGEST_BODY || chunks.length > MOST_CHUNKS)
      throw unexpected(`a body within ${LONGEST_BODY} bytes`, bytes)
    at = line.next
    if (count === 0) break
    if (view.length < at + count + 2) return undefined
    if (view.toString('latin1', at + count, at + count + 2) !== '\r\n')
      throw unexpected('the end of a chunk', view.subarray(at + count))
    chunks.push(view.subarray(at, at + count))
    at += count + 2
  }
  for (const trailer = at; ;) {
    const line = readLine(view, at)
    if (line === undefined) return undefined
    at = line.next
    if (line.text === '') return { body: Buffer.concat(chunks), used: at }
    if (at - trailer > LONGEST_HEAD) throw unexpected('an end of the trailer fields', bytes)
  }
}

function readLine(view: Buffer, at: number): { readonly text: string; readonly next: number } | undefined {
  const end = view.indexOf('\r\n', at)
  if ((end < 0 ? view.length : end) - at > LONGEST_CHUNK_LINE)
    throw unexpected('a line within a chunked body', view.subarray(at))
  return end < 0 ? undefined : { text: view.toString('latin1', at, end), next: end + 2 }
}

function unexpected(expected: string, bytes: Uint8Array): BenchError {
  const reply = Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString('latin1')
  return new BenchError('PROTOCOL_UNEXPECTED_REPLY', `expected ${expected}, got ${JSON.stringify(reply)}`, {
    context: { expected, reply },
  })
}
