import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { rpcCall } from '../../drivers/protocols/onc-rpc.ts'
import { getPortCall } from '../../drivers/protocols/portmapper.ts'
import {
  DEVICE_ASYNC,
  DEVICE_CORE,
  createInterruptChannelCall,
  createLinkCall,
  deviceAbortCall,
  deviceReadCall,
  deviceWriteCall,
  enableServiceRequestsCall,
  readCreateLink,
  readDeviceRead,
  readNothing,
} from '../../drivers/protocols/vxi11.ts'
import type { LinkResults } from '../../drivers/protocols/vxi11.ts'
import { xdrOpaqueBytes } from '../../drivers/protocols/xdr.ts'
import { askPortmapper } from '../../drivers/transports/portmapper.ts'
import { RpcConnection } from '../../drivers/transports/rpc-connection.ts'
import type { MessageInstrument } from '../../sim/ports/message-instrument.ts'
import { servePortmapper } from '../../sim/ports/portmapper.ts'
import { serveVxi11 } from '../../sim/ports/vxi11-server.ts'
import { bytesOf, latin1, settled } from '../support/manual-transport.ts'
import { TestMessageInstrument, simulatedMeter } from '../support/message-instruments.ts'
import { hexOf } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'

const forever = (): AbortSignal => new AbortController().signal
const NEVER_MS = 1_000_000
const PART = 1024
const WAIT_LOCK = 1
const [READSTB, REMOTE, LOCAL, LOCK, UNLOCK, ENABLE_SRQ, DOCMD, DESTROY_LINK] = [13, 16, 17, 18, 19, 20, 22, 23]
const DESTROY_INTR = 26

const serve = (instrument: MessageInstrument, maxReceiveBytes = PART): ReturnType<typeof serveVxi11> =>
  serveVxi11(new Map([['inst0', instrument]]), { maxReceiveBytes })

/** A client that says any words it likes. */
class Client implements AsyncDisposable {
  readonly rpc: RpcConnection
  private constructor(rpc: RpcConnection) {
    this.rpc = rpc
  }

  static async open(port: number): Promise<Client> {
    const endpoint = { resource: 'TEST', host: '127.0.0.1', port, longestBytes: 2_000_000 }
    return new Client(await RpcConnection.open(endpoint, () => undefined, forever()))
  }

  /** The error number that a procedure answers with. */
  async error(procedure: number, ...words: readonly number[]): Promise<number> {
    const encode = (xid: number): Uint8Array => {
      const call = rpcCall(xid, DEVICE_CORE, procedure, 4 * words.length)
      for (const word of words) call.word(word)
      return call.bytes
    }
    return this.#error(encode)
  }

  async link(device = 'inst0', lock = false): Promise<LinkResults> {
    const encode = (xid: number): Uint8Array => createLinkCall(xid, { clientId: 1, device, lock })
    const { error, value } = await this.rpc.call(encode, readCreateLink, NEVER_MS, forever())
    if (value === undefined) throw new Error(`error ${error}`)
    return value
  }

  write(link: number, text: string, end = true): Promise<number> {
    return this.#error((xid) => deviceWriteCall(xid, link, NEVER_MS, bytesOf(text), end))
  }

  /** Data and reason, or the error number. */
  async read(link: number, requestBytes: number, ioTimeoutMs: number, termChar?: number): Promise<string | number> {
    const encode = (xid: number): Uint8Array => {
      const call = Buffer.from(deviceReadCall(xid, link, ioTimeoutMs, requestBytes))
      if (termChar !== undefined) call.writeUInt32BE(0x80, call.length - 8)
      if (termChar !== undefined) call.writeUInt32BE(termChar, call.length - 4)
      return call
    }
    const read = (results: Parameters<typeof readDeviceRead>[0]): string | number => {
      const reason = Buffer.from(results.bytes).readUInt32BE(28)
      const { error, value } = readDeviceRead(results, requestBytes)
      return value === undefined ? error : `${reason} ${latin1(value.data)}`
    }
    return this.rpc.call(encode, read, NEVER_MS, forever())
  }

  interrupts(address: string, port: number): Promise<number> {
    return this.#error((xid) => createInterruptChannelCall(xid, address, port))
  }

  enableServiceRequests(link: number, handle: string): Promise<number> {
    return this.#error((xid) => enableServiceRequestsCall(xid, link, bytesOf(handle)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.rpc.close()
  }

  async #error(encode: (xid: number) => Uint8Array): Promise<number> {
    return (await this.rpc.call(encode, readNothing, NEVER_MS, forever())).error
  }
}

async function abort(port: number, link: number): Promise<number> {
  await using client = await Client.open(port)
  return (await client.rpc.call((xid) => deviceAbortCall(xid, link), readNothing, NEVER_MS, forever())).error
}

describe('A VXI-11 server', () => {
  test('hands out links with their abort port and the longest part it takes', async () => {
    await using server = await serve(new TestMessageInstrument())
    await using client = await Client.open(server.port)
    const first = await client.link()
    const second = await client.link('INST0')
    expect(first.longestWriteBytes).toBe(PART)
    expect(first.link).not.toBe(second.link)
    await expect(client.link('inst1')).rejects.toThrow('error 3')
  })

  test('gives out so many links and no more', async () => {
    await using server = await serve(new TestMessageInstrument())
    await using client = await Client.open(server.port)
    const links: LinkResults[] = []
    for (let count = 0; count < 64; count++) links.push(await client.link())
    await expect(client.link()).rejects.toThrow('error 9')
    expect(await client.error(DESTROY_LINK, links[0]!.link)).toBe(0)
    await client.link()
  })

  test('knows a link on its own connection alone, and no longer than that', async () => {
    const instrument = new TestMessageInstrument()
    await using server = await serve(instrument)
    await using other = await Client.open(server.port)
    {
      await using client = await Client.open(server.port)
      const { link } = await client.link()
      expect(await other.write(link, 'x')).toBe(4)
      expect(await other.error(DESTROY_LINK, link)).toBe(4)
      expect(await client.write(link, 'x')).toBe(0)
    }
    await instrument.until(() => instrument.sessions[0]!.events.at(-1) === 'close')
  })

  test('answers error 4 to every procedure on a link that there is not', async () => {
    await using server = await serve(new TestMessageInstrument())
    await using client = await Client.open(server.port)
    const generic = [READSTB, 14, 15, REMOTE, LOCAL]
    for (const procedure of generic) expect(await client.error(procedure, 9, 0, 0, 0)).toBe(4)
    expect(await client.write(9, 'x')).toBe(4)
    expect(await client.read(9, 10, 0)).toBe(4)
    expect(await client.error(LOCK, 9, 0, 0)).toBe(4)
    expect(await client.error(UNLOCK, 9)).toBe(4)
    expect(await client.enableServiceRequests(9, 'h')).toBe(4)
    expect(await client.error(DOCMD, 9, 0, 0, 0, 1, 0, 0, 0)).toBe(4)
    expect(await client.error(DESTROY_LINK, 9)).toBe(4)
    await using server2 = await serve(new TestMessageInstrument())
    await using client2 = await Client.open(server2.port)
    expect(await abort((await client2.link()).abortPort!, 9)).toBe(4)
  })

  test('takes no part that is longer than it said', async () => {
    const instrument = new TestMessageInstrument()
    await using server = await serve(instrument)
    await using client = await Client.open(server.port)
    const { link } = await client.link()
    expect(await client.write(link, 'x'.repeat(PART + 1))).toBe(5)
    expect(await client.write(link, 'x'.repeat(PART))).toBe(0)
    expect(instrument.sessions[0]!.pieces).toHaveLength(1)
  })

  test('is local or remote as it is told, and knows no commands of gateways', async () => {
    await using server = await serve(new TestMessageInstrument())
    await using client = await Client.open(server.port)
    const { link } = await client.link()
    expect(await client.error(REMOTE, link, 0, 0, 0)).toBe(0)
    expect(await client.error(LOCAL, link, 0, 0, 0)).toBe(0)
    expect(await client.error(DOCMD, link, 0, 0, 0, 1, 0, 0, 0)).toBe(8)
  })
})

describe('Reading', () => {
  test('says why it stops: the count, the character, the end', async () => {
    await using server = await serve(new TestMessageInstrument())
    await using client = await Client.open(server.port)
    const { link } = await client.link()
    await client.write(link, 'ab\ncd\n')
    expect(await client.read(link, 4, 0)).toBe('1 re:a')
    expect(await client.read(link, 100, 0, 0x0a)).toBe('2 b\n')
    expect(await client.read(link, 1, 0, 0x0a)).toBe('1 c')
    expect(await client.read(link, 2, 0, 0x0a)).toBe('7 d\n')
  })

  test('waits for an answer that is owed', async () => {
    const instrument = new TestMessageInstrument()
    instrument.reply = () => undefined
    await using server = await serve(instrument)
    await using client = await Client.open(server.port)
    const { link } = await client.link()
    await client.write(link, 'q')
    // The longest wait there is: more than a timer can hold.
    const answer = client.read(link, 100, 0xffff_ffff)
    await settled()
    instrument.sessions[0]!.answer(bytesOf('late'))
    expect(await answer).toBe('4 late')
  })

  test('what nobody asked for waits in vain, and is an error of the instrument', async () => {
    await using server = await serve(simulatedMeter())
    await using client = await Client.open(server.port)
    const { link } = await client.link()
    expect(await client.read(link, 100, 20)).toBe(15)
    await client.write(link, 'SYST:ERR?\n')
    expect(await client.read(link, 100, 20)).toBe('4 -420,"Query UNTERMINATED"\n')
  })

  test('is ended by an abort with error 23; with nothing under way an abort does nothing', async () => {
    const instrument = new TestMessageInstrument()
    instrument.reply = () => undefined
    await using server = await serve(instrument)
    await using client = await Client.open(server.port)
    const { link, abortPort } = await client.link()
    expect(await abort(abortPort!, link)).toBe(0)
    await client.write(link, 'q')
    const answer = client.read(link, 100, NEVER_MS)
    await settled()
    expect(await abort(abortPort!, link)).toBe(0)
    expect(await answer).toBe(23)
  })
})

describe('The lock of a device', () => {
  test('is refused at once to who does not wait, and after his time to who does', async () => {
    await using server = await serve(new TestMessageInstrument())
    await using client = await Client.open(server.port)
    const [holder, rival] = [(await client.link()).link, (await client.link()).link]
    expect(await client.error(LOCK, holder, 0, 0)).toBe(0)
    expect(await client.error(LOCK, rival, 0, NEVER_MS)).toBe(11)
    expect(await client.error(LOCK, rival, WAIT_LOCK, 20)).toBe(11)
    expect(await client.write(rival, 'x')).toBe(11)
    expect(await client.read(rival, 10, 0)).toBe(11)
    expect(await client.error(READSTB, rival, 0, 0, 0)).toBe(11)
    expect(await client.error(UNLOCK, rival)).toBe(12)
    expect(await client.write(holder, 'x')).toBe(0)
    expect(await client.error(UNLOCK, holder)).toBe(0)
    expect(await client.error(UNLOCK, holder)).toBe(12)
    await expect(client.link('inst0', true)).resolves.toBeDefined()
    await expect(client.link('inst0', true)).rejects.toThrow('error 11')
  })

  test('passes to those who wait, in the order in which they came, and when a client vanishes', async () => {
    await using server = await serve(new TestMessageInstrument())
    const holder = await Client.open(server.port)
    await using first = await Client.open(server.port)
    await using second = await Client.open(server.port)
    expect(await holder.error(LOCK, (await holder.link()).link, 0, 0)).toBe(0)
    const [firstLink, secondLink] = [(await first.link()).link, (await second.link()).link]
    const order: string[] = []
    const firstLock = first.error(LOCK, firstLink, WAIT_LOCK, NEVER_MS).then((error) => order.push(`first ${error}`))
    await settled()
    const secondCall = second.error(REMOTE, secondLink, WAIT_LOCK, NEVER_MS, 0)
    const secondDone = secondCall.then((error) => order.push(`second ${error}`))
    await settled()
    holder.rpc.close()
    await firstLock
    expect(order).toEqual(['first 0'])
    expect(await first.error(UNLOCK, firstLink)).toBe(0)
    await secondDone
    expect(order).toEqual(['first 0', 'second 0'])
  })

  test('is not waited for any longer after an abort', async () => {
    await using server = await serve(new TestMessageInstrument())
    await using client = await Client.open(server.port)
    await using rival = await Client.open(server.port)
    expect(await client.error(LOCK, (await client.link()).link, 0, 0)).toBe(0)
    const { link, abortPort } = await rival.link()
    const waiting = rival.error(LOCK, link, WAIT_LOCK, NEVER_MS)
    await settled()
    await abort(abortPort!, link)
    expect(await waiting).toBe(23)
  })
})

describe('Service requests', () => {
  test('go back to the client, one channel a client, and to nobody else', async () => {
    const instrument = new TestMessageInstrument()
    await using server = await serve(instrument)
    await using client = await Client.open(server.port)
    const { link } = await client.link()
    let heard = (_bytes: Buffer): void => undefined
    const request = new Promise<Buffer>((resolve) => (heard = resolve))
    const listener = createServer((socket) => socket.on('error', () => undefined).on('data', heard))
    await new Promise<void>((resolve) => void listener.listen(0, '127.0.0.1', () => resolve()))
    const { port } = listener.address() as AddressInfo
    expect(await client.error(DESTROY_INTR)).toBe(6)
    expect(await client.interrupts('192.0.2.1', port)).toBe(21)
    expect(await client.error(25, 0x7f00_0001, port, 0x0607b1, 1, 1)).toBe(8)
    expect(await client.interrupts('127.0.0.1', port)).toBe(0)
    expect(await client.interrupts('127.0.0.1', port)).toBe(29)
    instrument.sessions[0]!.client.onServiceRequest(0x40)
    expect(await client.enableServiceRequests(link, 'fringe00')).toBe(0)
    instrument.sessions[0]!.client.onServiceRequest(0x40)
    const { sent } = readVectors('vxi11').find(({ meaning }) => meaning.startsWith('device_intr_srq'))!
    expect(hexOf(await request)).toBe(hexOf(sent))
    expect(await client.error(DESTROY_INTR)).toBe(0)
    expect(await client.error(DESTROY_INTR)).toBe(6)
    await new Promise<void>((resolve) => void listener.close(() => resolve()))
    expect(await client.interrupts('127.0.0.1', port)).toBe(6)
  })

  test('have handles of 40 bytes at most', async () => {
    await using server = await serve(new TestMessageInstrument())
    await using client = await Client.open(server.port)
    const { link } = await client.link()
    expect(await client.enableServiceRequests(link, 'h'.repeat(40))).toBe(0)
    const tooLong = (xid: number): Uint8Array =>
      rpcCall(xid, DEVICE_CORE, ENABLE_SRQ, 8 + xdrOpaqueBytes(41))
        .word(link)
        .word(1)
        .opaque(new Uint8Array(41)).bytes
    await expect(client.rpc.call(tooLong, readNothing, NEVER_MS, forever())).rejects.toThrow(
      'it cannot read the arguments',
    )
  })
})

describe('A hostile client', () => {
  const closed = (port: number, bytes: Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1' })
      socket.on('error', () => undefined)
      socket.once('close', () => resolve())
      socket.write(bytes)
    })

  test.each([
    ['announces two gigabytes', Buffer.from('ffffffff00', 'hex')],
    ['sends a record longer than any call', Buffer.from('800fffff00', 'hex')],
    ['sends fragments without end', Buffer.alloc(5000)],
    ['is a web browser', Buffer.from('GET / HTTP/1.1\r\nHost: instrument\r\n\r\n')],
  ])('that %s is hung up on, and harms no other', async (_, bytes) => {
    await using server = await serve(new TestMessageInstrument())
    await using client = await Client.open(server.port)
    const { link } = await client.link()
    await closed(server.port, bytes)
    await client.write(link, 'x')
    expect(await client.read(link, 100, NEVER_MS)).toBe('4 re:x')
  })

  test('that calls far ahead of the replies is hung up on', async () => {
    const instrument = new TestMessageInstrument()
    instrument.reply = () => undefined
    await using server = await serve(instrument)
    await using client = await Client.open(server.port)
    const { link } = await client.link()
    const calls = Array.from({ length: 100 }, () => client.read(link, 10, NEVER_MS))
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    await instrument.until(() => instrument.sessions[0]!.events.at(-1) === 'close')
  })
})

describe('A portmapper', () => {
  const mappings = [{ ...DEVICE_CORE, protocol: 6, port: 4711 } as const]

  test('knows over TCP what it was told, and nothing else', async () => {
    await using mapper = await servePortmapper(mappings, { port: 0 })
    const where = { resource: 'TEST', host: '127.0.0.1', port: mapper.port }
    expect(await askPortmapper(where, DEVICE_CORE, forever())).toBe(4711)
    await expect(askPortmapper(where, DEVICE_ASYNC, forever())).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
  })

  test('answers over UDP, as discovery asks, and keeps silent about garbage', async () => {
    await using mapper = await servePortmapper(mappings, { port: 0 })
    const socket = createSocket('udp4')
    const reply = new Promise<Buffer>((resolve) => void socket.once('message', resolve))
    socket.send('garbage', mapper.port, '127.0.0.1')
    socket.send(getPortCall(7, DEVICE_CORE).subarray(4), mapper.port, '127.0.0.1')
    expect(hexOf(await reply)).toBe('00000007' + '00000001' + '00000000'.repeat(4) + '00001267')
    socket.close()
  })

  test('lists what it knows, itself first, and lets nobody change it', async () => {
    await using mapper = await servePortmapper(mappings, { port: 0 })
    await using client = await Client.open(mapper.port)
    const words = (procedure: number, ...sent: readonly number[]): Promise<number[]> => {
      const encode = (xid: number): Uint8Array => {
        const call = rpcCall(xid, { program: 100_000, version: 2 }, procedure, 4 * sent.length)
        for (const word of sent) call.word(word)
        return call.bytes
      }
      const read = ({ bytes }: { readonly bytes: Uint8Array }): number[] => {
        const view = Buffer.from(bytes)
        return Array.from({ length: (view.length - 24) / 4 }, (_, index) => view.readUInt32BE(24 + 4 * index))
      }
      return client.rpc.call(encode, read, NEVER_MS, forever())
    }
    expect(await words(0)).toEqual([])
    expect(await words(1, 395_183, 1, 6, 1)).toEqual([0])
    expect(await words(2, 395_183, 1, 6, 1)).toEqual([0])
    const own = (protocol: number): number[] => [1, 100_000, 2, protocol, mapper.port]
    expect(await words(4)).toEqual([...own(6), ...own(17), 1, 395_183, 1, 6, 4711, 0])
  })

  test('is absent where its port cannot be had, and the instrument is served nonetheless', async () => {
    await using taken = await servePortmapper([], { port: 0 })
    const options = { portmapper: 'if-possible', portmapperPort: taken.port } as const
    await using server = await serveVxi11(new Map([['inst0', new TestMessageInstrument()]]), options)
    expect(server.portmapperPort).toBeUndefined()
    await using client = await Client.open(server.port)
    await client.link()
  })
})

test('A port that is taken cannot be served twice', async () => {
  await using server = await serve(new TestMessageInstrument())
  await expect(serveVxi11(new Map(), { port: server.port })).rejects.toMatchObject({
    code: 'TRANSPORT_OPEN_FAILED',
    message: expect.stringContaining('it is taken') as string,
  })
})
