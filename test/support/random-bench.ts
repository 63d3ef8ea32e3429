import type { RandomStream } from '../../core/random.ts'
import { ALL_DESIGNS } from '../../perf/mesh-bench-text.ts'
import { MESH_PARAMETERS } from '../../sim/optics/parameters/mesh-parameters.ts'

const CHANNELS_PER_GENERATOR = 4
const PORTS_PER_METER = 8
const CHANNELS_PER_MODULE = 8
/** Whole loops of the generator's memory at either sample rate. */
const PERIOD_STEP_US = 0.32

export const pick = <T>(random: RandomStream, choices: readonly T[]): T =>
  choices[whole(random, 0, choices.length - 1)]!
/** Both ends included. */
export const whole = (random: RandomStream, min: number, max: number): number =>
  min + Math.min(Math.floor(random.uniform() * (max - min + 1)), max - min)

/** The text of a bench file: 2 to 5 ports, 1 to 3 lanes, any design and settings, any chip that the file may describe. */
export function randomBench(random: RandomStream): string {
  const { arrangement, mzi, form, detection } = pick(random, ALL_DESIGNS)
  const sides = detection === 'intensity' ? 1 : 2
  const [size, lanes] = [whole(random, 2, 5), whole(random, 1, 3)]
  const modulators = size * lanes
  const generators = Math.ceil(modulators / CHANNELS_PER_GENERATOR)
  const meters = Math.ceil((sides * modulators) / PORTS_PER_METER)
  const mzis = (size * (size - 1)) / 2
  const modules = Math.ceil((2 * modulators + 4 * mzis + 2 * size) / CHANNELS_PER_MODULE) + whole(random, 0, 1)
  const connector = (name: string, perInstrument: number, at: number): string =>
    `${name}-${Math.floor(at / perInstrument)}.${(at % perInstrument) + 1}`
  const list = (count: number, item: (index: number) => string): string[] =>
    Array.from({ length: count }, (_, i) => item(i))

  let next = 0
  const heaters = (count: number): string => {
    const first = next
    next += count
    return `${first}-${next - 1}`
  }
  const perLane = (): string[] => list(lanes, () => heaters(size))
  const perMesh = (count: number): unknown => ({ phi: heaters(count), theta: heaters(count) })
  const channels = {
    input: perLane(),
    first: perMesh(mzis),
    ...(form === 'svd' ? { sigma: perMesh(size), second: perMesh(mzis) } : {}),
    ...(sides === 2 ? { lo: perLane() } : {}),
  }

  const points = whole(random, 3, 6)
  const serial = (name: string): string => `ASRL/dev/random/${name}::INSTR`
  const socket = (port: number): string => `TCPIP::127.0.0.1::${port}::SOCKET`
  const instruments = {
    ...(Object.fromEntries([
      ...list(lanes, (lane) => `laser-${lane}`).map((name) => [name, { driver: 'oif-itla', resource: serial(name) }]),
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
      modules,
      limitV: pick(random, [12, 10, 3]),
      ...(random.uniform() < 0.3 ? { limitMa: random.uniform(0.5, 24) } : {}),
    },
    ...(form === 'svd' ? { daq: tapMonitor(random) } : {}),
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
  const lane = (index: number): unknown => {
    const ports = list(size, (port) => String(index * size + port)).map(Number)
    return {
      laser: `laser-${index}`,
      frequencyThz: Number((193.1 + 0.1 * index).toFixed(1)),
      powerDbm: Number(random.uniform(6, 13.5).toFixed(3)),
      drive: ports.map((at) => connector('awg', CHANNELS_PER_GENERATOR, at)),
      bias: ports.map((at) => `mbx-${at}`),
      plus: ports.map((at) => connector('pm', PORTS_PER_METER, sides * at)),
      ...(sides === 2 ? { minus: ports.map((at) => connector('pm', PORTS_PER_METER, 2 * at + 1)) } : {}),
    }
  }
  // JSON is YAML.
  return JSON.stringify({
    name: 'random-bench',
    core: { kind: 'mesh', layout: arrangement, mzi, form, size },
    instruments,
    lanes: Array.from({ length: lanes }, (_, index) => lane(index)),
    frame: {
      symbolPeriodUs: Number((PERIOD_STEP_US * whole(random, 4 * points, 200)).toFixed(2)),
      pointsPerSymbol: points,
      maxSymbols: 64,
    },
    drive: { amplitudeV: random.uniform(0.04, 0.5) },
    detection: { kind: detection ?? 'balanced-homodyne', rangeDbm: pick(random, [10, 0, 0, -10, -20]) },
    trigger: {
      source: 'awg-0',
      targets: [...list(generators, (i) => `awg-${i}`).slice(1), ...list(meters, (i) => `pm-${i}`)],
    },
    heaters: { bank: 'shifters', limitV: 12, settleMs: pick(random, [0, 1, 2.5]), channels },
    ...(form === 'svd' ? { taps: { monitor: 'daq', firstInput: whole(random, 0, 14 - size) } } : {}),
    ovens: [{ name: 'chip', controller: 'oven', temperatureC: Number(random.uniform(0, 60).toFixed(2)) }],
    mains: 'wall',
    safe: { lasers: 'dark', bias: 'parked', generators: 'off', heatersV: 0, ovens: 'stopped', deadlineS: 15 },
    twin: randomImperfections(random),
  })
}

const tapMonitor = (random: RandomStream): unknown => ({
  driver: 'labjack-t7',
  resource: 'MODBUS::127.0.0.1::3000::1',
  rangeV: pick(random, [10, 1, 0.1, 0.01]),
  resolutionIndex: whole(random, 1, 8),
})

/** Mostly near the defaults, where light comes through; now and then anywhere in the range. */
function randomImperfections(random: RandomStream): Readonly<Record<string, number>> {
  const chosen: Record<string, number> = {}
  for (const [key, { value, min, max }] of Object.entries(MESH_PARAMETERS)) {
    const kind = random.uniform()
    const near = value * 3 ** random.uniform(-1, 1)
    if (kind < 0.6) chosen[key] = Math.min(Math.max(near, min), max)
    else if (kind < 0.62) chosen[key] = random.uniform(min, max)
  }
  return { ...chosen, ...randomPassband(random), ...randomLinks(random) }
}

/** On the grid of the bench's lasers, and as a passband must be: wider at 3 dB than at 1 dB, no wider than the grid. */
function randomPassband(random: RandomStream): Readonly<Record<string, number>> {
  const muxPassband3DbGhz = random.uniform(20, 100)
  return {
    gridSpacingGhz: 100,
    muxPassband3DbGhz,
    muxPassband1DbGhz: muxPassband3DbGhz * random.uniform(0.5, 0.9),
    muxFreeSpectralRangeThz: random.uniform(0.4, 20),
  }
}

/** What is absent by default, now and then there. */
function randomLinks(random: RandomStream): Readonly<Record<string, number>> {
  const now = (value: number): number => (random.uniform() < 0.4 ? value : 0)
  return {
    eamExtinctionDb: 0,
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
