import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { serveTcp } from '../../sim/ports/tcp-server.ts'
import { bytesOf, latin1 } from '../support/manual-transport.ts'
import { TestInstrument, testBytes } from '../support/wire-instruments.ts'

const dial = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.on('error', () => undefined)
    if (socket.destroyed) resolve()
    else socket.once('close', () => resolve())
  })

/** Reads exactly `count` bytes and leaves the rest. */
async function readExactly(socket: Socket, count: number): Promise<Uint8Array> {
  const pieces: Buffer[] = []
  for (let have = 0; have < count;) {
    const piece = socket.read(Math.min(count - have, Math.max(1, socket.readableLength))) as Buffer | null
    if (piece === null) await new Promise((resolve) => socket.once('readable', resolve))
    else {
      pieces.push(piece)
      have += piece.length
    }
  }
  return Uint8Array.from(Buffer.concat(pieces))
}

describe('An instrument behind a TCP port', () => {
  test('hears each client on a connection of its own, in whatever pieces the bytes come', async () => {
    const instrument = new TestInstrument()
    await using server = await serveTcp(instrument)
    const first = await dial(server.port)
    await instrument.until(() => instrument.connections.length === 1)
    const second = await dial(server.port)
    await instrument.until(() => instrument.connections.length === 2)
    first.write('*ID')
    second.write('VOLT?\n')
    await instrument.until(() => instrument.heard(1) === 'VOLT?\n')
    first.write('N?\n')
    await instrument.until(() => instrument.heard(0) === '*IDN?\n')
    expect(instrument.heard(1)).toBe('VOLT?\n')
    instrument.connections[0]!.send(bytesOf('ACME'))
    instrument.connections[1]!.send(bytesOf('4.5'))
    expect(latin1(await readExactly(first, 4))).toBe('ACME')
    expect(latin1(await readExactly(second, 3))).toBe('4.5')
  })

  test('is on this machine only', async () => {
    await using server = await serveTcp(new TestInstrument())
    const socket = await dial(server.port)
    expect(socket.remoteAddress).toBe('127.0.0.1')
    await expect(
      new Promise((resolve, reject) => {
        const other = connect({ port: server.port, host: '127.0.0.2' })
        other.once('connect', resolve)
        other.once('error', reject)
      }),
    ).rejects.toThrow('ECONNREFUSED')
  })

  test('outlives a client that resets the connection in the middle of a command', async () => {
    const instrument = new TestInstrument()
    await using server = await serveTcp(instrument)
    const rude = await dial(server.port)
    rude.write('VOL')
    await instrument.until(() => instrument.heard() === 'VOL')
    rude.resetAndDestroy()
    await instrument.until(() => instrument.connections[0]?.attached === false)
    instrument.connections[0]!.send(bytesOf('to nobody'))
    const next = await dial(server.port)
    next.write('T?\n')
    await instrument.until(() => instrument.heard(1) === 'T?\n')
  })

  test('outlives a client that goes away while much is being said to it', async () => {
    const instrument = new TestInstrument()
    await using server = await serveTcp(instrument)
    const client = await dial(server.port)
    await instrument.until(() => instrument.connections.length === 1)
    instrument.connections[0]!.send(new Uint8Array(20_000_000))
    client.destroy()
    await instrument.until(() => instrument.connections[0]?.attached === false)
  })

  test('lets go when a client has finished', async () => {
    const instrument = new TestInstrument()
    await using server = await serveTcp(instrument)
    const client = await dial(server.port)
    client.end('BYE\n')
    await instrument.until(() => instrument.connections[0]?.attached === false)
    expect(instrument.heard()).toBe('BYE\n')
  })

  test('does not listen to a client that does not read its replies, and then hears everything', async () => {
    const instrument = new TestInstrument()
    await using server = await serveTcp(instrument)
    const client = await dial(server.port)
    client.pause()
    await instrument.until(() => instrument.connections.length === 1)
    const said = testBytes(20_000_000)
    instrument.connections[0]!.send(said)
    await new Promise<void>((resolve) => void client.write('question', () => resolve()))
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(instrument.heard()).toBe('')
    expect(Buffer.compare(await readExactly(client, said.length), said)).toBe(0)
    await instrument.until(() => instrument.heard() === 'question')
  })

  test('may change what it sent afterwards: the bytes are its own', async () => {
    const instrument = new TestInstrument()
    await using server = await serveTcp(instrument)
    const client = await dial(server.port)
    await instrument.until(() => instrument.connections.length === 1)
    const buffer = testBytes(5_000_000)
    const said = buffer.slice()
    instrument.connections[0]!.send(buffer)
    buffer.fill(0)
    expect(Buffer.compare(await readExactly(client, said.length), said)).toBe(0)
  })

  test('hangs up on a second client when there may be only one, until the first has gone', async () => {
    const instrument = new TestInstrument()
    await using server = await serveTcp(instrument, { exclusive: true })
    const first = await dial(server.port)
    await instrument.until(() => instrument.connections.length === 1)
    const second = await dial(server.port)
    await closed(second)
    expect(instrument.connections).toHaveLength(1)
    first.destroy()
    await instrument.until(() => instrument.connections[0]?.attached === false)
    const third = await dial(server.port)
    await instrument.until(() => instrument.connections.length === 2)
    third.destroy()
  })

  test('takes the port that it is given, and says so when that is taken', async () => {
    await using server = await serveTcp(new TestInstrument())
    await expect(serveTcp(new TestInstrument(), { port: server.port })).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: `no instrument can be served on TCP port ${server.port}: it is taken; choose another, or 0 for any`,
    })
  })

  test('hangs up on everybody when it is closed, and leaves the port free', async () => {
    const instrument = new TestInstrument()
    const server = await serveTcp(instrument)
    const client = await dial(server.port)
    const gone = closed(client)
    await instrument.until(() => instrument.connections.length === 1)
    await server[Symbol.asyncDispose]()
    await gone
    await instrument.until(() => instrument.connections[0]?.attached === false)
    await using again = await serveTcp(instrument, { port: server.port })
    expect(again.port).toBe(server.port)
  })
})
