import type { Worker } from 'node:worker_threads'
import { beforeAll, describe, expect, test } from 'vitest'
import { scpiBlockMessage, scpiBlockReply, scpiLine } from '../../drivers/protocols/scpi.ts'
import { ScpiSession } from '../../drivers/transports/scpi-session.ts'
import type { VisaOptions } from '../../drivers/transports/visa/visa.ts'
import { hasCompiler } from '../support/visa/build-library.ts'
import {
  GPIB,
  IDENTITY,
  SERIAL,
  SOCKET,
  USB,
  VisaTestBench,
  forever,
  visaFolder,
} from '../support/visa/visa-test-bench.ts'
import { testBytes } from '../support/wire-instruments.ts'

const NEVER_MS = 3_600_000
const SHORT_MS = 130
const TMO = 0xbfff0015
const CONN_LOST = 0xbfff00a6
const IO = 0xbfff003e
const TMO_VALUE = 0x3fff001a

if (!hasCompiler) console.info('VISA over a test library: skipped, because there is no C compiler cc')

let built: { folder: string; library: string }
beforeAll(async () => {
  if (hasCompiler) built = await visaFolder()
})
const start = (): Promise<VisaTestBench> => VisaTestBench.start(built)

async function talk(bench: VisaTestBench, name: string, options: VisaOptions = {}) {
  const transport = await bench.open(name, options)
  const scpi = new ScpiSession({ name: 'device', transport }, NEVER_MS)
  return { transport, scpi, [Symbol.asyncDispose]: () => scpi[Symbol.asyncDispose]() }
}

const block = (size: number): Uint8Array => {
  const { message, payload } = scpiBlockMessage(':DATA ', size)
  payload.set(testBytes(size))
  return message
}
const copied = scpiBlockReply((payload) => payload.slice())

describe.skipIf(!hasCompiler)('A VISA resource', () => {
  test.each([GPIB, USB, SERIAL, SOCKET])('%s is asked and answers, one question after the other', async (name) => {
    await using bench = await start()
    await using device = await talk(bench, name)
    for (let question = 0; question < 20; question++) expect(await device.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
    expect(bench.server.made('viClear')).toBe(0)
    expect(bench.server.made('viOpen')).toBe(1)
  })

  test.each([
    [GPIB, 1 << 20],
    [SOCKET, 1 << 16],
    [SERIAL, 1 << 12],
  ])('%s carries a block of %d bytes both ways, whatever bytes are in it', async (name, size) => {
    await using bench = await start()
    await using device = await talk(bench, name)
    await device.scpi.tell(block(size), forever())
    const payload = await device.scpi.askFramed(':DATA?', copied, forever())
    expect(Buffer.compare(bench.state.data, testBytes(size))).toBe(0)
    expect(Buffer.compare(payload, testBytes(size))).toBe(0)
    expect(await device.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
  })

  test('sessions wait side by side: none keeps another, nor this process, from going on', async () => {
    await using bench = await start()
    await using slow = await talk(bench, GPIB)
    await using quick = await talk(bench, USB)
    const answer = slow.scpi.ask(':SLOW?', forever())
    await bench.server.until(() => bench.server.made('viRead') > 0)
    for (let question = 0; question < 5; question++) expect(await quick.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
    bench.answerSlow('at last')
    expect(await answer).toBe('at last')
  })

  test('no read lasts longer than 100 ms in the library, however long the answer takes', async () => {
    await using bench = await start()
    await using device = await talk(bench, GPIB)
    const answer = device.scpi.ask(':SLOW?', forever())
    await bench.server.until(() => bench.server.made('viRead') === 3)
    bench.answerSlow('1')
    await answer
    const { calls } = bench.server
    const first = calls.findIndex(({ call }) => call === 'viRead')
    const timeout = calls.findLast(({ number }, index) => number === TMO_VALUE && index < first)
    expect(timeout?.state).toBe(100)
    expect(calls.slice(first).filter(({ number }) => number === TMO_VALUE)).toEqual([])
  })

  test.each([SERIAL, SOCKET])(
    '%s: after a reply, a look for more keeps the next question only shortly',
    async (name) => {
      await using bench = await start()
      await using transport = await bench.open(name)
      await transport.write(scpiLine('*IDN?'), forever())
      transport.pull(NEVER_MS)
      await bench.server.until(() => bench.server.made('viRead') > 1)
      const timeoutsMs = bench.server.calls.filter(({ number }) => number === TMO_VALUE).map(({ state }) => state)
      expect(timeoutsMs).toEqual([3000, 100, 1])
    },
  )

  test.each([GPIB, SERIAL, SOCKET])('%s: a late reply never answers the next question', async (name) => {
    await using bench = await start()
    await using device = await talk(bench, name)
    await expect(device.scpi.ask(':SLOW?', forever(), SHORT_MS)).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    bench.answerSlow('too late')
    expect(await device.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
    expect(await device.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
  })

  test('gives up a read when the caller does, clears the device and goes on', async () => {
    await using bench = await start()
    await using device = await talk(bench, GPIB)
    const caller = new AbortController()
    const answer = device.scpi.ask(':SLOW?', caller.signal)
    await bench.server.until(() => bench.server.made('viRead') > 0)
    caller.abort()
    await expect(answer).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    expect(await device.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
    expect(bench.server.made('viClear')).toBe(1)
    expect(bench.server.made('viOpen')).toBe(1)
  })

  test('is opened anew when it cannot be cleared', async () => {
    await using bench = await start()
    await using device = await talk(bench, GPIB)
    await expect(device.scpi.ask(':SLOW?', forever(), SHORT_MS)).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    bench.server.failNext('viClear', IO)
    expect(await device.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
    expect(bench.server.made('viClear')).toBe(2)
    expect(bench.server.made('viOpen')).toBe(2)
  })

  test.each([CONN_LOST, IO])(
    'a read that fails with %i is a lost wire, in the words of the library',
    async (status) => {
      await using bench = await start()
      await using device = await talk(bench, GPIB)
      bench.server.failNext('viRead', status)
      const hex = `0x${status.toString(16).toUpperCase()}`
      await expect(device.scpi.ask('*IDN?', forever())).rejects.toMatchObject({
        code: 'TRANSPORT_LOST',
        message: `VISA::${GPIB}: viRead failed with ${hex}: object known, in the words of the library, status ${status | 0}`,
        context: { call: 'viRead', status: hex },
      })
      expect(await device.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
    },
  )

  test('unplugged is lost, then not there, and back when it is plugged in again', async () => {
    await using bench = await start()
    await using device = await talk(bench, USB)
    const answer = device.scpi.ask(':SLOW?', forever())
    const lost = expect(answer).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    await bench.server.until(() => bench.server.made('viRead') > 0)
    bench.server.gone.add(USB)
    await lost
    await expect(device.scpi.ask('*IDN?', forever())).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
    bench.server.gone.clear()
    expect(await device.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
  })

  test('is opened by a new thread when the one it had has died, and watches for service requests again', async () => {
    await using bench = await start()
    let thread: Worker | undefined
    process.once('worker', (worker) => (thread = worker))
    await using device = await talk(bench, GPIB)
    const served = new Promise<void>((resolve) => {
      void device.transport.controls!.onServiceRequest(resolve, forever())
    })
    const answer = device.scpi.ask(':SLOW?', forever())
    const lost = expect(answer).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    await bench.server.until(() => bench.server.made('viRead') > 0)
    await thread!.terminate()
    await lost
    expect(await device.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
    await device.scpi.tell('*CLS;*ESE 1;*SRE 32;*OPC', forever())
    await served
  })

  test('a write of which nothing was taken is tried again; one of which a part was taken is not', async () => {
    await using bench = await start()
    await using device = await talk(bench, GPIB)
    bench.server.failNext('viWrite', TMO)
    expect(await device.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
    bench.server.failNext('viWrite', TMO, 3)
    await expect(device.scpi.ask('*IDN?', forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    expect(await device.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
  })

  test('gives up a long write between its pieces', async () => {
    await using bench = await start()
    await using device = await talk(bench, GPIB)
    const release = bench.server.hold('viWrite')
    const caller = new AbortController()
    const write = device.transport.write(block(1 << 20), caller.signal)
    await bench.server.until(() => bench.server.made('viWrite') > 0)
    caller.abort(new Error('enough'))
    await expect(write).rejects.toThrow('enough')
    const next = device.transport.resynchronise(forever())
    release()
    await next
    expect(bench.server.made('viWrite')).toBe(1)
    expect(await device.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
  })

  test('a library that claims to have read more than there was room for brings an error, not a crash', async () => {
    await using bench = await start()
    await using device = await talk(bench, GPIB)
    bench.server.failNext('viRead', 0, 0xffffffff)
    await expect(device.scpi.ask('*IDN?', forever())).rejects.toMatchObject({ code: 'PROTOCOL_UNEXPECTED_REPLY' })
    expect(await device.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
  })

  test('empty messages do not count as a reply', async () => {
    await using bench = await start()
    await using device = await talk(bench, GPIB)
    bench.server.failNext('viRead', 0)
    bench.server.failNext('viRead', 0)
    expect(await device.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
  })

  test('closes in the middle of a read, and says nothing any more', async () => {
    await using bench = await start()
    const transport = await bench.open(GPIB)
    const heard: string[] = []
    transport.connect({
      onBytes: () => void heard.push('bytes'),
      onEnd: () => void heard.push('end'),
      onLost: () => void heard.push('lost'),
      onDeadline: () => undefined,
    })
    await transport.write(scpiLine(':SLOW?'), forever())
    transport.pull(NEVER_MS)
    await bench.server.until(() => bench.server.made('viRead') > 0)
    await transport[Symbol.asyncDispose]()
    await transport[Symbol.asyncDispose]()
    expect(bench.server.made('viClose')).toBe(1)
    expect(heard).toEqual([])
    await expect(transport.write(scpiLine('*IDN?'), forever())).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
  })
})
