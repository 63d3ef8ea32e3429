/** One request as a server sees it. */
export interface HttpCall {
  readonly method: string
  readonly path: string
  readonly body: string
}

export interface HttpAnswer {
  readonly status: 200 | 400 | 404 | 405 | 411 | 413
  readonly type: 'application/json' | 'text/plain'
  readonly body: string
}

const REASONS: Readonly<Record<HttpAnswer['status'], string>> = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  411: 'Length Required',
  413: 'Content Too Large',
}
const MOST_HEAD_BYTES = 8192
const MOST_BODY_BYTES = 2 ** 22

/**
 * Reads the requests of one connection, one after the other, in whatever pieces they come.
 *
 * A request that cannot be read spoils the connection: what follows is not looked at.
 * Source: RFC 9112 ch. 3 and 6. Chunked requests are not taken: 411.
 */
export class HttpCallReader {
  #bytes = Buffer.alloc(0)
  #spoilt = false

  push(bytes: Uint8Array): void {
    if (!this.#spoilt) this.#bytes = Buffer.concat([this.#bytes, bytes])
  }

  /** The next whole request, or the status that refuses it; undefined while it is incomplete. */
  next(): HttpCall | 400 | 411 | 413 | undefined {
    if (this.#spoilt || this.#bytes.length === 0) return undefined
    const end = this.#bytes.indexOf('\r\n\r\n')
    if ((end < 0 ? this.#bytes.length : end) > MOST_HEAD_BYTES) return this.#spoil(413)
    if (end < 0) return undefined
    const [first = '', ...fields] = this.#bytes.toString('latin1', 0, end).split('\r\n')
    const [, method, path] = /^([A-Z]+) (\/[\x21-\x7e]*) HTTP\/1\.[01]$/.exec(first) ?? []
    if (method === undefined || path === undefined) return this.#spoil(400)
    if (fields.some((field) => /^transfer-encoding:/i.test(field))) return this.#spoil(411)
    const lengths = fields.flatMap((field) => /^content-length:[ \t]*(.*?)[ \t]*$/i.exec(field)?.[1] ?? [])
    if (lengths.length > 1 || !/^\d{0,9}$/.test(lengths[0] ?? '')) return this.#spoil(400)
    const length = Number(lengths[0] ?? 0)
    if (length > MOST_BODY_BYTES) return this.#spoil(413)
    const start = end + 4
    if (this.#bytes.length < start + length) return undefined
    const body = this.#bytes.toString('utf8', start, start + length)
    this.#bytes = this.#bytes.subarray(start + length)
    return { method, path, body }
  }

  #spoil<T>(status: T): T {
    this.#spoilt = true
    this.#bytes = Buffer.alloc(0)
    return status
  }
}

export function httpAnswerBytes({ status, type, body }: HttpAnswer): Uint8Array {
  const head = `HTTP/1.1 ${status} ${REASONS[status]}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`
  return Buffer.from(head + body)
}
