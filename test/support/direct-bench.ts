import { VirtualClock } from '../../core/clock.ts'
import type { Instrument } from '../../core/instruments.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import { svdCoreLayout } from '../../core/mesh-layout.ts'
import { dbmToMw, powerDbm } from '../../core/quantities.ts'
import { MESH_PARAMETERS } from '../../sim/optics/parameters/mesh-parameters.ts'
import type { MeshImperfections } from '../../sim/optics/parameters/mesh-parameters.ts'
import { valuesOf } from '../../sim/optics/parameters/parameter.ts'
import type { MeshWorldSpec } from '../../sim/optics/mesh-world-spec.ts'
import { meshWorld } from '../../sim/optics/mesh-world.ts'
import type { MeshWorld } from '../../sim/optics/mesh-world.ts'

const CHANNELS_PER_GENERATOR = 4
const PORTS_PER_METER = 8
const FULL_SCALE_MW = 2
const ADC_STEPS = 4096
const HEATER_STEP_V = 12 / 65535

export const defaultImperfections = (changes: Partial<MeshImperfections> = {}): MeshImperfections =>
  valuesOf(MESH_PARAMETERS, changes)

export function directWorldSpec(size: number, lanes: number, imperfections: MeshImperfections): MeshWorldSpec {
  const generators = Math.ceil((size * lanes) / CHANNELS_PER_GENERATOR)
  const meters = Math.ceil((2 * size * lanes) / PORTS_PER_METER)
  const list = (count: number, name: string): string[] => Array.from({ length: count }, (_, i) => `${name}-${i}`)
  return {
    size,
    lanes: Array.from({ length: lanes }, (_, lane) => ({
      laser: `laser-${lane}`,
      frequencyThz: 193.1 + 0.1 * lane,
      modulators: Array.from({ length: size }, (_, port) => {
        const at = lane * size + port
        return {
          generator: `awg-${Math.floor(at / CHANNELS_PER_GENERATOR)}`,
          channel: at % CHANNELS_PER_GENERATOR,
          bias: `bias-${at}`,
        }
      }),
      detectors: Array.from({ length: size }, (_, port) => {
        const place = (at: number): { meter: string; port: number } => ({
          meter: `meter-${Math.floor(at / PORTS_PER_METER)}`,
          port: at % PORTS_PER_METER,
        })
        const at = 2 * (lane * size + port)
        return { plus: place(at), minus: place(at + 1) }
      }),
    })),
    heaters: { bank: 'heaters', channels: svdCoreLayout(size, lanes).heaters.map((_, heater) => heater) },
    taps: { monitor: 'taps', firstChannel: 0 },
    ovens: [],
    mains: 'mains',
    trigger: { source: 'awg-0', targets: [...list(generators, 'awg').slice(1), ...list(meters, 'meter')] },
    imperfections,
  }
}

/**
 * A bench whose instruments are the optical world itself: no wires, no bytes, the same converters.
 *
 * For tests of what lies above the wire. Quantisation as on the wire: 8-bit codes, 12-bit readings, 16-bit heaters.
 */
export function openDirectBench(
  options: { size?: number; lanes?: number; seed?: number; imperfections?: MeshImperfections } = {},
): { bench: MeshBench; world: MeshWorld } {
  const { size = 8, lanes = 2, seed = 1, imperfections = defaultImperfections() } = options
  const spec = directWorldSpec(size, lanes, imperfections)
  const clock = new VirtualClock()
  const world = meshWorld(spec, seed, clock)
  const instrument: Instrument = {
    identity: { maker: 'Fringe', model: 'direct', serial: '', firmware: '' },
    makeSafe: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  }
  const meterNames = spec.trigger.targets.filter((name) => name.startsWith('meter'))
  const generatorNames = ['awg-0', ...spec.trigger.targets.filter((name) => name.startsWith('awg'))]
  const bank = world.port('phase-shifter-bank', 'heaters')
  const layout = svdCoreLayout(size, lanes)
  const bench: MeshBench = {
    layout,
    clock,
    kind: 'mesh',
    lasers: spec.lanes.map((lane) => ({
      laser: {
        ...instrument,
        frequencyRangeThz: { min: 191, max: 197 },
        powerRangeDbm: { min: 6, max: 13.5 },
        setFrequencyThz: async () => undefined,
        readFrequencyThz: async () => lane.frequencyThz,
        setPowerDbm: async () => undefined,
        readPowerDbm: async () => powerDbm(13),
        setEmission: async (on) =>
          world
            .port('laser', lane.laser)
            .setOutput({ powerMw: on ? dbmToMw(powerDbm(13)) : 0, frequencyThz: lane.frequencyThz }),
        readEmission: async () => true,
      },
      frequencyThz: lane.frequencyThz,
      laserPower: powerDbm(13),
    })),
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
        minus: { meter: meterNames.indexOf(minus.meter), port: minus.port },
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
      const quantise = (mw: number): number =>
        (Math.round((mw / FULL_SCALE_MW) * ADC_STEPS) * FULL_SCALE_MW) / ADC_STEPS
      port.onTrigger(() => {
        records = Array.from({ length: PORTS_PER_METER }, (_, channel) =>
          port.captureMw(channel, log.points, log.averagingS).map(quantise),
        )
      })
      return {
        ...instrument,
        channelCount: PORTS_PER_METER,
        maxLogPoints: 1e6,
        configure: async () => undefined,
        armLog: async (setup) => {
          log = setup
        },
        waitLog: async () => undefined,
        readLogMw: async () => records,
        readPowerMw: async (channel) => quantise(port.powerMw(channel)),
      }
    }),
    meterRangeDbm: 0,
    heaters: {
      ...instrument,
      channelCount: layout.heaters.length,
      voltageRangeV: { min: 0, max: 12 },
      setVoltagesV: async (first, voltagesV) => {
        for (const [i, v] of voltagesV.entries()) {
          bank.setVoltageV(first + i, Math.round(v / HEATER_STEP_V) * HEATER_STEP_V)
        }
      },
      readVoltagesV: async () => new Float64Array(layout.heaters.length),
      readPowersMw: async () => Float64Array.from(layout.heaters, (_, heater) => world.core.heaters.powerMw(heater)),
    },
    heaterChannels: layout.heaters.map((_, heater) => heater),
    heaterLimitsV: { min: 0, max: 9.5 },
    heaterSettleMs: 1,
    taps: {
      firstChannel: 0,
      monitor: {
        ...instrument,
        channelCount: size,
        readVoltagesV: async (first, count) =>
          Float64Array.from({ length: count }, (_, i) => world.port('voltage-monitor', 'taps').voltageV(first + i)),
      },
    },
    ovens: [],
    mains: {
      ...instrument,
      readPowerW: async () => world.mainsPowerW(),
      readEnergyKwh: async () => 0,
    },
    timing: { symbolPeriodS: 40e-6, pointsPerSymbol: 4, maxSymbolsPerFrame: 512 },
  }
  return { bench, world }
}
