import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { servePseudoTerminal } from '../../sim/ports/pseudo-terminal.ts'
import { bytesOf, latin1 } from '../support/manual-transport.ts'
import { whyNoSerialPorts } from '../support/serial-ports.ts'
import { TestInstrument, testBytes } from '../support/wire-instruments.ts'

const reason = await whyNoSerialPorts()

/** A program that knows nothing of serial settings. */
const openPlain = (path: string): Promise<FileHandle> => open(path, constants.O_RDWR | constants.O_NOCTTY)

async function readExactly(client: FileHandle, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count)
  for (let at = 0; at < count;) at += (await client.read(bytes, at, count - at)).bytesRead
  return bytes
}

async function writeAll(client: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await client.write(bytes, at)).bytesWritten
}

describe.skipIf(reason !== undefined)('An instrument behind a pseudo-terminal', () => {
  test('hears every byte value as it was sent, and is heard so, by a program that sets nothing', async () => {
    const instrument = new TestInstrument()
    await using port = await servePseudoTerminal(instrument)
    const client = await openPlain(port.path)
    const every = Uint8Array.from({ length: 256 }, (_, value) => value)
    await writeAll(client, every)
    await instrument.until(() => instrument.heard().length === 256)
    expect(instrument.heard()).toBe(latin1(every))
    instrument.connections[0]!.send(every)
    expect(await readExactly(client, 256)).toEqual(every)
    await client.close()
  })

  test('does not hear its own words back', async () => {
    const instrument = new TestInstrument()
    await using port = await servePseudoTerminal(instrument)
    const client = await openPlain(port.path)
    instrument.connections[0]!.send(bytesOf('hello\r\n'))
    expect(latin1(await readExactly(client, 7))).toBe('hello\r\n')
    await writeAll(client, bytesOf('!'))
    await instrument.until(() => instrument.heard() !== '')
    expect(instrument.heard()).toBe('!')
    await client.close()
  })

  test('stays on the line when its client closes the port and opens it again', async () => {
    const instrument = new TestInstrument()
    instrument.reply = (bytes, send) => send(bytes)
    await using port = await servePseudoTerminal(instrument)
    for (const text of ['one', 'two', 'six']) {
      const client = await openPlain(port.path)
      await writeAll(client, bytesOf(text))
      expect(latin1(await readExactly(client, 3))).toBe(text)
      await client.close()
    }
    expect(instrument.connections).toHaveLength(1)
  })

  test('says a megabyte to a client that is slow to read, in order and whole', async () => {
    const instrument = new TestInstrument()
    await using port = await servePseudoTerminal(instrument)
    const said = testBytes(1_000_000)
    const client = await openPlain(port.path)
    for (let at = 0; at < said.length; at += 10_000) instrument.connections[0]!.send(said.subarray(at, at + 10_000))
    expect(Buffer.compare(await readExactly(client, said.length), said)).toBe(0)
    await client.close()
  })

  test('does not listen while its words are not read, and then hears everything', async () => {
    const instrument = new TestInstrument()
    await using port = await servePseudoTerminal(instrument)
    const client = await openPlain(port.path)
    instrument.connections[0]!.send(testBytes(200_000))
    await writeAll(client, bytesOf('question'))
    // Whatever is written later to an instrument that listens is heard by then.
    const other = new TestInstrument()
    await using otherPort = await servePseudoTerminal(other)
    const otherClient = await openPlain(otherPort.path)
    for (const text of ['1', '12', '123']) {
      await writeAll(otherClient, bytesOf(text.slice(-1)))
      await other.until(() => other.heard() === text)
    }
    await otherClient.close()
    expect(instrument.heard()).toBe('')
    await readExactly(client, 200_000)
    await instrument.until(() => instrument.heard() === 'question')
    await client.close()
  })

  test('may change what it sent afterwards: the bytes are its own', async () => {
    const instrument = new TestInstrument()
    await using port = await servePseudoTerminal(instrument)
    const client = await openPlain(port.path)
    const buffer = testBytes(150_000)
    const said = buffer.slice()
    instrument.connections[0]!.send(buffer)
    buffer.fill(0)
    expect(Buffer.compare(await readExactly(client, said.length), said)).toBe(0)
    await client.close()
  })

  test('is unplugged when the port is closed: once, whoever closes it again', async () => {
    const instrument = new TestInstrument()
    const port = await servePseudoTerminal(instrument)
    const { attached } = instrument.connections[0]!
    expect(attached).toBe(true)
    await Promise.all([port[Symbol.asyncDispose](), port[Symbol.asyncDispose]()])
    expect(instrument.connections[0]!.attached).toBe(false)
    instrument.connections[0]!.send(bytesOf('to nobody'))
    await expect(openPlain(port.path)).rejects.toThrow()
    await port[Symbol.asyncDispose]()
  })

  test('leaves no file open', async () => {
    const { readdir } = await import('node:fs/promises')
    const openFiles = async (): Promise<number> => (await readdir('/proc/self/fd')).length
    await (await servePseudoTerminal(new TestInstrument()))[Symbol.asyncDispose]()
    const before = await openFiles()
    for (let round = 0; round < 20; round++)
      await (await servePseudoTerminal(new TestInstrument()))[Symbol.asyncDispose]()
    expect(await openFiles()).toBe(before)
  })
})

describe('Where there are no pseudo-terminals', () => {
  afterEach(() => void vi.unstubAllGlobals())

  test('says so instead of serving one', async () => {
    vi.stubGlobal('process', { ...process, platform: 'win32' })
    await expect(servePseudoTerminal(new TestInstrument())).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringContaining('Linux only, and this is win32') as string,
    })
  })
})
