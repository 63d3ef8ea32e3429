import { expect } from 'vitest'
import { benchFromText } from '../../bench/bench-file.ts'
import { startTwin } from '../../bench/connect-twin.ts'
import { startDirectTwin } from '../../bench/direct-twin.ts'
import { openBench } from '../../bench/open-bench.ts'
import type { OpenBench } from '../../bench/open-bench.ts'
import { VirtualClock } from '../../core/clock.ts'
import { isBenchError } from '../../core/errors.ts'
import type { LightBench } from '../../core/light-bench.ts'
import { powerDbm } from '../../core/quantities.ts'
import { RandomStream } from '../../core/random.ts'
import { allDone } from '../../orchestrator/frames/frame-runner.ts'
import { pick, whole } from './random-settings.ts'

const CALLS = 30

const signal = new AbortController().signal

/** A call of the instrument classes, to be made in the same way on both paths. */
export interface Call {
  readonly name: string
  readonly make: (bench: LightBench) => Promise<unknown>
}

interface Way {
  readonly open: OpenBench
  readonly clock: VirtualClock
}

export type Words = (random: RandomStream, bench: LightBench) => Omit<Call, 'name'>['make']

/** Everything that the classes can do, with random arguments, some of them wrong. */
const CALLS_OF: Readonly<Record<string, Words>> = {
  'a frame': (random, { generators, timing }) => {
    const symbols = whole(random, 1, 12)
    const codes = generators.map(({ channelCount }) => randomCodes(random, channelCount, symbols))
    return async (bench) => {
      await allDone<unknown>(bench.generators.map((generator, g) => generator.loadFrame(codes[g]!, signal)))
      return playAndRead(bench, symbols, timing.pointsPerSymbol)
    }
  },
  'the frame again': (random, { timing }) => {
    const symbols = whole(random, 1, 12)
    return async (bench) => {
      await allDone<unknown>(bench.generators.map((generator) => generator.rearm(signal)))
      return playAndRead(bench, symbols, timing.pointsPerSymbol)
    }
  },
  'a second trigger and the record read again': () => async (bench) => {
    await bench.generators[bench.triggerGenerator]!.trigger(signal)
    // First the one that may have been made safe: behind it the others wait for a trigger, silent, in real time.
    await bench.meters[0]!.readLogMw(signal)
    return allDone<unknown>(bench.meters.map((meter) => meter.readLogMw(signal)))
  },
  hold: (random, { generators }) => {
    const codes = generators.map(({ channelCount }) =>
      Int8Array.from(randomCodes(random, channelCount, 1), ([c]) => c!),
    )
    return (bench) => allDone<unknown>(bench.generators.map((generator, g) => generator.hold(codes[g]!, signal)))
  },
  'one power': (random, { meters }) => {
    const [meter, port] = [whole(random, 0, meters.length - 1), whole(random, 0, 8)]
    return (bench) => bench.meters[meter]!.readPowerMw(port, signal)
  },
  'powers of every meter at once': (random) => {
    const port = whole(random, 0, 7)
    return (bench) =>
      allDone<unknown>(bench.meters.flatMap((meter) => [meter.readPowerMw(port, signal), meter.readPowerMw(0, signal)]))
  },
  'another range': (random) => {
    const rangeDbm = pick(random, [10, 0, -10, -30, 5])
    return (bench) =>
      allDone<unknown>(bench.meters.map((meter) => meter.configure({ wavelengthNm: 1550, rangeDbm }, signal)))
  },
  'a new format': (random, { timing }) => {
    const format = {
      symbolPeriodS: timing.symbolPeriodS * pick(random, [1, 2, 1.001]),
      amplitudeV: random.uniform(0.03, 0.5),
    }
    return (bench) => allDone<unknown>(bench.generators.map((generator) => generator.configure(format, signal)))
  },
  heaters: (random, { heaters }) => {
    const first = whole(random, 0, heaters.channelCount - 1)
    const highestV = heaters.voltageRangeV.max * (random.uniform() < 0.1 ? 1.2 : 1)
    const count = whole(random, 1, heaters.channelCount - first)
    const voltagesV = Float64Array.from({ length: count }, () => random.uniform(0, highestV))
    return (bench) => bench.heaters.setVoltagesV(first, voltagesV, signal)
  },
  'heaters, and light while they still move': (random, { heaters, meters }) => {
    const voltagesV = Float64Array.from({ length: Math.min(8, heaters.channelCount) }, () =>
      random.uniform(0, heaters.voltageRangeV.max),
    )
    const meter = whole(random, 0, meters.length - 1)
    const afterMs = random.uniform(0, 0.05)
    return async (bench) => {
      await bench.heaters.setVoltagesV(0, voltagesV, signal)
      await bench.clock.sleep(afterMs, signal)
      return bench.meters[meter]!.readPowerMw(1, signal)
    }
  },
  'heater readings': () => async (bench) => [
    await bench.heaters.readVoltagesV(signal),
    await bench.heaters.readPowersMw(signal),
  ],
  'laser power': (random, { lasers: { length } }) => {
    const [lane, power] = [whole(random, 0, length - 1), powerDbm(random.uniform(5.8, 13.6))]
    return async ({ lasers }) => {
      await lasers[lane]!.laser.setPowerDbm(power, signal)
      return lasers[lane]!.laser.readPowerDbm(signal)
    }
  },
  'laser frequency': (random, { lasers: { length } }) => {
    const [lane, frequencyThz] = [whole(random, 0, length - 1), random.uniform(191.4, 196.3)]
    return async ({ lasers }) => {
      await lasers[lane]!.laser.setFrequencyThz(frequencyThz, signal)
      return lasers[lane]!.laser.readFrequencyThz(signal)
    }
  },
  'laser off and on': (random, { lasers: { length } }) => {
    const [lane, on] = [whole(random, 0, length - 1), random.uniform() < 0.7]
    return async ({ lasers }) => {
      const { laser } = lasers[lane]!
      await laser.setEmission(false, signal)
      const dark = [await laser.readEmission(signal), await laser.readPowerDbm(signal)]
      if (on) await laser.setEmission(true, signal)
      return [dark, await laser.readEmission(signal), await laser.readPowerDbm(signal)]
    }
  },
  'laser readings': () => (bench) =>
    allDone<unknown>(
      bench.lasers.flatMap<Promise<unknown>>(({ laser }) => [
        laser.readFrequencyThz(signal),
        laser.readPowerDbm(signal),
        laser.readEmission(signal),
      ]),
    ),
  lock: (random, { lanes }) => {
    const lane = whole(random, 0, lanes.length - 1)
    return async (bench) => {
      const { modulators } = bench.lanes[lane]!
      await allDone<unknown>(modulators.map(({ bias }) => bias.lockNull(signal)))
    }
  },
  biases: () => (bench) =>
    allDone<unknown>(
      bench.lanes.flatMap(({ modulators }) =>
        modulators.map(async ({ bias }) => [await bias.readLocked(signal), await bias.readBiasV(signal)]),
      ),
    ),
  'a bias let go': (random, { lanes }) => {
    const lane = whole(random, 0, lanes.length - 1)
    return async (bench) => {
      const { bias } = bench.lanes[lane]!.modulators[0]!
      await bias.makeSafe(signal)
      return [await bias.readLocked(signal), await bias.readBiasV(signal)]
    }
  },
  oven: (random, { ovens }) => {
    const temperatureC = random.uniform(-15, 85)
    const on = random.uniform() < 0.7
    return async ({ ovens: [oven] }) => {
      await oven!.controller.setRunning(on, signal)
      await oven!.controller.setTemperatureC(temperatureC, signal)
      return [ovens.length, await oven!.controller.readTemperatureC(signal)]
    }
  },
  temperature:
    () =>
    ({ ovens: [oven] }) =>
      oven!.controller.readTemperatureC(signal),
  mains:
    () =>
    async ({ mains }) => [await mains.readPowerW(signal), await mains.readEnergyKwh(signal)],
  'time passes': (random) => {
    const durationMs = 10 ** random.uniform(-3, 7)
    return ({ clock }) => clock.sleep(durationMs, signal)
  },
  'all slow instruments at once': () => (bench) =>
    allDone<unknown>([
      bench.mains.readPowerW(signal),
      bench.mains.readEnergyKwh(signal),
      bench.ovens[0]!.controller.readTemperatureC(signal),
      bench.meters[0]!.readPowerMw(0, signal),
      bench.heaters.readPowersMw(signal),
      bench.lasers[0]!.laser.readPowerDbm(signal),
    ]),
  'generators stop': () => (bench) => allDone<unknown>(bench.generators.map((generator) => generator.stop(signal))),
  'wrong shapes': () => (bench) => bench.generators[0]!.loadFrame([new Int8Array(3), new Int8Array(2)], signal),
  'the code that has no counterpart': () => (bench) => bench.generators[0]!.hold(Int8Array.of(0, 0, -128, 0), signal),
  'heaters made safe': () => (bench) => bench.heaters.makeSafe(signal),
  'a meter made safe': () => async (bench) => {
    await bench.meters[0]!.makeSafe(signal)
    return bench.meters[0]!.readPowerMw(0, signal)
  },
}

/**
 * Makes the same random calls, `more` among them, on the twin of a random bench through drivers on pipes and directly, and
 * holds all outcomes against each other.
 */
export async function compareWays(
  seed: number,
  textOf: (random: RandomStream) => string,
  more: Readonly<Record<string, Words>> = {},
): Promise<void> {
  const random = new RandomStream(seed, 'direct and wire')
  const file = benchFromText(textOf(random), `bench ${seed}`)
  const [wireClock, directClock] = [new VirtualClock(), new VirtualClock()]
  const twinSeed = whole(random, 0, Number.MAX_SAFE_INTEGER)
  // New, or a second to a few weeks old.
  const ageS = pick(random, [0, 10 ** random.uniform(0, 6.3)])
  await using twin = await startTwin(file, { seed: twinSeed, ageS, clock: wireClock, mode: 'pipe' })
  const { direct } = startDirectTwin(file, { seed: twinSeed, ageS, clock: directClock })
  const wire: Way = {
    open: await openBench(file, { connect: twin.connect, clock: wireClock, signal }),
    clock: wireClock,
  }
  const straight: Way = { open: await openBench(file, { direct, clock: directClock, signal }), clock: directClock }
  expect(identities(straight)).toEqual(identities(wire))
  expect(straight.clock.monotonicNs()).toBe(wire.clock.monotonicNs())

  const { bench } = wire.open
  const words = { ...CALLS_OF, ...more }
  const names = Object.keys(words)
  const calls: readonly Call[] = [
    { name: 'set up', make: setUp },
    ...Array.from({ length: CALLS }, (): Call => {
      // Every other call is a frame: what all this is for.
      const name = random.uniform() < 0.3 ? 'a frame' : pick(random, names)
      return { name, make: words[name]!(random, bench) }
    }),
  ]
  for (const [at, { name, make }] of calls.entries()) {
    const [byWire, directly] = [await outcomeOf(wire, make), await outcomeOf(straight, make)]
    expect(directly, `bench ${seed}, call ${at}: ${name}`).toStrictEqual(byWire)
  }
  const [wireReport, directReport] = [await wire.open.close(), await straight.open.close()]
  expect(directReport.verified).toBe(true)
  expect(directReport).toEqual(wireReport)
  expect(straight.clock.monotonicNs()).toBe(wire.clock.monotonicNs())
}

async function setUp(bench: LightBench): Promise<void> {
  const { ovens, generators, meters, lasers, lanes, timing, driveAmplitudeV, meterRangeDbm } = bench
  for (const { controller, temperatureC } of ovens) {
    await controller.setTemperatureC(temperatureC, signal)
    await controller.setRunning(true, signal)
  }
  const { symbolPeriodS } = timing
  await allDone<unknown>([
    ...generators.map((generator) => generator.configure({ symbolPeriodS, amplitudeV: driveAmplitudeV }, signal)),
    ...meters.map((meter) => meter.configure({ wavelengthNm: 1550, rangeDbm: meterRangeDbm }, signal)),
  ])
  await allDone<unknown>(
    lasers.map(async ({ laser, frequencyThz, laserPower }) => {
      await laser.setFrequencyThz(frequencyThz, signal)
      await laser.setPowerDbm(laserPower, signal)
      await laser.setEmission(true, signal)
    }),
  )
  await allDone<unknown>(lanes.flatMap(({ modulators }) => modulators.map(({ bias }) => bias.lockNull(signal))))
}

async function playAndRead(bench: LightBench, symbols: number, pointsPerSymbol: number): Promise<unknown> {
  const averagingS = bench.timing.symbolPeriodS / pointsPerSymbol
  await allDone<unknown>(
    bench.meters.map((meter) => meter.armLog({ points: symbols * pointsPerSymbol, averagingS }, signal)),
  )
  await bench.generators[bench.triggerGenerator]!.trigger(signal)
  await allDone<unknown>(bench.meters.map((meter) => meter.waitLog(signal)))
  return allDone<unknown>(bench.meters.map((meter) => meter.readLogMw(signal)))
}

const randomCodes = (random: RandomStream, channels: number, symbols: number): Int8Array[] =>
  Array.from({ length: channels }, () => Int8Array.from({ length: symbols }, () => whole(random, -127, 127)))

/** What came of a call, and what time it was then. */
async function outcomeOf({ open, clock }: Way, make: Call['make']): Promise<unknown> {
  const done = await make(open.bench).then(
    (value) => ({ value }),
    (error: unknown) => {
      if (!isBenchError(error)) throw error
      const { port, point, channel } = error.context
      return { code: error.code, port, point, channel }
    },
  )
  return { done, timeNs: clock.monotonicNs() }
}

const identities = ({ open }: Way): unknown =>
  [...open.instruments].map(([name, instrument]) => [name, instrument.identity])
