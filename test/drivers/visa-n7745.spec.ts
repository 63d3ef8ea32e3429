import { beforeAll, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { KeysightN7745, keysightN7745 } from '../../drivers/detectors/keysight-n7745.ts'
import { simN7745 } from '../../sim/instruments/sim-n7745.ts'
import { isMessageInstrument } from '../../sim/ports/message-instrument.ts'
import { FakeDetectors } from '../support/fake-detectors.ts'
import { RawClient } from '../support/scpi-wires.ts'
import { hasCompiler } from '../support/visa/build-library.ts'
import { MessageFarEnd } from '../support/visa/visa-far-end.ts'
import { USB, VisaTestBench, forever, visaFolder } from '../support/visa/visa-test-bench.ts'

const SETUP = { wavelengthNm: 1550, rangeDbm: 0 }

let built: { folder: string; library: string }
beforeAll(async () => {
  if (hasCompiler) built = await visaFolder()
})

async function measuring() {
  const bench = await VisaTestBench.start(built)
  const clock = new VirtualClock()
  const light = new FakeDetectors()
  const sim = simN7745.create(light, { name: 'pm-0', seed: 1, clock, settings: {} })
  bench.server.plugIn(USB, () => (isMessageInstrument(sim) ? new MessageFarEnd(sim, 7) : expect.fail('no messages')))
  const onlooker = new RawClient(sim)
  return {
    bench,
    light,
    open: async (signal: AbortSignal): Promise<KeysightN7745> =>
      KeysightN7745.open(
        { name: 'pm-0', transport: await bench.open(USB) },
        keysightN7745.settings.parse({ timeoutMs: 60_000 }),
        clock,
        signal,
      ),
    portsArmed: () =>
      Array.from({ length: 8 }, (_, port) => onlooker.ask(`SENS${port + 1}:FUNC:STAT?\n`)).filter((state) =>
        state.includes('PROGRESS'),
      ).length,
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  }
}

// Not the whole contract of power meters: it polls thousands of times for a trigger that never comes.
describe.skipIf(!hasCompiler)('Keysight N7745 behind a VISA library', () => {
  test('reads powers and logs of 60 000 points, which no single read of the library holds', async () => {
    await using device = await measuring()
    await using meter = await device.open(forever())
    await meter.configure(SETUP, forever())
    device.light.powerAtMw = (port) => 0.1 * (port + 1)
    expect(await meter.readPowerMw(4, forever())).toBeCloseTo(0.5, 3)
    await meter.armLog({ points: 60_000, averagingS: 1e-6 }, forever())
    expect(device.portsArmed()).toBe(8)
    device.light.pulse()
    await meter.waitLog(forever())
    const logsMw = await meter.readLogMw(forever())
    expect(logsMw.map(({ length }) => length)).toEqual(new Array(8).fill(60_000))
    logsMw.forEach((logMw, port) => expect(logMw.at(-1)).toBeCloseTo(0.1 * (port + 1), 2))
  })

  test('waits for nothing when it is let go, even after the caller gave up', async () => {
    await using device = await measuring()
    const caller = new AbortController()
    {
      await using meter = await device.open(caller.signal)
      await meter.configure(SETUP, caller.signal)
      await meter.armLog({ points: 10, averagingS: 1e-5 }, caller.signal)
      expect(device.portsArmed()).toBe(8)
      caller.abort()
    }
    expect(device.portsArmed()).toBe(0)
  })
})
