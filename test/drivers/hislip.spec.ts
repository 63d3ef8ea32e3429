import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scpiLineReply } from '../../drivers/protocols/scpi.ts'
import { HislipTransport } from '../../drivers/transports/hislip.ts'
import type { HislipOptions } from '../../drivers/transports/hislip.ts'
import { WireSession } from '../../drivers/transports/session.ts'
import { Heard, ScriptedHislip } from '../support/hislip-script.ts'
import type { HislipEnd } from '../support/hislip-script.ts'
import { bytesOf, settled } from '../support/manual-transport.ts'

const forever = (): AbortSignal => new AbortController().signal
const NEVER_MS = 3_600_000
/** What is never answered need not be waited for long. */
const SOON_MS = 30
const FIRST = 0xffff_ff00

const openAt = (port: number, options: Partial<HislipOptions> = {}, signal = forever()): Promise<HislipTransport> =>
  HislipTransport.open(
    'TCPIP::127.0.0.1::hislip0::INSTR',
    { host: '127.0.0.1', port, device: 'hislip0', timeoutMs: NEVER_MS, ...options },
    signal,
  )

/** A transport and both of the server's ends. */
async function opened(
  server: ScriptedHislip,
  options: Partial<HislipOptions> = {},
  greeting: Parameters<ScriptedHislip['session']>[0] = {},
) {
  const [transport, ends] = await Promise.all([openAt(server.port, options), server.session(greeting)])
  const heard = new Heard()
  transport.connect(heard)
  return { transport, heard, ...ends }
}

/** What a server does that comes clear. */
async function comeClear({ sync, async }: { sync: HislipEnd; async: HislipEnd }, feature = 0): Promise<void> {
  for (let next = await async.next(); next.kind !== 'AsyncDeviceClear'; next = await async.next());
  async.send('AsyncDeviceClearAcknowledge', feature)
  for (let next = await sync.next(); next.kind !== 'DeviceClearComplete'; next = await sync.next());
  sync.send('DeviceClearAcknowledge', feature)
}

describe('A HiSLIP transport', () => {
  test('introduces itself with version, vendor and sub-address, and takes the lower version', async () => {
    await using server = await ScriptedHislip.listen()
    const opening = openAt(server.port, { device: 'hislipHCCU' })
    const sync = await server.connection()
    expect(await sync.told()).toEqual(['Initialize', 0, 0x0200_4652, 'hislipHCCU'])
    sync.send('InitializeResponse', 1, 0x0101_0003)
    const async = await server.connection()
    expect(await async.told()).toEqual(['AsyncInitialize', 0, 3, ''])
    async.send('AsyncInitializeResponse')
    expect(await async.told()).toEqual(['AsyncMaximumMessageSize', 0, 0, '\0\0\0\0\x40\0\0\0'])
    async.send('AsyncMaximumMessageSizeResponse', 0, 0, '\0\0\0\0\0\0\x01\0')
    await using transport = await opening
    expect([transport.version, transport.mode]).toEqual(['1.1', 'overlap'])
  })

  test('marks messages with ids two apart that wrap, and flags the first after a whole reply', async () => {
    await using server = await ScriptedHislip.listen()
    const { transport, sync, async, heard } = await opened(server)
    await using _ = transport
    const write = (text: string): Promise<void> => transport.write(bytesOf(text), forever())
    await write('a?')
    expect(await sync.told()).toEqual(['DataEND', 0, FIRST, 'a?'])
    sync.send('Data', 0, FIRST, 'A')
    await heard.first(1)
    const early = transport.controls.readStatusByte(forever())
    expect(await async.told()).toEqual(['AsyncStatusQuery', 0, FIRST, ''])
    async.send('AsyncStatusResponse', 0x10)
    expect(await early).toBe(0x10)
    sync.send('DataEND', 0, FIRST, 'A')
    expect(await heard.first(3)).toEqual(['A', 'A', 'end'])
    await write('b')
    await write('c')
    await transport.controls.trigger(forever())
    expect([await sync.told(), await sync.told(), await sync.told()]).toEqual([
      ['DataEND', 1, FIRST + 2, 'b'],
      ['DataEND', 0, FIRST + 4, 'c'],
      ['Trigger', 0, FIRST + 6, ''],
    ])
    for (let message = 4; message < 130; message++) await write('x')
    for (let message = 4; message < 130; message++)
      expect(await sync.told()).toEqual(['DataEND', 0, (FIRST + 2 * message) % 2 ** 32, 'x'])
  })

  test('gives the flag to a status query once, and names 0xfffffefe before any message', async () => {
    await using server = await ScriptedHislip.listen()
    const { transport, sync, async, heard } = await opened(server)
    await using _ = transport
    const poll = async (statusByte: number) => {
      const read = transport.controls.readStatusByte(forever())
      const asked = await async.told()
      async.send('AsyncStatusResponse', statusByte)
      expect(await read).toBe(statusByte)
      return asked
    }
    expect(await poll(0)).toEqual(['AsyncStatusQuery', 0, 0xffff_fefe, ''])
    await transport.write(bytesOf('a?'), forever())
    sync.send('DataEND', 0, FIRST, 'A')
    await heard.first(2)
    expect(await poll(0x60)).toEqual(['AsyncStatusQuery', 1, FIRST, ''])
    expect(await poll(0x20)).toEqual(['AsyncStatusQuery', 0, FIRST, ''])
    await transport.write(bytesOf('b'), forever())
    expect((await sync.told())[3]).toBe('a?')
    expect(await sync.told()).toEqual(['DataEND', 0, FIRST + 2, 'b'])
  })

  test('cuts a long message to what the server takes', async () => {
    await using server = await ScriptedHislip.listen()
    const { transport, sync } = await opened(server, {}, { maxBytes: 32 })
    await using _ = transport
    const both = Promise.all([
      transport.write(bytesOf('0123456789abcdef0123456789abcdef!'), forever()),
      transport.write(bytesOf('next'), forever()),
    ])
    expect([await sync.told(), await sync.told(), await sync.told(), await sync.told()]).toEqual([
      ['Data', 0, FIRST, '0123456789abcdef'],
      ['Data', 0, FIRST + 2, '0123456789abcdef'],
      ['DataEND', 0, FIRST + 4, '!'],
      ['DataEND', 0, FIRST + 6, 'next'],
    ])
    await both
  })

  test('passes a service request on to the last listener', async () => {
    await using server = await ScriptedHislip.listen()
    const { transport, async } = await opened(server)
    await using _ = transport
    await transport.controls.onServiceRequest(() => expect.fail('replaced'), forever())
    const asked = new Promise<void>((resolve) => void transport.controls.onServiceRequest(resolve, forever()))
    async.send('AsyncServiceRequest', 0x50)
    await asked
  })

  test('asks for remote and local control, and who holds locks', async () => {
    await using server = await ScriptedHislip.listen()
    const { transport, async } = await opened(server)
    await using _ = transport
    const remote = transport.remoteLocal('enable-remote-go-to-remote-lock-out-local', forever())
    expect(await async.told()).toEqual(['AsyncRemoteLocalControl', 5, 0xffff_fefe, ''])
    async.send('AsyncRemoteLocalResponse')
    await remote
    const info = transport.lockInfo(forever())
    expect(await async.told()).toEqual(['AsyncLockInfo', 0, 0, ''])
    async.send('AsyncLockInfoResponse', 1, 3)
    expect(await info).toEqual({ exclusive: true, holders: 3 })
  })

  test('locks when it opens and lets go when it is disposed', async () => {
    await using server = await ScriptedHislip.listen()
    const opening = openAt(server.port, { lock: 'bench', lockWaitMs: 70 })
    const { async } = await server.session()
    expect(await async.told()).toEqual(['AsyncLock', 1, 70, 'bench'])
    async.send('AsyncLockResponse', 1)
    const transport = await opening
    const disposed = transport[Symbol.asyncDispose]()
    expect(await async.told()).toEqual(['AsyncLock', 0, 0xffff_fefe, ''])
    async.send('AsyncLockResponse', 2)
    await disposed
    await async.closed()
  })

  test('changes to the mode it is told to by a device clear, or says that the server does not', async () => {
    await using server = await ScriptedHislip.listen()
    const opening = openAt(server.port, { mode: 'overlap' })
    const ends = await server.session()
    expect(await ends.async.told()).toEqual(['AsyncDeviceClear', 0, 0, ''])
    ends.async.send('AsyncDeviceClearAcknowledge', 0)
    expect(await ends.sync.told()).toEqual(['DeviceClearComplete', 1, 0, ''])
    ends.sync.send('DeviceClearAcknowledge', 1)
    await using transport = await opening
    expect(transport.mode).toBe('overlap')
    const refused = openAt(server.port, { mode: 'overlap' })
    const fails = expect(refused).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED', context: { mode: 'overlap' } })
    await comeClear(await server.session())
    await fails
  })
})

describe('A reply that is not for the last question', () => {
  test('is dropped by its id', async () => {
    await using server = await ScriptedHislip.listen()
    const { transport, sync, heard } = await opened(server)
    await using _ = transport
    await transport.write(bytesOf('a?'), forever())
    await transport.write(bytesOf('b?'), forever())
    sync.send('Data', 0, FIRST, 'late')
    sync.send('DataEND', 0, FIRST, 'late')
    sync.send('DataEND', 0, 0xffff_ffff, 'of nobody')
    sync.send('DataEND', 0, FIRST + 2, 'B')
    expect(await heard.first(2)).toEqual(['B', 'end'])
  })

  test('is dropped also when only its end tells to what it belongs', async () => {
    await using server = await ScriptedHislip.listen()
    const { transport, sync, heard } = await opened(server)
    await using _ = transport
    await transport.write(bytesOf('a?'), forever())
    await transport.write(bytesOf('b?'), forever())
    sync.send('Data', 0, 0xffff_ffff, 'late')
    sync.send('DataEND', 0, FIRST, 'late')
    sync.send('Data', 0, 0xffff_ffff, 'B1')
    sync.send('Data', 0, 0xffff_ffff, 'B2')
    sync.send('DataEND', 0, FIRST + 2, '')
    expect(await heard.first(3)).toEqual(['B1', 'B2', 'end'])
  })

  test('does not get through in the middle of a message when a question overtakes it', async () => {
    await using server = await ScriptedHislip.listen()
    const { transport, sync, heard } = await opened(server)
    await using _ = transport
    await transport.write(bytesOf('a?'), forever())
    await sync.next()
    const halves = Buffer.from('4853070000000000000000000000000c', 'hex')
    halves.writeUInt32BE(FIRST, 4)
    sync.socket.write(Buffer.concat([halves, bytesOf('before')]))
    await heard.first(1)
    await transport.write(bytesOf('b?'), forever())
    sync.socket.write(bytesOf('behind'))
    sync.send('DataEND', 0, FIRST + 2, 'B')
    expect(await heard.first(3)).toEqual(['before', 'B', 'end'])
  })

  test.each(['synchronous', 'asynchronous'])(
    'is dropped at an interruption that shows on the %s channel first',
    async (first) => {
      await using server = await ScriptedHislip.listen()
      const { transport, sync, async, heard } = await opened(server)
      await using _ = transport
      await transport.write(bytesOf('a?'), forever())
      await transport.write(bytesOf('b?'), forever())
      await sync.next()
      await sync.next()
      const poll = async (): Promise<void> => {
        const read = transport.controls.readStatusByte(forever())
        await async.next()
        async.send('AsyncStatusResponse')
        await read
      }
      if (first === 'asynchronous') {
        async.send('AsyncInterrupted', 0, FIRST + 2)
        // The answer to the poll comes behind it on the same channel: it has been seen.
        await poll()
        sync.send('DataEND', 0, FIRST + 2, 'what was under way')
      } else {
        sync.send('Interrupted', 0, FIRST + 2)
        sync.send('DataEND', 0, FIRST + 2, 'B')
        await heard.first(2)
      }
      let written = false
      const write = transport.write(bytesOf('c?'), forever()).then(() => (written = true))
      await poll()
      expect([written, sync.more]).toEqual([false, false])
      if (first === 'asynchronous') sync.send('Interrupted', 0, FIRST + 2)
      else async.send('AsyncInterrupted', 0, FIRST + 2)
      await write
      expect((await sync.told())[3]).toBe('c?')
      sync.send('DataEND', 0, FIRST + 4, 'C')
      const before = first === 'asynchronous' ? [] : ['B', 'end']
      expect(await heard.first(before.length + 2)).toEqual([...before, 'C', 'end'])
    },
  )

  test.each(['synchronised', 'overlap'] as const)(
    'is dropped in %s mode by the device clear after a question that was given up',
    async (mode) => {
      await using server = await ScriptedHislip.listen()
      const feature = mode === 'overlap' ? 1 : 0
      const { transport, ...ends } = await opened(server, {}, { control: feature })
      await using session = new WireSession(transport, { timeoutMs: NEVER_MS })
      const caller = new AbortController()
      const slow = session.ask(bytesOf('slow?'), scpiLineReply, caller.signal)
      await ends.sync.next()
      caller.abort()
      await expect(slow).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
      const next = session.ask(bytesOf('next?'), scpiLineReply, forever())
      ends.sync.send('Data', 0, FIRST, 'la')
      expect(await ends.async.told()).toEqual(['AsyncDeviceClear', 0, 0, ''])
      ends.async.send('AsyncInterrupted', 0, FIRST)
      ends.async.send('AsyncDeviceClearAcknowledge', feature)
      ends.sync.send('DataEND', 0, FIRST, 'te\n')
      expect(await ends.sync.told()).toEqual(['DeviceClearComplete', feature, 0, ''])
      ends.sync.send('DataEND', 0, FIRST, 'later\n')
      ends.sync.send('DeviceClearAcknowledge', feature)
      expect(await ends.sync.told()).toEqual(['DataEND', 0, FIRST, 'next?'])
      ends.sync.send('DataEND', 0, FIRST, 'right\n')
      expect(await next).toBe('right')
    },
  )

  test('on the asynchronous channel never answers the next request', async () => {
    await using server = await ScriptedHislip.listen()
    const { transport, async } = await opened(server)
    await using _ = transport
    const caller = new AbortController()
    const first = transport.controls.readStatusByte(caller.signal)
    await async.next()
    caller.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    const second = transport.controls.readStatusByte(forever())
    await settled()
    expect(async.more).toBe(false)
    async.send('AsyncStatusResponse', 1)
    await async.next()
    async.send('AsyncStatusResponse', 2)
    expect(await second).toBe(2)
  })
})

describe('What does not come clear', () => {
  test('is replaced by a new connection, which locks again', async () => {
    await using server = await ScriptedHislip.listen()
    const opening = openAt(server.port, { timeoutMs: SOON_MS * 20, lock: true })
    const grant = async ({ async }: { async: HislipEnd }): Promise<void> => {
      expect(await async.told()).toEqual(['AsyncLock', 1, 2000, ''])
      async.send('AsyncLockResponse', 1)
    }
    const old = await server.session()
    await grant(old)
    await using transport = await opening
    const resynchronised = transport.resynchronise(forever())
    const ends = await server.session()
    await grant(ends)
    await resynchronised
    await old.sync.closed()
    const heard = new Heard()
    transport.connect(heard)
    await transport.write(bytesOf('a?'), forever())
    expect(await ends.sync.told()).toEqual(['DataEND', 0, FIRST, 'a?'])
    ends.sync.send('DataEND', 0, FIRST, 'A')
    expect(await heard.first(2)).toEqual(['A', 'end'])
    ends.async.socket.destroy()
    await heard.first(3)
  })

  test('is replaced also when the caller gives up in the middle, before the next exchange', async () => {
    await using server = await ScriptedHislip.listen()
    const { transport, async } = await opened(server)
    await using _ = transport
    const caller = new AbortController()
    const clearing = transport.resynchronise(caller.signal)
    await async.next()
    caller.abort(new Error('enough'))
    await expect(clearing).rejects.toThrow('enough')
    await expect(transport.write(bytesOf('a?'), forever())).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    const [, ends] = await Promise.all([transport.resynchronise(forever()), server.session()])
    await transport.write(bytesOf('a?'), forever())
    expect(await ends.sync.told()).toEqual(['DataEND', 0, FIRST, 'a?'])
  })
})

describe('A server’s errors', () => {
  test('fail the question under way, and the next is asked after a device clear', async () => {
    await using server = await ScriptedHislip.listen()
    const { transport, ...ends } = await opened(server)
    await using session = new WireSession(transport, { timeoutMs: NEVER_MS })
    const asked = session.ask(bytesOf('a?'), scpiLineReply, forever())
    const refused = expect(asked).rejects.toMatchObject({ code: 'INSTRUMENT_REFUSED', context: { hislipError: 4 } })
    await ends.sync.next()
    ends.sync.send('Error', 4, 0, 'too large')
    await refused
    const next = session.ask(bytesOf('b?'), scpiLineReply, forever())
    await comeClear(ends)
    await ends.sync.next()
    ends.sync.send('DataEND', 0, FIRST, 'B\n')
    expect(await next).toBe('B')
  })

  test('refuse the request that they answer, and nothing else', async () => {
    await using server = await ScriptedHislip.listen()
    const { transport, sync, async, heard } = await opened(server)
    await using _ = transport
    const remote = transport.remoteLocal('go-to-local', forever())
    await async.next()
    async.send('Error', 2, 0, 'no')
    await expect(remote).rejects.toMatchObject({ code: 'INSTRUMENT_REFUSED', context: { hislipError: 2 } })
    await transport.write(bytesOf('a?'), forever())
    sync.send('DataEND', 0, FIRST, 'A')
    expect(await heard.first(2)).toEqual(['A', 'end'])
  })

  test.each(['sync', 'async'] as const)('that are fatal end both connections, said on the %s one', async (channel) => {
    await using server = await ScriptedHislip.listen()
    const { transport, heard, ...ends } = await opened(server)
    await using _ = transport
    ends[channel].send('FatalError', 0, 0, 'going down')
    expect(await heard.first(1)).toEqual(['TRANSPORT_LOST'])
    await Promise.all([ends.sync.closed(), ends.async.closed()])
    await expect(transport.write(bytesOf('a?'), forever())).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    await expect(transport.controls.readStatusByte(forever())).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    await expect(transport.controls.trigger(forever())).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
  })
})

describe('A connection that is lost', () => {
  test.each(['sync', 'async'] as const)(
    'on the %s channel ends the question, and the next connects anew',
    async (channel) => {
      await using server = await ScriptedHislip.listen()
      const { transport, ...ends } = await opened(server)
      await using session = new WireSession(transport, { timeoutMs: NEVER_MS })
      const asked = session.ask(bytesOf('a?'), scpiLineReply, forever())
      const lost = expect(asked).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
      await ends.sync.next()
      ends.sync.socket.write(bytesOf('HS\x07\0'))
      ends[channel].socket.end()
      await lost
      await Promise.all([ends.sync.closed(), ends.async.closed()])
      const next = session.ask(bytesOf('b?'), scpiLineReply, forever())
      const again = await server.session()
      expect(await again.sync.told()).toEqual(['DataEND', 0, FIRST, 'b?'])
      again.sync.send('DataEND', 0, FIRST, 'B')
      expect(await next).toBe('B')
    },
  )

  test('while it is opened, at any point, is a wire that could not be opened', async () => {
    await using server = await ScriptedHislip.listen()
    const points: ((sync: HislipEnd) => Promise<HislipEnd>)[] = [
      async (sync) => sync,
      async (sync) => {
        sync.send('InitializeResponse', 0, 0x0200_0005)
        return server.connection()
      },
      async (sync) => {
        sync.send('InitializeResponse', 0, 0x0200_0005)
        const async = await server.connection()
        async.send('AsyncInitializeResponse')
        await async.next()
        await async.next()
        return async
      },
      async (sync) => {
        sync.send('InitializeResponse', 0, 0x0200_0005)
        await server.connection()
        return sync
      },
    ]
    for (const reach of points) {
      const opening = openAt(server.port)
      const failed = expect(opening).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
      const sync = await server.connection()
      await sync.next()
      ;(await reach(sync)).socket.destroy()
      await failed
    }
  })

  test('is a wire that could not be opened when nobody answers in time, and when the caller gives up', async () => {
    await using server = await ScriptedHislip.listen()
    await expect(openAt(server.port, { timeoutMs: SOON_MS })).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: `TCPIP::127.0.0.1::hislip0::INSTR cannot be opened: TCPIP::127.0.0.1::hislip0::INSTR: no answer from the server within ${SOON_MS} ms`,
    })
    const caller = new AbortController()
    const opening = openAt(server.port, {}, caller.signal)
    await server.connection()
    const failed = expect(opening).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
    caller.abort()
    await failed
    await expect(openAt(server.port, {}, AbortSignal.abort())).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
    const { port } = server
    await server[Symbol.asyncDispose]()
    await expect(openAt(port)).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringContaining('does not answer') as string,
    })
  })

  test('ends a write to a server that does not read', async () => {
    await using server = await ScriptedHislip.listen()
    const { transport, sync } = await opened(server, {}, { maxBytes: 2 ** 20 })
    sync.socket.pause()
    const caller = new AbortController()
    const write = transport.write(new Uint8Array(40_000_000), caller.signal)
    await settled()
    caller.abort(new Error('enough'))
    await expect(write).rejects.toThrow('enough')
    const hanging = transport.write(new Uint8Array(40_000_000), forever())
    const lost = expect(hanging).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    await settled()
    await transport[Symbol.asyncDispose]()
    await lost
  })
})

describe('A hostile server', () => {
  const HOSTILE: readonly (readonly [string, 'sync' | 'async', string])[] = [
    ['garbage', 'sync', '00'.repeat(16)],
    ['garbage', 'async', 'ff'.repeat(40)],
    ['a length beyond counting', 'sync', `48530600ffffffff${'ff'.repeat(8)}`],
    ['a long text', 'async', '48530300000000000000000000100000'],
    ['a message of the other channel', 'sync', '48531400000000000000000000000000'],
    ['data on the wrong channel', 'async', '48530600000000000000000000000001aa'],
    ['a response to nothing', 'async', '48531600000000000000000000000000'],
    ['a type that does not exist', 'sync', '48536300000000000000000000000000'],
  ]

  test.each(HOSTILE)('that sends %s on the %s channel is hung up on, and told why', async (_, channel, hex) => {
    await using server = await ScriptedHislip.listen()
    const { transport, heard, ...ends } = await opened(server)
    await using _transport = transport
    ends[channel].socket.write(Buffer.from(hex, 'hex'))
    expect(await heard.first(1)).toEqual(['PROTOCOL_UNEXPECTED_REPLY'])
    expect(await ends[channel].told()).toEqual(['FatalError', 1, 0, 'not HiSLIP'])
    await Promise.all([ends.sync.closed(), ends.async.closed()])
    const [, again] = await Promise.all([transport.resynchronise(forever()), server.session()])
    await transport.write(bytesOf('a?'), forever())
    expect(await again.sync.told()).toEqual(['DataEND', 0, FIRST, 'a?'])
  })

  test.each([
    ['a version above the one asked for', { version: 0x0300 }, 'PROTOCOL_UNEXPECTED_REPLY'],
    ['no version', { version: 0 }, 'PROTOCOL_UNEXPECTED_REPLY'],
    ['encryption', { control: 2 }, 'TRANSPORT_OPEN_FAILED'],
    ['no room for any message', { maxBytes: 16 }, 'PROTOCOL_UNEXPECTED_REPLY'],
  ])('that wants %s is not opened', async (_, greeting, code) => {
    await using server = await ScriptedHislip.listen()
    const opening = openAt(server.port)
    const failed = expect(opening).rejects.toMatchObject({ code })
    // The client leaves in the middle of the greeting.
    const greeted = server.session(greeting).catch(() => undefined)
    await failed
    await server[Symbol.asyncDispose]()
    void greeted
  })

  test('never crashes the transport, whatever it sends', async () => {
    const frame = fc.tuple(
      fc.constantFrom(1, 2, 3, 5, 6, 7, 9, 11, 13, 14, 16, 18, 20, 22, 23, 25, 77),
      fc.nat(255),
      fc.constantFrom(0, FIRST, FIRST - 2, 0xffff_ffff),
      fc.uint8Array({ maxLength: 20 }),
    )
    const bytes = frame.map(([type, control, parameter, payload]) => {
      const header = Buffer.from('48530000000000000000000000000000', 'hex')
      header[2] = type
      header[3] = control
      header.writeUInt32BE(parameter, 4)
      header[15] = payload.length
      return Buffer.concat([header, payload])
    })
    const said = fc.array(fc.oneof({ weight: 4, arbitrary: bytes }, { weight: 1, arbitrary: fc.uint8Array() }), {
      maxLength: 8,
    })
    await using server = await ScriptedHislip.listen()
    await fc.assert(
      fc.asyncProperty(said, said, async (onSync, onAsync) => {
        const { transport, heard, sync, async } = await opened(server)
        await transport.write(bytesOf('a?'), forever())
        sync.socket.end(Buffer.concat(onSync))
        async.socket.end(Buffer.concat(onAsync))
        await Promise.all([sync.closed(), async.closed()])
        while (!heard.said.some((what) => /^(TRANSPORT_LOST|PROTOCOL_UNEXPECTED_REPLY)$/.test(what)))
          await heard.first(heard.said.length + 1)
        await transport[Symbol.asyncDispose]()
      }),
      { numRuns: 60 },
    )
  })
})
