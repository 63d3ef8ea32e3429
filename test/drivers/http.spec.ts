import { createServer as createHttpServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isBenchError } from '../../core/errors.ts'
import { httpReply, httpRequest } from '../../drivers/protocols/http.ts'
import { HttpTransport } from '../../drivers/transports/http.ts'
import { WireSession } from '../../drivers/transports/session.ts'
import { HttpCallReader, httpAnswerBytes } from '../../sim/protocols/http.ts'
import { bytesOf, latin1 } from '../support/manual-transport.ts'

const forever = (): AbortSignal => new AbortController().signal
const NEVER_MS = 3_600_000
const UNEXPECTED = { code: 'PROTOCOL_UNEXPECTED_REPLY' }

const read = (text: string, ended = false) => {
  const framed = httpReply(bytesOf(text), ended)
  return framed && { status: framed.message.status, body: latin1(framed.message.body), used: framed.used }
}

describe('HTTP replies', () => {
  test('have a length', () => {
    const reply = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length:  5 \r\n\r\nhello'
    expect(read(`${reply}HTTP`)).toEqual({ status: 200, body: 'hello', used: reply.length })
    expect(read(reply.slice(0, -1))).toBeUndefined()
    expect(read(reply.slice(0, -1), true)).toBeUndefined()
  })

  test('come in chunks', () => {
    const chunks = '5;name=x\r\nhello\r\nb\r\n, and more.\r\n0\r\nTrailer: 1\r\n\r\n'
    const reply = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`
    expect(read(reply)).toEqual({ status: 200, body: 'hello, and more.', used: reply.length })
  })

  test('last until the far end closes when they do not say how long they are', () => {
    expect(read('HTTP/1.0 200 OK\r\n\r\nhello')).toBeUndefined()
    expect(read('HTTP/1.0 200 OK\r\n\r\nhello', true)).toMatchObject({ body: 'hello', used: 24 })
    expect(read('HTTP/1.1 204 No Content\r\n\r\n')).toMatchObject({ status: 204, body: '' })
  })

  test('follow interim replies, which say nothing', () => {
    const interim = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\n'
    expect(read(interim)).toBeUndefined()
    expect(read(`${interim}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`)).toMatchObject({ status: 200, body: '' })
  })

  const head = 'HTTP/1.1 200 OK\r\n'
  test.each([
    ['another protocol', 'SSH-2.0-dropbear\r\n'],
    ['another version', 'HTTP/2 200\r\n\r\n'],
    ['no status', 'HTTP/1.1 OK\r\n\r\n'],
    ['a field without a name', `${head}: x\r\n\r\n`],
    ['a folded field', `${head}A: x\r\n y\r\n\r\n`],
    ['a negative length', `${head}Content-Length: -1\r\n\r\n`],
    ['two lengths', `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
    ['a huge length', `${head}Content-Length: 9999999999\r\n\r\n`],
    ['a length of a body in chunks', `${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['an unknown coding', `${head}Transfer-Encoding: gzip, chunked\r\n\r\n`],
    ['a chunk of no size', `${head}Transfer-Encoding: chunked\r\n\r\nx\r\n`],
    ['a huge chunk', `${head}Transfer-Encoding: chunked\r\n\r\nffffffff\r\n`],
    ['a chunk longer than its size', `${head}Transfer-Encoding: chunked\r\n\r\n1\r\nabcd\r\n`],
    ['a size that does not end', `${head}Transfer-Encoding: chunked\r\n\r\n${'0'.repeat(2000)}`],
    ['a head that does not end', `${head}${'A: x\r\n'.repeat(4000)}`],
    ['a head that is too long', `${head}A: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['interim replies that do not end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(2000)],
    ['trailers that do not end', `${head}Transfer-Encoding: chunked\r\n\r\n0\r\n${'A: x\r\n'.repeat(4000)}`],
  ])('are refused when they are %s', (_, text) => {
    expect(() => httpReply(bytesOf(text))).toThrow(expect.objectContaining(UNEXPECTED) as Error)
  })

  test('are refused when their body has no end', () => {
    const endless = Buffer.alloc(2 ** 23 + 100, 'x')
    endless.write(`${head}\r\n`)
    expect(() => httpReply(endless)).toThrow(expect.objectContaining(UNEXPECTED) as Error)
  })

  test('are read the same in whatever pieces they come', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.array(fc.integer({ min: 1, max: 40 })), (body, cuts) => {
        const whole = Buffer.from(httpAnswerBytes({ status: 200, type: 'text/plain', body }))
        let at = 0
        for (const cut of cuts) {
          at += cut
          if (at < whole.length) expect(httpReply(whole.subarray(0, at))).toBeUndefined()
        }
        const framed = httpReply(whole)
        expect(framed?.used).toBe(whole.length)
        expect(Buffer.from(framed!.message.body).toString()).toBe(body)
      }),
    )
  })

  test('never make the reader fall over', () => {
    const pieces = fc.constantFrom(
      head,
      '\r\n',
      '\r\n\r\n',
      'Transfer-Encoding: chunked',
      'Content-Length: 3',
      '0',
      'a',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 12 }), fc.boolean(), (parts, ended) => {
        try {
          httpReply(bytesOf(`${head}${parts.join('')}`), ended)
        } catch (error) {
          expect(isBenchError(error, 'PROTOCOL_UNEXPECTED_REPLY')).toBe(true)
        }
      }),
    )
  })
})

describe('HTTP requests', () => {
  test('are understood by the simulated server in whatever pieces they come', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), fc.integer({ min: 1, max: 300 }), (text, piece) => {
        const bytes = Buffer.concat([httpRequest('POST', '/a', { text }), httpRequest('GET', '/b')])
        const reader = new HttpCallReader()
        const calls: unknown[] = []
        for (let at = 0; at < bytes.length; at += piece) {
          reader.push(bytes.subarray(at, at + piece))
          for (let call = reader.next(); call !== undefined; call = reader.next()) calls.push(call)
        }
        expect(calls).toEqual([
          { method: 'POST', path: '/a', body: JSON.stringify({ text }) },
          { method: 'GET', path: '/b', body: '' },
        ])
      }),
    )
  })
})

async function listening(server: Server): Promise<{ port: number } & AsyncDisposable> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  const close = (): Promise<void> => new Promise((resolve) => void server.close(() => resolve()))
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close }
}

const sessionAt = async (port: number, timeoutMs = NEVER_MS): Promise<WireSession> =>
  new WireSession(await HttpTransport.open('HTTP::127.0.0.1', { host: '127.0.0.1', port }, forever()), { timeoutMs })

const ask = async (session: WireSession, path: string, json?: unknown): Promise<string> => {
  const request = httpRequest(json === undefined ? 'GET' : 'POST', path, json)
  return latin1((await session.ask(request, httpReply, forever())).body)
}

/** Node's own server, as a far end that is not ours. */
const nodeServer = (answer: (request: IncomingMessage, response: ServerResponse) => void) =>
  listening(createHttpServer({ keepAlive: true }, answer))

/** A far end that says what the test says once it has heard something, and then what it does to the socket. */
const rawServer = (serve: (socket: Socket, connection: number) => void) => {
  let connections = 0
  return listening(
    createServer((socket) => {
      const connection = connections++
      socket.on('error', () => undefined)
      socket.once('data', () => serve(socket, connection))
    }),
  )
}

describe('An instrument behind HTTP', () => {
  test("talks to Node's server, in chunks and with a length, as often as it likes", async () => {
    await using server = await nodeServer((request, response) => {
      let body = ''
      request.on('data', (bytes) => (body += String(bytes)))
      request.on('end', () => {
        if (request.url === '/chunked') response.write('in ')
        response.end(`${request.method ?? ''} ${body}`)
      })
    })
    await using session = await sessionAt(server.port)
    expect(await ask(session, '/plain')).toBe('GET ')
    expect(await ask(session, '/chunked', { a: 1 })).toBe('in POST {"a":1}')
    for (let round = 0; round < 20; round++) expect(await ask(session, '/', round)).toBe(`POST ${round}`)
  })

  test('takes what comes until the far end closes for the whole reply', async () => {
    await using server = await rawServer((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nall of it'))
    await using session = await sessionAt(server.port)
    expect(await ask(session, '/')).toBe('all of it')
    expect(await ask(session, '/')).toBe('all of it')
  })

  test('reports a reply that was broken off, and one that never came', async () => {
    await using server = await rawServer((socket, connection) => {
      const half = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'
      if (connection === 0) socket.end(half)
      else if (connection === 1) socket.end()
      else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    await using session = await sessionAt(server.port)
    await expect(ask(session, '/')).rejects.toMatchObject(UNEXPECTED)
    await expect(ask(session, '/')).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    expect(await ask(session, '/')).toBe('ok')
  })

  test('does not take what came before the connection broke for a whole reply', async () => {
    let reset = (): void => undefined
    await using server = await rawServer((socket) => {
      reset = () => void socket.resetAndDestroy()
      socket.write('HTTP/1.0 200 OK\r\n\r\nhalf')
    })
    const where = { host: '127.0.0.1', port: server.port }
    await using transport = await HttpTransport.open('HTTP::127.0.0.1', where, forever())
    const outcome = new Promise((resolve) =>
      transport.connect({
        onBytes: () => reset(),
        onEnd: () => resolve('ended'),
        onLost: ({ code }) => resolve(code),
        onDeadline: () => undefined,
      }),
    )
    await transport.write(httpRequest('GET', '/'), forever())
    expect(await outcome).toBe('TRANSPORT_LOST')
  })

  test('never takes a late reply for the answer to the next request', async () => {
    const sockets: Socket[] = []
    await using server = await rawServer((socket, connection) => {
      sockets.push(socket)
      if (connection > 0) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew')
    })
    await using session = await sessionAt(server.port, 20)
    await expect(ask(session, '/')).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    sockets[0]!.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold')
    const { body } = await session.ask(httpRequest('GET', '/'), httpReply, forever(), NEVER_MS)
    expect(latin1(body)).toBe('new')
  })

  test('says who does not answer, now and later', async () => {
    const server = await nodeServer((_, response) => response.end('ok'))
    await using session = await sessionAt(server.port)
    expect(await ask(session, '/')).toBe('ok')
    await server[Symbol.asyncDispose]()
    await expect(ask(session, '/')).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
    await expect(sessionAt(server.port)).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
  })
})
