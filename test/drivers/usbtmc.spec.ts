import { mkdir, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import koffi from 'koffi'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { KeysightN7745, keysightN7745 } from '../../drivers/detectors/keysight-n7745.ts'
import { scpiBlockReply } from '../../drivers/protocols/scpi.ts'
import { ScpiSession } from '../../drivers/transports/scpi-session.ts'
import { listUsbtmcDevices } from '../../drivers/transports/usbtmc-devices.ts'
import type { OpenDeviceFile } from '../../drivers/transports/usbtmc-file.ts'
import { UsbtmcTransport } from '../../drivers/transports/usbtmc.ts'
import { ScpiServer } from '../../sim/instruments/scpi-server.ts'
import { simN7745 } from '../../sim/instruments/sim-n7745.ts'
import type { MessageInstrument } from '../../sim/ports/message-instrument.ts'
import { UsbtmcDevice } from '../../sim/ports/usbtmc-device.ts'
import { ScpiStatus } from '../../sim/protocols/scpi-status.ts'
import { FakeDetectors } from '../support/fake-detectors.ts'
import { settled } from '../support/scpi-wires.ts'
import { testBytes } from '../support/wire-instruments.ts'

const forever = (): AbortSignal => new AbortController().signal
const NEVER_MS = 3_600_000
const RESOURCE = 'USB0::0x1313::0x8078::P0001::INSTR'
const PLACE = { path: '/dev/usbtmc0' }
/** Longer than several requests, and a multiple of one. */
const MEBIBYTE = 2 ** 20
const ASKED_BYTES = 65_520

/** Answers what was asked, after as long as it is told, and keeps blocks. */
function testInstrument() {
  const status = new ScpiStatus({ signed: false })
  const state = { data: new Uint8Array(0) as Uint8Array, triggers: 0, release: (): void => undefined }
  const server = new ScpiServer(
    {
      identity: 'FRINGE,TEST,1,0',
      status,
      reset: () => undefined,
      rows: [
        {
          header: '*TRG',
          takes: 0,
          set: () => {
            state.triggers++
          },
        },
        { header: ':DATA', set: (call) => void (state.data = call.block()), query: () => state.data },
        { header: ':ECHO', asks: 1, query: (call) => String(call.integer(0, 1e6)) },
        { header: ':SLOW', query: () => new Promise<string>((resolve) => (state.release = () => resolve('late'))) },
      ],
    },
    { whileAnswering: 'interrupt' },
  )
  return { device: new UsbtmcDevice(server), state, status }
}

const openAt = async (device: UsbtmcDevice, timeoutMs = NEVER_MS) => {
  const file: OpenDeviceFile = async () => device.open()
  const transport = await UsbtmcTransport.open(RESOURCE, PLACE, forever(), { file })
  return { transport, session: new ScpiSession({ name: 'scope', transport }, timeoutMs) }
}

const block = (data: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`:DATA #${String(data.length).length}${data.length}`), data, Buffer.from('\n')])

const askBlock = (session: ScpiSession): Promise<Uint8Array> =>
  session.askFramed(
    ':DATA?',
    scpiBlockReply((payload) => payload.slice()),
    forever(),
  )

describe('an instrument on USB', () => {
  test('asks and is answered, one question after the other', async () => {
    const { device } = testInstrument()
    const { session } = await openAt(device)
    await using _ = session
    expect(await session.ask('*IDN?', forever())).toBe('FRINGE,TEST,1,0')
    // Tags come round.
    for (let question = 0; question < 300; question++) {
      expect(await session.ask(`:ECHO? ${question}`, forever())).toBe(String(question))
    }
    await session.requireNoError('answer', forever())
  })

  test.each([
    ['empty', 0],
    ['that just fills one request', ASKED_BYTES - 1 - '#565510'.length],
    ['of one byte more', ASKED_BYTES - '#565511'.length],
    ['that just fills a buffer of the kernel', 4096 - 12 - 1 - '#44078'.length],
    ['of 1 MiB', MEBIBYTE],
  ])('carries a block %s both ways', async (_, size) => {
    const { device } = testInstrument()
    const { session } = await openAt(device)
    await using _session = session
    const data = testBytes(size)
    await session.tell(block(data), forever())
    expect(Buffer.compare(await askBlock(session), data)).toBe(0)
    expect(await session.ask(':ECHO? 1', forever())).toBe('1')
    await session.requireNoError('keep the block', forever())
  })

  test('never takes a late reply for the answer to the next question', async () => {
    const { device, state } = testInstrument()
    const { session } = await openAt(device, 20)
    await using _ = session
    await expect(session.ask(':SLOW?', forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    state.release()
    await settled()
    expect(await session.ask(':ECHO? 7', forever(), NEVER_MS)).toBe('7')
    // Cleared, not interrupted: nothing is left in the error queue.
    await session.requireNoError('clear', forever())
    expect(device.opened).toBe(1)
  })

  test('gives up at once when the caller does, and goes on', async () => {
    const { device } = testInstrument()
    const { session } = await openAt(device)
    await using _ = session
    const caller = new AbortController()
    const slow = session.ask(':SLOW?', caller.signal)
    await settled()
    caller.abort()
    await expect(slow).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    expect(await session.ask(':ECHO? 8', forever())).toBe('8')
  })

  test('clears what an earlier program left half said when it is opened', async () => {
    const { device } = testInstrument()
    const earlier = device.open()
    await earlier.send(Uint8Array.from([1, 1, 254, 0, 4, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from(':SLO')]), forever())
    await earlier[Symbol.asyncDispose]()
    const { session } = await openAt(device)
    await using _ = session
    expect(await session.ask(':ECHO? 9', forever())).toBe('9')
  })

  test('is polled, triggered, and asks for service', async () => {
    const { device, state } = testInstrument()
    const { session, transport } = await openAt(device)
    await using _ = session
    const { controls } = transport
    let asked = 0
    await controls.onServiceRequest(() => {
      asked++
    }, forever())
    await controls.trigger(forever())
    expect(state.triggers).toBe(1)
    await session.tell('*CLS;*ESE 1;*SRE 32', forever())
    expect(await controls.readStatusByte(forever())).toBe(0)
    await session.tell('*OPC', forever())
    await settled()
    expect(asked).toBe(1)
    expect(await controls.readStatusByte(forever())).toBe(0x60)
    expect(await controls.readStatusByte(forever())).toBe(0x20)
    await expect(controls.trigger(AbortSignal.abort())).rejects.toThrow()
  })

  test('reports that it was unplugged, and is found again when it is back', async () => {
    const { device } = testInstrument()
    const { session, transport } = await openAt(device)
    await using _ = session
    const slow = session.ask(':SLOW?', forever())
    const gone = expect(slow).rejects.toMatchObject({
      code: 'TRANSPORT_LOST',
      message: expect.stringContaining('unplugged') as string,
    })
    await settled()
    device.unplug()
    await gone
    await expect(transport.controls.readStatusByte(forever())).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    await expect(session.ask('*IDN?', forever())).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
    device.plugIn()
    expect(await session.ask('*IDN?', forever())).toBe('FRINGE,TEST,1,0')
    expect(device.opened).toBe(2)
  })

  test('is opened again when it does not obey a clear', async () => {
    const { device } = testInstrument()
    const { session } = await openAt(device, 20)
    await using _ = session
    await expect(session.ask(':SLOW?', forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    device.wedged = true
    expect(await session.ask(':ECHO? 3', forever(), NEVER_MS)).toBe('3')
    expect(device.opened).toBe(2)
  })

  test.each([
    ['another tag', (transfer: Uint8Array) => transfer.with(1, 99).with(2, 156)],
    ['a huge size', (transfer: Uint8Array) => transfer.with(7, 0xff)],
    ['half a header', (transfer: Uint8Array) => transfer.subarray(0, 6)],
    ['less than its size', (transfer: Uint8Array) => transfer.subarray(0, 14)],
  ])('refuses an answer with %s, and goes on', async (_, tamper) => {
    const { device } = testInstrument()
    const { session } = await openAt(device)
    await using _session = session
    device.tamper = tamper
    await expect(session.ask('*IDN?', forever())).rejects.toMatchObject({
      code: 'PROTOCOL_UNEXPECTED_REPLY',
      context: { reply: expect.stringMatching(/^[0-9a-f]+$/) as string },
    })
    device.tamper = (transfer) => transfer
    expect(await session.ask('*IDN?', forever())).toBe('FRINGE,TEST,1,0')
  })

  test('waits no longer than the deadline for a device that sends empty transfers for ever', async () => {
    const { device } = testInstrument()
    const { session } = await openAt(device, 20)
    await using _ = session
    await session.tell(block(testBytes(1000)), forever())
    device.tamper = (transfer) => Uint8Array.from([...transfer.subarray(0, 4), 0, 0, 0, 0, 0, 0, 0, 0])
    await expect(askBlock(session)).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    device.tamper = (transfer) => transfer
    expect(await session.ask(':ECHO? 4', forever(), NEVER_MS)).toBe('4')
  })

  test('loses nothing when a question comes while an answer is only half fetched', async () => {
    const { device } = testInstrument()
    const { session } = await openAt(device)
    await using _ = session
    // The framer is content with the first line; the device says that more will come, and never sends it.
    device.tamper = (transfer) => transfer.with(8, 0)
    expect(await session.ask(':ECHO? 5', forever())).toBe('5')
    device.tamper = (transfer) => transfer
    expect(await session.ask(':ECHO? 6', forever())).toBe('6')
  })

  test('carries a power meter', async () => {
    const light = new FakeDetectors()
    light.powerAtMw = (channel) => 0.1 * (channel + 1)
    const clock = new VirtualClock()
    const sim = simN7745.create(light, { name: 'pm', seed: 1, clock, settings: {} })
    const device = new UsbtmcDevice(sim as unknown as MessageInstrument)
    const transport = await UsbtmcTransport.open(RESOURCE, PLACE, forever(), { file: async () => device.open() })
    const settings = keysightN7745.settings.parse({})
    await using meter = await KeysightN7745.open({ name: 'pm', transport }, settings, clock, forever())
    await meter.configure({ wavelengthNm: 1550, rangeDbm: 0 }, forever())
    expect(await meter.readPowerMw(2, forever())).toBeCloseTo(0.3, 3)
  })
})

describe('the device file of an instrument on USB', () => {
  let sysfs = ''
  beforeAll(async () => {
    sysfs = await mkdtemp(join(tmpdir(), 'fringe-sysfs-'))
    await mkdir(join(sysfs, 'class', 'usbmisc'), { recursive: true })
    await plug('usbtmc0', '1-1', {
      idVendor: '1313',
      idProduct: '8078',
      serial: 'P0001',
      manufacturer: 'Thorlabs',
      product: 'PM100',
    })
    await plug('usbtmc10', '1-2', { idVendor: '1ab1', idProduct: '04ce', serial: 'DS1' })
    await plug('usbtmc2', '1-3', { idVendor: '2a8d', idProduct: '0101' })
    await plug('usbtmc3', '1-4', { idVendor: 'xyz', idProduct: '0101' })
    await plug('hiddev0', '1-5', { idVendor: '1313', idProduct: '8078', serial: 'P0002' })
  })
  afterAll(() => rm(sysfs, { recursive: true }))

  async function plug(name: string, port: string, says: Readonly<Record<string, string>>): Promise<void> {
    const device = join(sysfs, 'devices', 'usb1', port)
    await mkdir(join(device, `${port}:1.0`), { recursive: true })
    for (const [file, text] of Object.entries(says)) await writeFile(join(device, file), `${text}\n`)
    await mkdir(join(sysfs, 'class', 'usbmisc', name))
    await symlink(join(device, `${port}:1.0`), join(sysfs, 'class', 'usbmisc', name, 'device'))
  }

  const openUsb = (vendor: number, product: number, serial: string, file: OpenDeviceFile) =>
    UsbtmcTransport.open('USB', { usb: { vendor, product, serial } }, forever(), { file, sysfs })
  const failing =
    (code: string): OpenDeviceFile =>
    () =>
      Promise.reject(Object.assign(new Error(code), { code }))

  test('is found by what the instrument says of itself', async () => {
    const paths: string[] = []
    const { device } = testInstrument()
    const transport = await openUsb(0x1ab1, 0x04ce, 'DS1', async (path) => {
      paths.push(path)
      return device.open()
    })
    await transport[Symbol.asyncDispose]()
    expect(paths).toEqual(['/dev/usbtmc10'])
  })

  test('is listed with all others, in their order, without those that are none', async () => {
    expect(await listUsbtmcDevices(sysfs)).toEqual([
      { path: '/dev/usbtmc0', vendor: 0x1313, product: 0x8078, serial: 'P0001', description: 'Thorlabs PM100' },
      { path: '/dev/usbtmc2', vendor: 0x2a8d, product: 0x0101, serial: '', description: '' },
      { path: '/dev/usbtmc10', vendor: 0x1ab1, product: 0x04ce, serial: 'DS1', description: '' },
    ])
    expect(await listUsbtmcDevices(join(sysfs, 'nowhere'))).toEqual([])
  })

  test('is missed by naming what is plugged in instead', async () => {
    await expect(openUsb(0x1313, 0x8078, 'P0009', failing('ENOENT'))).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringContaining('USB0::0x1313::0x8078::P0001::INSTR at /dev/usbtmc0') as string,
    })
    const nothing = UsbtmcTransport.open(RESOURCE, { usb: { vendor: 1, product: 1, serial: 'x' } }, forever(), {
      file: failing('ENOENT'),
      sysfs: join(sysfs, 'nowhere'),
    })
    await expect(nothing).rejects.toMatchObject({ message: expect.stringContaining('no USB instrument') as string })
  })

  test.each([
    ['EACCES', 'TRANSPORT_OPEN_FAILED', 'ATTRS{idVendor}=="1313", MODE="0660"'],
    ['EBUSY', 'TRANSPORT_LOCKED', 'another program holds /dev/usbtmc0'],
    ['ENOTTY', 'TRANSPORT_OPEN_FAILED', 'Linux 4.20 or later'],
    ['ENOENT', 'TRANSPORT_OPEN_FAILED', 'switched on'],
    ['EIO', 'TRANSPORT_OPEN_FAILED', 'EIO'],
  ])('that cannot be opened for %s is reported as %s', async (code, expected, says) => {
    await expect(openUsb(0x1313, 0x8078, 'P0001', failing(code))).rejects.toMatchObject({
      code: expected,
      message: expect.stringContaining(says) as string,
    })
  })
})

describe.skipIf(process.platform !== 'linux')("the kernel's device file", () => {
  test('is told from any other file by what it answers', async () => {
    await expect(UsbtmcTransport.open('USB/dev/null', { path: '/dev/null' }, forever())).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringContaining('not a USBTMC device file') as string,
    })
  })

  test('is opened by one program at a time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fringe-lock-'))
    const path = join(folder, 'device')
    await writeFile(path, '')
    await using other = await open(path)
    const flock = koffi.load(null).func('int flock(int, int)') as (file: number, how: number) => number
    expect(flock(other.fd, 2)).toBe(0)
    await expect(UsbtmcTransport.open('USB', { path }, forever())).rejects.toMatchObject({ code: 'TRANSPORT_LOCKED' })
    await rm(folder, { recursive: true })
  })

  test('that is not there is missed', async () => {
    await expect(UsbtmcTransport.open('USB', { path: '/dev/usbtmc999' }, forever())).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringContaining('no device at /dev/usbtmc999') as string,
    })
  })
})

describe('an instrument on USB on other systems', () => {
  afterEach(() => void vi.restoreAllMocks())

  test('is reached through VISA', async () => {
    vi.spyOn(process, 'platform', 'get').mockReturnValue('win32')
    await expect(UsbtmcTransport.open(RESOURCE, PLACE, forever())).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringContaining('VISA::') as string,
    })
  })
})
