import { readFile } from 'node:fs/promises'
import { connect as connectSocket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { benchFromText, readBenchFile } from '../../bench/bench-file.ts'
import type { BenchFile } from '../../bench/bench-file.ts'
import { checkBench } from '../../bench/check-bench.ts'
import { connectReal } from '../../bench/connect-real.ts'
import { serveTwin, startTwin } from '../../bench/connect-twin.ts'
import type { Twin } from '../../bench/connect-twin.ts'
import type { Connect } from '../../bench/connect.ts'
import { openMeshBench } from '../../bench/open-bench.ts'
import type { OpenBench } from '../../bench/open-bench.ts'
import { parseResource } from '../../bench/resource.ts'
import { VirtualClock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import type { SourceMeter } from '../../core/instruments.ts'
import { powerDbm } from '../../core/quantities.ts'
import type { WireDirection } from '../../core/transport.ts'
import { DRIVERS } from '../../drivers/registry.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'
import { SIMULATED } from '../../sim/registry.ts'

const DEFAULT = 'examples/mesh-8x8.yaml'
const live = (): AbortSignal => new AbortController().signal

async function changedBench(...changes: readonly (readonly [string, string])[]): Promise<BenchFile> {
  let text = await readFile(DEFAULT, 'utf8')
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`the default bench does not contain ${from}`)
    text = text.replace(from, to)
  }
  return benchFromText(text, 'b.yaml')
}

interface Heard {
  readonly name: string
  readonly direction: WireDirection
  readonly bytes: Uint8Array
}

/** A twin whose wires are listened to, and the bench in front of it. */
async function openTwin(
  file: BenchFile,
  mode: 'pipe' | 'wire',
): Promise<{ readonly twin: Twin; readonly open: OpenBench; readonly heard: Heard[] }> {
  const clock = new VirtualClock()
  const heard: Heard[] = []
  const tapFor = (name: string) => ({
    cause: 0,
    record: (direction: WireDirection, bytes: Uint8Array) => void heard.push({ name, direction, bytes: bytes.slice() }),
  })
  const twin = await startTwin(file, { seed: 1, clock, mode, tapFor })
  const open = await openMeshBench(file, { connect: twin.connect, clock, signal: live() })
  return { twin, open, heard }
}

/** Everything that `name` was sent, as hex. */
function sent(heard: readonly Heard[], name: string): string {
  return heard
    .filter((item) => item.name === name && item.direction === 'tx')
    .map(({ bytes }) => Buffer.from(bytes).toString('hex'))
    .join(' ')
}

async function failuresOf(opening: Promise<unknown>): Promise<readonly BenchError[]> {
  try {
    await opening
  } catch (error) {
    if (error instanceof AggregateError) return error.errors as BenchError[]
    throw error
  }
  throw new Error('the bench opened')
}

describe('the registries', () => {
  test('have a simulated twin of the same kind for every driver', () => {
    expect(Object.keys(SIMULATED)).toEqual(Object.keys(DRIVERS))
    for (const [name, { kind }] of Object.entries(DRIVERS)) expect(SIMULATED[name]?.kind, name).toBe(kind)
  })
})

describe.each(['pipe', 'wire'] as const)('the default bench on its twin, %s', (mode) => {
  test('opens with every instrument under its own name', async () => {
    const file = await readBenchFile(DEFAULT)
    const { twin, open } = await openTwin(file, mode)
    await using _twin = twin
    await using _open = open
    expect([...open.instruments.keys()]).toEqual([...file.instruments.keys()])
    const models = [...open.instruments.values()].map(({ identity }) => identity.model)
    expect(models.filter((model) => model.startsWith('N7745'))).toHaveLength(4)
    expect(models.filter((model) => model === 'M8195A')).toHaveLength(4)
    expect(open.bench.heaters.channelCount).toBe(160)
    expect(open.bench.heaterLimitsV).toEqual({ min: 0, max: 9.5 })
    expect(open.bench.triggerGenerator).toBe(0)
    expect(open.bench.lanes[1]?.modulators[5]?.drive).toEqual({ generator: 3, channel: 1 })
    expect(open.bench.lanes[1]?.detectors[7]?.minus).toEqual({ meter: 3, port: 7 })
    expect(open.bench.timing).toEqual({ symbolPeriodS: 40e-6, pointsPerSymbol: 4, maxSymbolsPerFrame: 512 })
  })

  test('is dark and cold after it closes, whatever was on', async () => {
    const file = await readBenchFile(DEFAULT)
    const { twin, open } = await openTwin(file, mode)
    await using _twin = twin
    const { bench } = open
    const meter = twin.world.port('power-meter', 'pm-0')
    const darkMw = meter.powerMw(0)
    const idleW = twin.world.mainsPowerW()

    const [lane] = bench.lasers
    await lane!.laser.setFrequencyThz(lane!.frequencyThz, live())
    await lane!.laser.setPowerDbm(powerDbm(13), live())
    await lane!.laser.setEmission(true, live())
    await bench.heaters.setVoltagesV(0, new Float64Array(160).fill(4), live())
    await bench.ovens[0]!.controller.setTemperatureC(25, live())
    await bench.ovens[0]!.controller.setRunning(true, live())
    expect(meter.powerMw(0)).toBeGreaterThan(100 * Math.abs(darkMw))
    expect(twin.world.mainsPowerW()).toBeGreaterThan(idleW + 1)

    const report = await open.close()
    expect(report.verified).toBe(true)
    expect(report.instruments).toHaveLength(file.instruments.size)
    expect(meter.powerMw(0)).toBeLessThan(1e-3)
    expect(twin.world.core.heaters.totalPowerW()).toBe(0)
    expect(twin.world.mainsPowerW()).toBe(idleW)
  })

  test('every byte both ways passes the tap', async () => {
    const file = await readBenchFile(DEFAULT)
    const { twin, open, heard } = await openTwin(file, mode)
    await using _twin = twin
    await open.close()
    for (const name of file.instruments.keys()) {
      const directions = heard.filter((item) => item.name === name).map(({ direction }) => direction)
      expect(new Set(directions), name).toEqual(new Set(['tx', 'rx']))
    }
  })
})

test('over pipes and over real wires every instrument is sent the same bytes', async () => {
  const file = await readBenchFile(DEFAULT)
  const bytes: Record<string, string>[] = []
  for (const mode of ['pipe', 'wire'] as const) {
    const { twin, open, heard } = await openTwin(file, mode)
    await using _twin = twin
    await open.makeSafe(live())
    await open.close()
    bytes.push(Object.fromEntries([...file.instruments.keys()].map((name) => [name, sent(heard, name)])))
  }
  expect(bytes[0]).toEqual(bytes[1])
})

test('the bench goes dark before anything else is made safe, and the meters come last', async () => {
  const file = await readBenchFile(DEFAULT)
  const { twin, open, heard } = await openTwin(file, 'pipe')
  await using _twin = twin
  heard.length = 0
  await open.close()
  const order = heard
    .filter(({ direction }) => direction === 'tx')
    .map(({ name }) => file.instruments.get(name)!.entry.kind)
  const ranks = {
    laser: 0,
    'symbol-generator': 1,
    'bias-controller': 1,
    'phase-shifter-bank': 2,
    'temperature-controller': 3,
    'power-meter': 4,
    'voltage-monitor': 4,
    'energy-meter': 4,
    'source-meter': 2,
    'optical-filter': 1,
  } as const
  const sequence = order.map((kind) => ranks[kind])
  expect(sequence).toEqual([...sequence].sort((left, right) => left - right))
  expect(new Set(sequence)).toEqual(new Set([0, 1, 2, 3, 4]))
})

test.each(['pipe', 'wire'] as const)(
  'an instrument beside the mesh is opened and made safe with the rest (%s)',
  async (mode) => {
    const file = await changedBench([
      'instruments:\n',
      'instruments:\n  smu: { driver: keysight-b2900, resource: TCPIP::10.0.0.77::5025::SOCKET }\n',
    ])
    const { twin, open } = await openTwin(file, mode)
    await using _twin = twin
    const smu = open.instruments.get('smu') as SourceMeter
    const idleW = twin.world.mainsPowerW()
    await smu.setLevel(0, { force: 'voltage', voltageV: 6, limitA: 0.01 }, live())
    await smu.setOutput(0, true, live())
    const { currentA } = await smu.measure(0, live())
    expect(twin.world.mainsPowerW() - idleW).toBeCloseTo(6 * currentA, 6)
    expect((await open.close()).instruments.find(({ name }) => name === 'smu')).toEqual({
      name: 'smu',
      driver: 'keysight-b2900',
      resource: 'TCPIP::10.0.0.77::5025::SOCKET',
    })
    expect(twin.world.port('source-meter', 'smu').forceV(0, 0)).toBe(0)
  },
)

describe('a bench that is not as its file says', () => {
  /** The twin with the plugs of some instruments pulled or swapped. */
  const replug =
    (twin: Twin, changes: Readonly<Record<string, string | undefined>>): Connect =>
    async (name, resource, line, signal) => {
      if (!(name in changes)) return twin.connect(name, resource, line, signal)
      const other = changes[name]
      if (other !== undefined) return { ...(await twin.connect(other, resource, line, signal)), name }
      const silent = new BytePipe(resource.text, () => ({ receive: () => undefined, detach: () => undefined }))
      return { name, transport: silent }
    }

  const impatient = [
    'keysight-n7745, resource: TCPIP::10.0.0.20',
    'keysight-n7745, timeoutMs: 20, resource: TCPIP::10.0.0.20',
  ] as const

  test('names every instrument that failed, at once, with its resource', async () => {
    const file = await changedBench(impatient)
    const clock = new VirtualClock()
    await using twin = await startTwin(file, { seed: 1, clock, mode: 'pipe' })
    const connect = replug(twin, { 'pm-0': undefined, 'pm-1': 'awg-1', daq: 'oven-mux' })
    const failures = await failuresOf(openMeshBench(file, { connect, clock, signal: live() }))
    expect(failures.map(({ code, context }) => [context['instrument'], code])).toEqual([
      ['pm-0', 'TRANSPORT_TIMEOUT'],
      ['pm-1', 'INSTRUMENT_WRONG_IDENTITY'],
      ['daq', expect.stringMatching(/^(TRANSPORT_TIMEOUT|PROTOCOL_\w+|INSTRUMENT_WRONG_IDENTITY)$/) as string],
    ])
    expect(failures[0]?.message).toBe(
      'pm-0 (keysight-n7745 at TCPIP::10.0.0.20::5025::SOCKET): no complete reply within 20 ms',
    )
    expect(failures[1]?.message).toMatch(/^pm-1 \(keysight-n7745 at TCPIP::10.0.0.21::5025::SOCKET\): .*M8195A/)
  })

  test('leaves safe and closed what had already been opened', async () => {
    const file = await changedBench(impatient)
    const clock = new VirtualClock()
    await using twin = await startTwin(file, { seed: 1, clock, mode: 'pipe' })
    twin.world.port('phase-shifter-bank', 'shifters').setVoltageV(3, 5)
    twin.world.port('laser', 'laser-0').setOutput({ powerMw: 20, frequencyThz: 193.1 })
    const closed = new Set<string>()
    const connect: Connect = async (name, resource, line, signal) => {
      const wire = await replug(twin, { 'pm-0': undefined })(name, resource, line, signal)
      const close = wire.transport[Symbol.asyncDispose].bind(wire.transport)
      wire.transport[Symbol.asyncDispose] = async () => {
        await close()
        closed.add(name)
      }
      return wire
    }
    await failuresOf(openMeshBench(file, { connect, clock, signal: live() }))
    expect(closed).toEqual(new Set(file.instruments.keys()))
    expect(twin.world.core.heaters.totalPowerW()).toBe(0)
  })

  test('is checked instrument by instrument, and those that answer say who they are', async () => {
    const file = await changedBench(impatient)
    const clock = new VirtualClock()
    await using twin = await startTwin(file, { seed: 1, clock, mode: 'pipe' })
    const connect = replug(twin, { 'pm-0': undefined, 'pm-1': 'awg-1' })
    const check = await checkBench(file, { connect, clock, signal: live() })
    expect(check.ok).toBe(false)
    expect(check.instruments).toHaveLength(file.instruments.size)
    const wrong = check.instruments.filter(({ error }) => error !== undefined)
    expect(wrong.map(({ name, error }) => [name, error?.code])).toEqual([
      ['pm-0', 'TRANSPORT_TIMEOUT'],
      ['pm-1', 'INSTRUMENT_WRONG_IDENTITY'],
    ])
    expect(check.instruments[2]).toMatchObject({
      name: 'awg-0',
      driver: 'keysight-m8195a',
      identity: { model: 'M8195A' },
    })
  })

  test('is checked and found in order', async () => {
    const file = await readBenchFile(DEFAULT)
    const clock = new VirtualClock()
    await using twin = await startTwin(file, { seed: 1, clock, mode: 'pipe' })
    const check = await checkBench(file, { connect: twin.connect, clock, signal: live() })
    expect(check.ok).toBe(true)
    expect(check.error).toBeUndefined()
  })

  test('is not opened at all once the caller gives up', async () => {
    const file = await readBenchFile(DEFAULT)
    const clock = new VirtualClock()
    await using twin = await startTwin(file, { seed: 1, clock, mode: 'pipe' })
    const signal = AbortSignal.abort(new Error('enough'))
    const failures = await failuresOf(openMeshBench(file, { connect: twin.connect, clock, signal }))
    expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['TRANSPORT_ABORTED']))
    expect(failures).toHaveLength(file.instruments.size)
  })

  test('with nothing behind its addresses and ports, says so for each of them', async () => {
    const file = await readBenchFile(DEFAULT)
    // The first ports of this machine: nobody listens there.
    let port = 1
    const here: Connect = (name, resource, line, signal) =>
      connectReal()(
        name,
        'host' in resource ? { ...resource, host: '127.0.0.1', port: port++ } : resource,
        line,
        signal,
      )
    const failures = await failuresOf(openMeshBench(file, { connect: here, clock: new VirtualClock(), signal: live() }))
    expect(failures).toHaveLength(file.instruments.size)
    expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['TRANSPORT_OPEN_FAILED']))
    expect(failures[0]?.message).toMatch(
      /^laser-0 \(oif-itla at ASRL\/dev\/bench\/laser-0::INSTR\): there is no serial port \/dev\/bench\/laser-0/,
    )
  })
})

describe('a bench file that asks for more than its instruments have', () => {
  type Change = readonly [string, string]
  const cases: readonly (readonly [what: string, changes: readonly Change[], message: RegExp])[] = [
    [
      'another frequency',
      [['193.1\n', '199.1\n']],
      /^b\.yaml:\d+:19 lanes\[0\]\.frequencyThz - laser-0 takes [\d.]+ to [\d.]+ THz, not 199\.1$/,
    ],
    [
      'more light',
      [['powerDbm: 13 ', 'powerDbm: 20 ']],
      /^b\.yaml:\d+:15 lanes\[0\]\.powerDbm - laser-0 takes [\d.]+ to [\d.]+ dBm, not 20$/,
    ],
    [
      'a channel',
      [['awg-1.1-4', 'awg-1.2-5']],
      /^b\.yaml:\d+:24 lanes\[0\]\.drive\[1\] - awg-1 has 4 connectors, 1 to 4$/,
    ],
    ['a port', [['pm-3.1-8', 'pm-3.2-9']], /^b\.yaml:\d+:13 lanes\[1\]\.minus\[0\] - pm-3 has 8 connectors, 1 to 8$/],
    [
      'more memory for a frame',
      [['maxSymbols: 512', 'maxSymbols: 4096']],
      /^b\.yaml:\d+:15 frame\.maxSymbols - awg-0 holds 1024 symbols, not 4096$/,
    ],
    [
      'a longer log',
      [
        ['maxSymbols: 512', 'maxSymbols: 1001'],
        ['pointsPerSymbol: 4\n', 'pointsPerSymbol: 1000\n'],
        ['symbolPeriodUs: 40\n', 'symbolPeriodUs: 2000\n'],
      ],
      /^b\.yaml:\d+:15 frame\.maxSymbols - pm-0 logs 1000000 points: at most 1000 symbols of 1000 points$/,
    ],
    [
      'a heater',
      [['lo: [144-151, 152-159]', 'lo: [144-151, 153-160]']],
      /^b\.yaml:\d+:19 heaters\.channels\.lo\[1\] - shifters has channels 0 to 159, not 160$/,
    ],
    [
      'a heater of a chain with fewer modules',
      [['modules: 20', 'modules: 15']],
      /^b\.yaml:\d+:35 heaters\.channels\.second\.theta - shifters has channels 0 to 119, not 120\n.*lo\[0\] .*\n.*lo\[1\] /,
    ],
    [
      'an input',
      [['firstInput: 0', 'firstInput: 9']],
      /^b\.yaml:\d+:15 taps\.firstInput - daq has inputs 0 to 13; 8 taps do not fit from here$/,
    ],
    [
      'heat',
      [['temperatureC: 30', 'temperatureC: 130']],
      /^b\.yaml:\d+:56 ovens\[1\]\.temperatureC - oven-chip takes 0 to 100 °C, not 130$/,
    ],
  ]
  test.each(cases)('%s', async (_, changes, message) => {
    const file = await changedBench(...changes)
    const clock = new VirtualClock()
    await using twin = await startTwin(file, { seed: 1, clock, mode: 'pipe' })
    await expect(openMeshBench(file, { connect: twin.connect, clock, signal: live() })).rejects.toMatchObject({
      code: 'BENCH_FILE_INVALID',
      message: expect.stringMatching(message) as string,
    })
  })

  test('is told so by a check, too', async () => {
    const file = await changedBench(['maxSymbols: 512', 'maxSymbols: 4096'])
    const clock = new VirtualClock()
    await using twin = await startTwin(file, { seed: 1, clock, mode: 'pipe' })
    const check = await checkBench(file, { connect: twin.connect, clock, signal: live() })
    expect(check.ok).toBe(false)
    expect(check.error?.message).toMatch(/frame\.maxSymbols - awg-0 holds 1024 symbols, not 4096/)
  })
})

describe('the twin for other programs', () => {
  test('names a resource for every instrument, in the grammar of the bench file', async () => {
    const file = await readBenchFile(DEFAULT)
    await using served = await serveTwin(file, { seed: 1, clock: new VirtualClock() })
    expect(served.instruments.map(({ name }) => name)).toEqual([...file.instruments.keys()])
    for (const { name, resource } of served.instruments) {
      expect(parseResource(resource).wire, resource).toBe(file.instruments.get(name)?.resource.wire)
    }
    expect(new Set(served.instruments.map(({ resource }) => resource)).size).toBe(file.instruments.size)
  })

  test('answers any client at that resource', async () => {
    await using served = await serveTwin(await readBenchFile(DEFAULT), { seed: 1, clock: new VirtualClock() })
    const resource = parseResource(served.instruments.find(({ name }) => name === 'pm-0')?.resource ?? '')
    if (resource.wire !== 'socket') throw new Error('a meter is behind a socket')
    const reply = await new Promise<string>((resolve, reject) => {
      const socket = connectSocket(resource.port, resource.host)
      socket.on('data', (bytes) => {
        socket.destroy()
        resolve(bytes.toString('latin1'))
      })
      socket.on('error', reject)
      socket.write('*IDN?\n')
    })
    expect(reply).toMatch(/^Keysight Technologies,N7745/)
  })

  test('closes its ports when it is no longer wanted', async () => {
    const served = await serveTwin(await readBenchFile(DEFAULT), { seed: 1, clock: new VirtualClock() })
    const resources = served.instruments.map(({ resource }) => parseResource(resource))
    await served[Symbol.asyncDispose]()
    const connect = connectReal()
    const line = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 } as const
    for (const resource of resources) {
      await expect(connect('gone', resource, line, live())).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
    }
  })
})
