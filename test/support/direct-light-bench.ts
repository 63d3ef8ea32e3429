import type { Clock } from '../../core/clock.ts'
import type { Instrument } from '../../core/instruments.ts'
import type { LightBench } from '../../core/light-bench.ts'
import { dbmToMw, powerDbm } from '../../core/quantities.ts'
import type { OpticalWorld } from '../../sim/optics/optical-world.ts'
import type { MeterPort, OutputPorts, WorldSpec } from '../../sim/optics/world-spec.ts'

export const CHANNELS_PER_GENERATOR = 4
export const PORTS_PER_METER = 8
/** Of a range, as the meters of the twin have it. */
const fullScaleMw = (rangeDbm: number): number => 2 * 10 ** (rangeDbm / 10)
const HEATER_STEP_V = 12 / 65535

/** What is wired to a world, by what it does. */
export interface DirectWiring extends Pick<WorldSpec, 'trigger'> {
  readonly lasers: readonly { readonly name: string; readonly frequencyThz: number }[]
  readonly lanes: readonly {
    readonly modulators: WorldSpec['modulators']
    readonly detectors: readonly OutputPorts[]
  }[]
  readonly heaters: number
  readonly adcSteps: number
}

/** Places of `count` things, so many to an instrument. */
export function modulatorPlaces(first: number, count: number): WorldSpec['modulators'] {
  return Array.from({ length: count }, (_, port) => {
    const at = first + port
    const generator = `awg-${Math.floor(at / CHANNELS_PER_GENERATOR)}`
    return { generator, channel: at % CHANNELS_PER_GENERATOR, bias: `bias-${at}` }
  })
}

const meterPlace = (at: number): MeterPort => ({
  meter: `meter-${Math.floor(at / PORTS_PER_METER)}`,
  port: at % PORTS_PER_METER,
})

export function detectorPlaces(first: number, count: number): { plus: MeterPort; minus: MeterPort }[] {
  return Array.from({ length: count }, (_, port) => ({
    plus: meterPlace(2 * (first + port)),
    minus: meterPlace(2 * (first + port) + 1),
  }))
}

/** One photodiode an output. */
export function photodiodePlaces(first: number, count: number): OutputPorts[] {
  return Array.from({ length: count }, (_, port) => ({ plus: meterPlace(first + port) }))
}

/** The first generator starts all others and the meters. */
export function triggerOf(modulators: number, outputs: number, sides = 2): WorldSpec['trigger'] {
  const list = (count: number, name: string): string[] => Array.from({ length: count }, (_, i) => `${name}-${i}`)
  const generators = list(Math.ceil(modulators / CHANNELS_PER_GENERATOR), 'awg')
  return {
    source: 'awg-0',
    targets: [...generators.slice(1), ...list(Math.ceil((sides * outputs) / PORTS_PER_METER), 'meter')],
  }
}

/** Instruments that are the optical world itself: no wires, no bytes, the same converters. */
export function directLightBench(
  world: OpticalWorld,
  spec: DirectWiring,
  clock: Clock,
): LightBench & { readonly instrument: Instrument } {
  const instrument: Instrument = {
    identity: { maker: 'Fringe', model: 'direct', serial: '', firmware: '' },
    makeSafe: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  }
  const meterNames = spec.trigger.targets.filter((name) => name.startsWith('meter'))
  const generatorNames = ['awg-0', ...spec.trigger.targets.filter((name) => name.startsWith('awg'))]
  const bank = world.port('phase-shifter-bank', 'heaters')
  return {
    instrument,
    clock,
    lasers: spec.lasers.map(({ name, frequencyThz }) => {
      let setThz = frequencyThz
      let power = powerDbm(13)
      let lit = false
      const shine = (): void =>
        world.port('laser', name).setOutput({ powerMw: lit ? dbmToMw(power) : 0, frequencyThz: setThz })
      return {
        name,
        laser: {
          ...instrument,
          frequencyRangeThz: { min: 191, max: 197 },
          powerRangeDbm: { min: 6, max: 13.5 },
          setFrequencyThz: async (thz) => void (setThz = thz),
          readFrequencyThz: async () => setThz,
          setPowerDbm: async (dbm) => {
            power = dbm
            shine()
          },
          readPowerDbm: async () => power,
          setEmission: async (on) => {
            lit = on
            shine()
          },
          readEmission: async () => true,
        },
        frequencyThz,
        laserPower: powerDbm(13),
      }
    }),
    lanes: spec.lanes.map((lane) => ({
      modulators: lane.modulators.map(({ generator, channel, bias }) => {
        const port = world.port('bias-controller', bias)
        return {
          drive: { generator: generatorNames.indexOf(generator), channel },
          bias: {
            ...instrument,
            lockNull: async () => port.setBiasV(port.nullBiasV()),
            readLocked: async () => true,
            readBiasV: async () => port.nullBiasV(),
          },
        }
      }),
      detectors: lane.detectors.map(({ plus, minus }) => ({
        plus: { meter: meterNames.indexOf(plus.meter), port: plus.port },
        ...(minus && { minus: { meter: meterNames.indexOf(minus.meter), port: minus.port } }),
      })),
    })),
    generators: generatorNames.map((name) => {
      const port = world.port('symbol-generator', name)
      let armed = false
      let [amplitudeV, symbolPeriodS] = [0.5, 1]
      const level = (code: number): number => (amplitudeV * code) / 127
      const start = (): void => {
        if (armed) port.start()
        armed = false
      }
      port.onTrigger(start)
      return {
        ...instrument,
        channelCount: CHANNELS_PER_GENERATOR,
        maxSymbolsPerFrame: 4096,
        configure: async (format) => {
          amplitudeV = format.amplitudeV
          symbolPeriodS = format.symbolPeriodS
        },
        loadFrame: async (codes) => {
          port.rest(codes.map(() => 0))
          port.load(
            codes.map((symbols) => Float64Array.from(symbols, level)),
            symbolPeriodS,
          )
          armed = true
        },
        rearm: async () => {
          armed = true
        },
        trigger: async () => start(),
        hold: async (codes) => port.rest(Array.from(codes, level)),
        stop: async () => port.rest([0, 0, 0, 0]),
      }
    }),
    triggerGenerator: 0,
    driveAmplitudeV: 0.5,
    meters: meterNames.map((name) => {
      const port = world.port('power-meter', name)
      let log = { points: 0, averagingS: 0 }
      let records: Float64Array[] = []
      let fullMw = fullScaleMw(0)
      const quantise = (mw: number): number => (Math.round((mw / fullMw) * spec.adcSteps) * fullMw) / spec.adcSteps
      port.onTrigger(() => {
        records = Array.from({ length: PORTS_PER_METER }, (_, channel) =>
          port.captureMw(channel, log.points, log.averagingS).map(quantise),
        )
      })
      return {
        ...instrument,
        channelCount: PORTS_PER_METER,
        maxLogPoints: 1e6,
        rangesDbm: { min: -30, max: 10 },
        configure: async ({ rangeDbm }) => void (fullMw = fullScaleMw(rangeDbm)),
        armLog: async (setup) => {
          log = setup
        },
        waitLog: async () => undefined,
        readLogMw: async () => records,
        readPowerMw: async (channel) => quantise(port.powerMw(channel)),
      }
    }),
    meterNames,
    meterRangeDbm: 0,
    heaters: {
      ...instrument,
      channelCount: spec.heaters,
      voltageRangeV: { min: 0, max: 12 },
      setVoltagesV: async (first, voltagesV) => {
        for (const [i, v] of voltagesV.entries()) {
          bank.setVoltageV(first + i, Math.round(v / HEATER_STEP_V) * HEATER_STEP_V)
        }
      },
      readVoltagesV: async () => new Float64Array(spec.heaters),
      readPowersMw: async () =>
        Float64Array.from({ length: spec.heaters }, (_, heater) => world.core.heaters.powerMw(heater)),
    },
    heaterChannels: Array.from({ length: spec.heaters }, (_, heater) => heater),
    heaterLimitsV: { min: 0, max: 9.5 },
    heaterSettleMs: 1,
    ovens: [],
    mains: {
      ...instrument,
      accuracy: { relative: 0.01, from: 'class 1' },
      readPowerW: async () => world.mainsPowerW(),
      readEnergyKwh: async () => 0,
    },
    timing: { symbolPeriodS: 40e-6, pointsPerSymbol: 4, maxSymbolsPerFrame: 512 },
  }
}
