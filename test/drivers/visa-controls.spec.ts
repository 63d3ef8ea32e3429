import { beforeAll, describe, expect, test } from 'vitest'
import { ScpiSession } from '../../drivers/transports/scpi-session.ts'
import type { MessageControls } from '../../core/transport.ts'
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

const NEVER_MS = 3_600_000
const IO = 0xbfff003e
const RSRC_BUSY = 0xbfff0072

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

/** Counts service requests, and resolves when there are so many. */
async function watch(controls: MessageControls) {
  let [count, wanted, reached] = [0, Infinity, (): void => undefined]
  await controls.onServiceRequest(() => {
    if (++count >= wanted) reached()
  }, forever())
  return {
    seen: () => count,
    until: (number: number): Promise<void> =>
      new Promise((resolve) => {
        ;[wanted, reached] = [number, resolve]
        if (count >= wanted) resolve()
      }),
  }
}

describe.skipIf(!hasCompiler)('What a VISA resource can do beside bytes', () => {
  test('is triggered as by *TRG', async () => {
    await using bench = await start()
    await using device = await talk(bench, GPIB)
    await device.transport.controls!.trigger(forever())
    await device.transport.controls!.trigger(forever())
    expect(bench.state.triggers).toBe(2)
  })

  test('asks for service, says in its status byte why, and takes the request back when it is polled', async () => {
    await using bench = await start()
    await using device = await talk(bench, GPIB)
    const controls = device.transport.controls!
    const requests = await watch(controls)
    await device.scpi.tell('*CLS;*ESE 1;*SRE 32;*OPC', forever())
    await requests.until(1)
    expect(await controls.readStatusByte(forever())).toBe(0x60)
    expect(await controls.readStatusByte(forever())).toBe(0x20)
    await device.scpi.tell('*CLS;*OPC', forever())
    await requests.until(2)
    expect(requests.seen()).toBe(2)
  })

  test('service requests and polls come through while a read waits, and the read goes on', async () => {
    await using bench = await start()
    await using device = await talk(bench, GPIB)
    await using other = await talk(bench, USB)
    await device.scpi.tell('*CLS;*ESE 1;*SRE 32', forever())
    const requests = await watch(device.transport.controls!)
    const answer = device.scpi.ask(':SLOW?', forever())
    await bench.server.until(() => bench.server.made('viRead') > 0)
    await other.scpi.tell('*OPC', forever())
    await requests.until(1)
    expect(await device.transport.controls!.readStatusByte(forever())).toBe(0x60)
    bench.answerSlow('done')
    expect(await answer).toBe('done')
  })

  test('goes on watching for service requests when the resource had to be opened anew', async () => {
    await using bench = await start()
    await using device = await talk(bench, GPIB)
    const requests = await watch(device.transport.controls!)
    bench.server.failNext('viClear', IO)
    await device.transport.resynchronise(forever())
    await device.scpi.tell('*CLS;*ESE 1;*SRE 32;*OPC', forever())
    await requests.until(1)
    expect(bench.server.made('viOpen')).toBe(2)
  })

  test('a wire that goes while nothing is asked is lost, too', async () => {
    await using bench = await start()
    await using transport = await bench.open(GPIB)
    const lost = new Promise<string>((resolve) => {
      transport.connect({
        onBytes: () => undefined,
        onEnd: () => undefined,
        onLost: ({ code }) => resolve(code),
        onDeadline: () => undefined,
      })
    })
    await watch(transport.controls!)
    bench.server.gone.add(GPIB)
    expect(await lost).toBe('TRANSPORT_LOST')
  })

  test('no serial port and no socket has such means', async () => {
    await using bench = await start()
    for (const name of [SERIAL, SOCKET]) {
      await using transport = await bench.open(name)
      expect(transport.controls).toBeUndefined()
    }
  })
})

describe.skipIf(!hasCompiler)('A locked VISA resource', () => {
  test('is kept from others until it is let go', async () => {
    await using bench = await start()
    const holder = await talk(bench, GPIB, { lock: true })
    await expect(bench.open(GPIB, { lock: true })).rejects.toMatchObject({
      code: 'TRANSPORT_LOCKED',
      message: `VISA::${GPIB}: another program holds the instrument`,
    })
    {
      await using rival = await talk(bench, GPIB)
      await expect(rival.scpi.tell('*CLS', forever())).rejects.toMatchObject({ code: 'TRANSPORT_LOCKED' })
      await expect(rival.transport.controls!.trigger(forever())).rejects.toMatchObject({ code: 'TRANSPORT_LOCKED' })
    }
    expect(await holder.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
    await holder[Symbol.asyncDispose]()
    await using next = await talk(bench, GPIB, { lock: true })
    expect(await next.scpi.ask('*IDN?', forever())).toBe(IDENTITY)
  })

  test('is locked again when it had to be opened anew', async () => {
    await using bench = await start()
    await using holder = await talk(bench, GPIB, { lock: true })
    bench.server.failNext('viClear', IO)
    await holder.transport.resynchronise(forever())
    expect(bench.server.holders.has(GPIB)).toBe(true)
    expect(bench.server.made('viLock')).toBe(2)
  })

  test('is not opened while another program has it, which is not the same as not there', async () => {
    await using bench = await start()
    bench.server.failNext('viOpen', RSRC_BUSY)
    await expect(bench.open(SERIAL)).rejects.toMatchObject({ code: 'TRANSPORT_LOCKED' })
    await expect(bench.open('GPIB0::13::INSTR')).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringContaining('viOpen failed with 0xBFFF0011') as string,
    })
  })
})

describe.skipIf(!hasCompiler)('Attributes of a VISA resource', () => {
  test('are read and set under their names, and stay when a serial port is opened anew', async () => {
    await using bench = await start()
    await using transport = await bench.open(SERIAL)
    expect(await transport.getAttribute('interfaceType', forever())).toBe(4)
    expect(await transport.getAttribute('resourceClass', forever())).toBe('INSTR')
    expect(await transport.getAttribute('libraryMaker', forever())).toBe('Fringe tests')
    expect(await transport.getAttribute('termCharEnabled', forever())).toBe(true)
    expect(await transport.getAttribute('termChar', forever())).toBe(0x0a)
    expect(await transport.getAttribute('baudRate', forever())).toBe(9600)
    await transport.setAttribute('baudRate', 115_200, forever())
    bench.server.failNext('viClear', IO)
    await transport.resynchronise(forever())
    expect(bench.server.made('viOpen')).toBe(2)
    expect(await transport.getAttribute('baudRate', forever())).toBe(115_200)
  })

  test('messages end where the instrument says so, not at a byte that may be in them', async () => {
    await using bench = await start()
    await using transport = await bench.open(GPIB)
    expect(await transport.getAttribute('termCharEnabled', forever())).toBe(false)
  })

  test('that a resource does not have are the mistake of the caller', async () => {
    await using bench = await start()
    await using transport = await bench.open(GPIB)
    const missing = { code: 'CALL_INVALID', context: { status: '0xBFFF001D' } }
    await expect(transport.getAttribute('baudRate', forever())).rejects.toMatchObject(missing)
    await expect(transport.setAttribute('baudRate', 9600, forever())).rejects.toMatchObject(missing)
  })
})
