import { describe, expect, test } from 'vitest'
import { askIdentity } from '../../bench/ask-identity.ts'
import { announcedResources } from '../../bench/announced-resources.ts'
import { readBenchFile } from '../../bench/bench-file.ts'
import { startTwin } from '../../bench/connect-twin.ts'
import { resourceNamed } from '../../bench/discover.ts'
import { parseResource } from '../../bench/resource.ts'
import { SystemClock, VirtualClock } from '../../core/clock.ts'
import { BenchError, isBenchError } from '../../core/errors.ts'
import { DRIVERS } from '../../drivers/registry.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'
import { TappedTransport } from '../../drivers/transports/tapped.ts'
import type { Wire } from '../../drivers/transports/wire.ts'
import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'
import { latin1 } from '../support/manual-transport.ts'
import { testBytes } from '../support/wire-instruments.ts'

const SMALL = 'test/cli/small-bench.yaml'
const { signal } = new AbortController()
const clock = new SystemClock()
/** Simulated instruments answer at once; who does not, never will. */
const timeoutMs = 25

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
/** Reads of registers that hold texts; a set bit 0 in the first byte would be a write. */
const itlaReads = /^([0-9a-f][02468ace](00|01|02|03|04|06|0b|21)0000)+$/
/** Everything that each driver's identity question may send: a tap fails on any other byte. */
const QUESTIONS: Readonly<Record<string, (bytes: Uint8Array) => boolean>> = {
  'oif-itla': (bytes) => itlaReads.test(hex(bytes)),
  'thorlabs-mbx': (bytes) => latin1(bytes) === '*IDN?\r',
  'keysight-m8195a': (bytes) => latin1(bytes) === '*IDN?\n',
  'keysight-n7745': (bytes) => latin1(bytes) === '*IDN?\n',
  'qontrol-q8': (bytes) => latin1(bytes) === 'id?\n',
  // Function 3 reads holding registers and changes none.
  'omron-e5cc': (bytes) => /^0103.{12}$/.test(hex(bytes)),
  'eastron-sdm120': (bytes) => /^0103.{12}$/.test(hex(bytes)),
  'keysight-b2900': (bytes) => latin1(bytes) === '*IDN?\n',
  waveshaper: (bytes) => latin1(bytes).startsWith('GET /waveshaper/devinfo '),
  'labjack-t7': (bytes) => /^.{4}000000060103.{8}$/.test(hex(bytes)),
}

function listenedTo(far: WireInstrument, mayBeSent: (bytes: Uint8Array) => boolean): { wire: Wire; wrong: string[] } {
  const wrong: string[] = []
  const tap = {
    cause: 0,
    record: (direction: string, bytes: Uint8Array) => {
      if (direction === 'tx' && !mayBeSent(bytes)) wrong.push(hex(bytes))
    },
  }
  const transport = new TappedTransport(new BytePipe('sim', (send) => far.attach(send)), tap)
  return { wire: { name: 'sim', transport }, wrong }
}

const silent: WireInstrument = { attach: () => ({ receive: () => undefined, detach: () => undefined }) }
const garbled: WireInstrument = {
  attach: (send) => ({ receive: () => send(testBytes(40)), detach: () => undefined }),
}

describe.each(Object.keys(QUESTIONS))('The identity question of %s', (driver) => {
  const { ask, fits } = DRIVERS[driver]!.identity!

  test('is answered by its own instruments, and by none that it would take for one', async () => {
    await using twin = await startTwin(await readBenchFile(SMALL), { seed: 1, clock, mode: 'pipe' })
    const known: string[] = []
    for (const [name, far] of twin.far) {
      const { wire, wrong } = listenedTo(far, QUESTIONS[driver]!)
      const identity = await ask(wire, { clock, timeoutMs, unit: 1 }, signal).catch((error: unknown) => {
        if (isBenchError(error)) return undefined
        throw error
      })
      if (identity !== undefined && fits(identity)) known.push(name)
      expect(wrong, `${driver} asks ${name}`).toEqual([])
    }
    const file = await readBenchFile(SMALL)
    const own = [...file.instruments.values()].filter((one) => one.driver === driver).map(({ name }) => name)
    expect(known).toEqual(own)
  })

  test.each([
    ['silence', silent],
    ['garbage', garbled],
  ])('sends nothing else into %s', async (_, far) => {
    const { wire, wrong } = listenedTo(far, QUESTIONS[driver]!)
    await expect(ask(wire, { clock, timeoutMs, unit: 1 }, signal)).rejects.toThrow(BenchError)
    expect(wrong).toEqual([])
  })
})

test('every driver has an identity question, and this page knows what it may send', () => {
  expect(Object.keys(QUESTIONS).sort()).toEqual(Object.keys(DRIVERS).sort())
  for (const [name, { identity }] of Object.entries(DRIVERS)) expect(identity, name).toBeDefined()
})

describe('Asking who is at a place', () => {
  /** One far end, whatever the settings; what was asked, in order. */
  function at(far: WireInstrument) {
    const opened: string[] = []
    const options = {
      clock,
      timeoutMs,
      drivers: DRIVERS,
      connect: async (name: string, resource: { text: string }, line: { baudRate: number } | undefined) => {
        opened.push(`${resource.text} ${line?.baudRate ?? ''}`.trim())
        return { name, transport: new BytePipe('sim', (send) => far.attach(send)) }
      },
    }
    return { opened, ask: (name: string) => askIdentity(parseResource(name), options, signal) }
  }
  const PORT = 'ASRL/dev/ttyUSB7::INSTR'

  test('on a serial port tries lasers first, then every other speech at its own settings', async () => {
    const { opened, ask } = at(silent)
    await expect(ask(PORT)).rejects.toMatchObject({
      code: 'TRANSPORT_TIMEOUT',
      message: expect.stringMatching(/^ASRL.*: nobody answers; tried oif-itla at 9600-8N1, thorlabs-mbx at/) as string,
    })
    expect(opened).toEqual([
      `${PORT} 9600`,
      `${PORT} 115200`,
      `${PORT} 115200`,
      'MODBUS::/dev/ttyUSB7::9600-8E1::1 9600',
      'MODBUS::/dev/ttyUSB7::9600-8N1::1 9600',
    ])
  })

  test('stops at the first who answers, and names the resource as a bench file would', async () => {
    await using twin = await startTwin(await readBenchFile(SMALL), { seed: 1, clock: new VirtualClock(), mode: 'pipe' })
    const laser = at(twin.far.get('laser')!)
    expect(await laser.ask(PORT)).toMatchObject({ resource: PORT, driver: 'oif-itla' })
    expect(laser.opened).toHaveLength(1)
    const oven = at(twin.far.get('oven')!)
    expect(await oven.ask(PORT)).toMatchObject({ resource: 'MODBUS::/dev/ttyUSB7::9600-8E1::1', driver: 'omron-e5cc' })
  })

  test('keeps to the line that the name sets', async () => {
    const { opened, ask } = at(silent)
    const name = 'ASRL/dev/ttyUSB7::19200-7E1::INSTR'
    await expect(ask(name)).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    expect(new Set(opened)).toEqual(new Set([`${name} 19200`]))
  })

  test('asks a SCPI instrument once, and says that there is no driver for it yet', async () => {
    const stranger: WireInstrument = {
      attach: (send) => ({ receive: () => send(Buffer.from('ACME,X1,7,1.0\n')), detach: () => undefined }),
    }
    const { opened, ask } = at(stranger)
    expect(await ask('TCPIP::10.0.0.5::5025::SOCKET')).toEqual({
      resource: 'TCPIP::10.0.0.5::5025::SOCKET',
      identity: { maker: 'ACME', model: 'X1', serial: '7', firmware: '1.0' },
      driver: undefined,
    })
    expect(opened).toHaveLength(1)
  })

  test('says that somebody is there whom no driver knows', async () => {
    const { ask } = at(garbled)
    await expect(ask(PORT)).rejects.toMatchObject({ message: expect.stringContaining('somebody answers') as string })
  })
})

test.each([
  ['/dev/ttyUSB0', 'ASRL/dev/ttyUSB0::INSTR'],
  ['COM3', 'ASRLCOM3::INSTR'],
  ['10.0.0.5:5025', 'TCPIP::10.0.0.5::5025::SOCKET'],
  ['GPIB0::12::INSTR', 'GPIB0::12::INSTR'],
])('%s is short for %s', (name, resource) => expect(resourceNamed(name)).toBe(resource))

test('a name that is none is refused, with what names look like', () => {
  expect(() => resourceNamed('ttyUSB0')).toThrow(
    /is not a resource name; write it like TCPIP::10\.0\.0\.5::5025::SOCKET/,
  )
})

test('announcements become the resources of a bench file; pages count only for instruments without more', () => {
  const identity = { maker: 'M', model: 'X', serial: '7', firmware: '1' }
  const at = (service: Parameters<typeof announcedResources>[0][number]['service'], address: string, port: number) => ({
    name: `${service} of ${address}`,
    service,
    address,
    port,
  })
  const found = announcedResources([
    at('_scpi-raw._tcp', '10.0.0.1', 5025),
    at('_hislip._tcp', '10.0.0.1', 4880),
    at('_hislip._tcp', '10.0.0.2', 4881),
    at('_vxi-11._tcp', '10.0.0.1', 111),
    at('_vxi-11._tcp', '10.0.0.2', 1024),
    { ...at('_lxi._tcp', '10.0.0.1', 80), identity },
    { ...at('_lxi._tcp', '10.0.0.3', 80), identity },
    { ...at('_http._tcp', '10.0.0.3', 80), identity },
    at('_http._tcp', '10.0.0.4', 80),
  ])
  expect(found.map(({ resource, identity: known }) => [resource, known?.model])).toEqual([
    ['TCPIP::10.0.0.1::5025::SOCKET', 'X'],
    ['TCPIP::10.0.0.1::hislip0::INSTR', 'X'],
    ['TCPIP::10.0.0.2::hislip0,4881::INSTR', undefined],
    ['TCPIP::10.0.0.1::inst0::INSTR', 'X'],
    ['TCPIP::10.0.0.2,1024::inst0::INSTR', undefined],
    ['HTTP::10.0.0.3', 'X'],
  ])
  for (const { resource } of found) expect(parseResource(resource).text).toBe(resource)
})
