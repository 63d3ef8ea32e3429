import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import type { Framer } from '../../drivers/protocols/framer.ts'
import { ThorlabsMbx, thorlabsMbx } from '../../drivers/modulators/thorlabs-mbx.ts'
import { KeysightB2900, keysightB2900 } from '../../drivers/power/keysight-b2900.ts'
import { ScpiSession } from '../../drivers/transports/scpi-session.ts'
import { WireSession } from '../../drivers/transports/session.ts'
import { runSchedule } from '../../perf/faults/schedule.ts'
import { SUBJECTS } from '../../perf/faults/subjects.ts'
import type { Fault } from '../../sim/faults/fault-script.ts'
import { simB2900 } from '../../sim/instruments/sim-b2900.ts'
import { ManualTransport, bytesOf, latin1, settled } from '../support/manual-transport.ts'

const forever = (): AbortSignal => new AbortController().signal
const IDENTITY = 'Maker,Model,1,1.0\n'

/** An instrument of SCPI that the test can restart and swap. */
async function known(): Promise<{
  wire: ManualTransport
  scpi: ScpiSession
  says: Record<string, string>
  lost: () => number
}> {
  const wire = new ManualTransport()
  const says: Record<string, string> = { '*IDN?\n': IDENTITY, '*ESR?\n': '0\n', 'POW?\n': '1.5\n' }
  wire.onSent = (sent) => {
    const reply = says[sent]
    if (reply !== undefined) wire.arrive(reply)
  }
  const scpi = new ScpiSession({ name: 'meter', transport: wire }, 3_600_000)
  let lost = 0
  scpi.onStateLost = () => lost++
  await scpi.identify('a meter', () => true, forever())
  return { wire, scpi, says, lost: () => lost }
}

async function givenUp(wire: ManualTransport, scpi: ScpiSession): Promise<void> {
  const silent = scpi.ask('SILENT?', forever())
  await settled()
  wire.timeIsUp()
  await expect(silent).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
}

describe('A SCPI instrument behind a wire that was cleared', () => {
  test('is asked who it is and whether it was switched on since, and then goes on', async () => {
    const { wire, scpi, lost } = await known()
    await givenUp(wire, scpi)
    expect(await scpi.ask('POW?', forever())).toBe('1.5')
    expect(wire.sent.slice(-3)).toEqual(['*IDN?\n', '*ESR?\n', 'POW?\n'])
    expect(lost()).toBe(0)
  })

  test('that restarted unseen is an INSTRUMENT_STATE_LOST once, before anything is asked of it', async () => {
    const { wire, scpi, says, lost } = await known()
    await givenUp(wire, scpi)
    says['*ESR?\n'] = '128\n'
    await expect(scpi.ask('POW?', forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_STATE_LOST',
      context: { restarted: true },
    })
    expect(wire.sent).not.toContain('POW?\n')
    expect(lost()).toBe(1)
    expect(await scpi.ask('POW?', forever())).toBe('1.5')
  })

  test('whose connection was lost counts as changed, even if it did not restart', async () => {
    const { wire, scpi, lost } = await known()
    wire.lose()
    await expect(scpi.tell('POW 1', forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_STATE_LOST',
      context: { restarted: false },
    })
    expect(wire.sent).not.toContain('POW 1\n')
    expect(lost()).toBe(1)
  })

  test('is still doubtful when the answer to that question was lost', async () => {
    const { wire, scpi, says } = await known()
    await givenUp(wire, scpi)
    delete says['*ESR?\n']
    const first = scpi.ask('POW?', forever())
    await settled()
    wire.timeIsUp()
    await expect(first).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    // Reading cleared it: now it looks as if nothing had happened.
    says['*ESR?\n'] = '0\n'
    await expect(scpi.ask('POW?', forever())).rejects.toMatchObject({ code: 'INSTRUMENT_STATE_LOST' })
  })

  test('that is another one is refused, again and again', async () => {
    const { wire, scpi, says } = await known()
    wire.lose()
    says['*IDN?\n'] = 'Maker,Model,2,1.0\n'
    for (let asked = 0; asked < 2; asked++) {
      await expect(scpi.ask('POW?', forever())).rejects.toMatchObject({ code: 'INSTRUMENT_WRONG_IDENTITY' })
    }
    expect(wire.sent).not.toContain('POW?\n')
  })

  test('is doubtful when commands may have died with the connection that stray bytes ended', async () => {
    const { wire, scpi } = await known()
    await scpi.tell('POW 1', forever())
    wire.arrive('stray\n')
    await expect(scpi.tell('POW 2', forever())).rejects.toMatchObject({ code: 'INSTRUMENT_STATE_LOST' })
  })

  test('can be made safe in any state', async () => {
    const { wire, scpi } = await known()
    wire.lose()
    await scpi.makeSafe('it may still be on', () => scpi.tell('OUTP OFF', forever()))
    expect(wire.sent.at(-1)).toBe('OUTP OFF\n')
  })
})

test('a wire without a hook for recognition is used at once after it was reopened', async () => {
  const wire = new ManualTransport()
  const line: Framer<string> = (bytes) =>
    bytes.at(-1) === 0x0a ? { message: latin1(bytes), used: bytes.length } : undefined
  const session = new WireSession(wire, { timeoutMs: 3_600_000 })
  wire.onSent = (sent) => wire.arrive(sent)
  wire.lose()
  expect(await session.ask(bytesOf('a\n'), line, forever())).toBe('a\n')
})

test('a bias controller whose identification was damaged on its way is not opened with it', async () => {
  const wire = new ManualTransport()
  const replies = ['THORLABS,MBX-SIM,SIM1,1.9.4\r', 'THORLABS,MBX-SIM,SIN1,1.9.4\r']
  wire.onSent = () => wire.arrive(replies.shift() ?? '')
  const opened = ThorlabsMbx.open(
    { name: 'bias', transport: wire },
    thorlabsMbx.settings.parse({}),
    new VirtualClock(),
    forever(),
  )
  await expect(opened).rejects.toMatchObject({ code: 'PROTOCOL_UNEXPECTED_REPLY' })
})

test('a sweep whose connection was lost is ended all the same, and the caller hears that the settings may be gone', async () => {
  const clock = new VirtualClock()
  const wire = new ManualTransport()
  const load = {
    forceV: (_: number, voltageV: number) => voltageV / 1e3,
    forceA: (_: number, currentA: number) => currentA,
  }
  const twin = simB2900
    .create(load, { name: 'source', seed: 1, clock, settings: {} })
    .attach((bytes) => wire.arrive(latin1(bytes)))
  let sweeping = false
  wire.onSent = (sent) => {
    if (sweeping && sent === '*ESR?\n') {
      sweeping = false
      return wire.lose()
    }
    sweeping ||= sent.startsWith(':INIT')
    twin.receive(bytesOf(sent))
  }
  const settings = keysightB2900.settings.parse({})
  const meter = await KeysightB2900.open({ name: 'source', transport: wire }, settings, clock, forever())
  await meter.setLevel(0, { force: 'voltage', voltageV: 1, limitA: 0.01 }, forever())
  await meter.setOutput(0, true, forever())
  const sweep = { force: 'voltage', voltagesV: Float64Array.of(1, 2), limitA: 0.01 } as const
  await expect(meter.measureSweep(0, sweep, forever())).rejects.toMatchObject({
    code: 'INSTRUMENT_STATE_LOST',
    context: { restarted: false },
  })
  expect(wire.sent.at(-1)).toBe(':ABOR (@1)\n')
  await expect(meter.measure(0, forever())).rejects.toMatchObject({ code: 'CALL_INVALID' })
  await meter.makeSafe(forever())
})

/** Each failed before what it found was mended; the seed is the day on which it did. */
test.each<readonly [what: string, driver: string, fault: Fault, seed: number]>([
  ['a slow reply of heater modules outlived the silence that should have ended it', 'qontrol-q8', 'late-reply', 5],
  ['an oven that restarted refused every setting from then on', 'omron-e5cc', 'restart', 1],
  ['a monitor that restarted went on in another range, and nobody was told', 'labjack-t7', 'restart', 1],
  ['a damaged count of registers was read as far as it went, and crashed', 'labjack-t7', 'flipped-reply', 191],
  ['a laser was left in the middle of a frame by the late reply to an earlier attempt', 'oif-itla', 'late-reply', 880],
  ['a source meter that restarted was never set up again', 'keysight-b2900', 'restart', 1],
  ['a damaged identification made a bias controller deaf', 'thorlabs-mbx', 'flipped-reply', 56],
])('no longer: %s', async (_what, driver, fault, seed) => {
  const { wrong, crashes, hangs, stuck } = await runSchedule(SUBJECTS[driver]!, fault, seed)
  expect({ wrong, crashes, hangs, stuck }).toEqual({ wrong: [], crashes: [], hangs: [], stuck: [] })
})
