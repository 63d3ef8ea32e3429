import type { RandomStream } from '../../core/random.ts'
import type { Parameters } from '../../sim/optics/parameters/parameter.ts'

export const CHANNELS_PER_GENERATOR = 4
export const PORTS_PER_METER = 8
const CHANNELS_PER_MODULE = 8
/** Whole loops of the generator's memory at either sample rate. */
const PERIOD_STEP_US = 0.32

export const pick = <T>(random: RandomStream, choices: readonly T[]): T =>
  choices[whole(random, 0, choices.length - 1)]!
/** Both ends included. */
export const whole = (random: RandomStream, min: number, max: number): number =>
  min + Math.min(Math.floor(random.uniform() * (max - min + 1)), max - min)

export const list = (count: number, item: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => item(i))
export const connector = (name: string, perInstrument: number, at: number): string =>
  `${name}-${Math.floor(at / perInstrument)}.${(at % perInstrument) + 1}`
const serial = (name: string): string => `ASRL/dev/random/${name}::INSTR`
const socket = (port: number): string => `TCPIP::127.0.0.1::${port}::SOCKET`

/** How many of what a bench has. */
interface Counts {
  readonly lasers: number
  readonly modulators: number
  readonly photodiodes: number
  readonly heaters: number
}

/** Instruments of any settings, and what all benches say of them: `laser-0`, `awg-0`, `mbx-0`, `pm-0`, …, `shifters`. */
export function randomSurroundings(
  random: RandomStream,
  { lasers, modulators, photodiodes, heaters }: Counts,
): { readonly instruments: Readonly<Record<string, unknown>>; readonly sections: Readonly<Record<string, unknown>> } {
  const generators = Math.ceil(modulators / CHANNELS_PER_GENERATOR)
  const meters = Math.ceil(photodiodes / PORTS_PER_METER)
  const points = whole(random, 3, 6)
  const instruments = {
    ...(Object.fromEntries([
      ...list(lasers, (laser) => `laser-${laser}`).map((name) => [
        name,
        { driver: 'oif-itla', resource: serial(name) },
      ]),
      ...list(generators, (i) => `awg-${i}`).map((name, i) => [
        name,
        { driver: 'keysight-m8195a', resource: socket(1000 + i), sampleRateHz: pick(random, [64e9, 60e9]) },
      ]),
      ...list(modulators, (i) => `mbx-${i}`).map((name) => [
        name,
        { driver: 'thorlabs-mbx', resource: serial(name), lockTimeoutMs: pick(random, [3000, 90_000]) },
      ]),
      ...list(meters, (i) => `pm-${i}`).map((name, i) => [
        name,
        {
          driver: 'keysight-n7745',
          resource: socket(2000 + i),
          readAveragingS: pick(random, [0.2, 1e-3, 0.0123, 1e-6]),
        },
      ]),
    ]) as Readonly<Record<string, unknown>>),
    shifters: {
      driver: 'qontrol-q8',
      resource: serial('shifters'),
      modules: Math.ceil(heaters / CHANNELS_PER_MODULE) + whole(random, 0, 1),
      limitV: pick(random, [12, 10, 3]),
      ...(random.uniform() < 0.3 ? { limitMa: random.uniform(0.5, 24) } : {}),
    },
    oven: {
      driver: 'omron-e5cc',
      resource: 'MODBUS::/dev/random/oven::9600-8E1::1',
      decimals: whole(random, 0, 2),
      minC: -10,
      maxC: 80,
    },
    wall: {
      driver: 'eastron-sdm120',
      resource: 'MODBUS::/dev/random/wall::9600-8N1::1',
      silenceMs: pick(random, [60, 100, 333.3]),
    },
  }
  const sections = {
    frame: {
      symbolPeriodUs: Number((PERIOD_STEP_US * whole(random, 4 * points, 200)).toFixed(2)),
      pointsPerSymbol: points,
      maxSymbols: 64,
    },
    drive: { amplitudeV: random.uniform(0.04, 0.5) },
    trigger: {
      source: 'awg-0',
      targets: [...list(generators, (i) => `awg-${i}`).slice(1), ...list(meters, (i) => `pm-${i}`)],
    },
    ovens: [{ name: 'chip', controller: 'oven', temperatureC: Number(random.uniform(0, 60).toFixed(2)) }],
    mains: 'wall',
    safe: { lasers: 'dark', bias: 'parked', generators: 'off', heatersV: 0, ovens: 'stopped', deadlineS: 15 },
  }
  return { instruments, sections }
}

/** Of the heaters: everything but the channels. */
export const randomHeaterBank = (random: RandomStream): Readonly<Record<string, unknown>> => ({
  bank: 'shifters',
  limitV: 12,
  settleMs: pick(random, [0, 1, 2.5]),
})

export const randomRangeDbm = (random: RandomStream): number => pick(random, [10, 0, 0, -10, -20])
export const randomLaserDbm = (random: RandomStream): number => Number(random.uniform(6, 13.5).toFixed(3))

/** Mostly near the defaults, where light comes through; now and then anywhere in the range; links that are absent by default. */
export function randomImperfections(random: RandomStream, parameters: Parameters): Readonly<Record<string, number>> {
  const chosen: Record<string, number> = {}
  for (const [key, { value, min, max }] of Object.entries(parameters)) {
    const kind = random.uniform()
    const near = value * 3 ** random.uniform(-1, 1)
    if (kind < 0.6) chosen[key] = Math.min(Math.max(near, min), max)
    else if (kind < 0.62) chosen[key] = random.uniform(min, max)
  }
  const links = Object.entries(randomLinks(random)).filter(([key]) => key in parameters)
  return { ...chosen, ...Object.fromEntries(links) }
}

/** What is absent by default, now and then there. */
function randomLinks(random: RandomStream): Readonly<Record<string, number>> {
  const now = (value: number): number => (random.uniform() < 0.4 ? value : 0)
  return {
    pathMismatchUm: now(random.uniform(0, 20)),
    splitterDispersionRadPerThz: now(random.uniform(-0.2, 0.2)),
    frequencyCombSpacingGhz: now(pick(random, [25, 50, 100])),
    frequencyCombOffsetGhz: now(random.uniform(-5, 5)),
    loMismatchM: now(random.uniform(-20, 20)),
    modulatorFibreKm: now(random.uniform(0, 5)),
    detectorFibreKm: now(random.uniform(0, 5)),
    meterTriggerDelayUs: now(random.uniform(0, 50)),
    edfaGainDb: now(random.uniform(3, 35)),
    edfaNoiseFigureDb: random.uniform(3.1, 8),
    dacJitterFs: now(random.uniform(0, 1e9)),
    adcJitterFs: now(random.uniform(0, 1e9)),
    readoutOffsetShare: now(random.uniform(-0.01, 0.01)),
    pairImbalance: now(random.uniform(0, 0.2)),
    photodiodeSaturationMw: now(random.uniform(0.1, 10)),
  }
}
