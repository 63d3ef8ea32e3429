import { KeysightN7745, keysightN7745 } from '../../drivers/detectors/keysight-n7745.ts'
import { KeysightM8195a, keysightM8195a } from '../../drivers/modulators/keysight-m8195a.ts'
import { simM8195a } from '../../sim/instruments/sim-m8195a.ts'
import { simN7745 } from '../../sim/instruments/sim-n7745.ts'
import { agree, agreeAll } from './subject.ts'
import type { Subject } from './subject.ts'

const SEED = 1
export const SCPI = {
  seesFlippedBits: false,
  seesGarbage: false,
  hangsUp: true,
  nonsense: Buffer.from(':NO:SUCH\n'),
  question: Buffer.from('*IDN?\n'),
} as const

const AMPLITUDE_V = 0.5
const MOST_SYMBOLS = 4
const CHANNELS = 4

export const m8195a: Subject = {
  ...SCPI,
  exclusive: false,
  begin(clock, random) {
    const world = { restV: [0, 0, 0, 0] as readonly number[], loadedV: [] as readonly Float64Array[] }
    const port = {
      rest: (levelsV: readonly number[]) => void (world.restV = [...levelsV]),
      load: (levelsV: readonly Float64Array[]) => void (world.loadedV = levelsV.map((levels) => levels.slice())),
      start: () => undefined,
      onTrigger: () => undefined,
    }
    const code = (): number => Math.floor(random.uniform(-127, 128))
    const voltsOf = (value: number): number => (value / 127) * AMPLITUDE_V
    return {
      create: () => {
        world.restV = [0, 0, 0, 0]
        world.loadedV = []
        return simM8195a.create(port, { name: 'awg', seed: SEED, clock, settings: {} })
      },
      async open(wire, signal) {
        const settings = keysightM8195a.settings.parse({ maxSymbolsPerFrame: MOST_SYMBOLS })
        const generator = await KeysightM8195a.open(wire, settings, clock, signal)
        return {
          instrument: generator,
          prepare: (abort) => generator.configure({ symbolPeriodS: 52 * 20e-9, amplitudeV: AMPLITUDE_V }, abort),
          operations: [
            {
              name: 'load a frame',
              run: async (abort) => {
                const symbols = 1 + Math.floor(random.uniform(0, MOST_SYMBOLS))
                const codes = Array.from({ length: CHANNELS }, () => Int8Array.from({ length: symbols }, code))
                await generator.loadFrame(codes, abort)
                const expectedV = codes.map((channel) => Float64Array.from(channel, voltsOf))
                for (const [channel, levelsV] of expectedV.entries()) {
                  const complaint = agreeAll(`channel ${channel}`, world.loadedV[channel] ?? [], levelsV, () => 1e-9)
                  if (complaint !== undefined) return complaint
                }
                return undefined
              },
            },
            {
              name: 'hold a level',
              run: async (abort) => {
                const codes = Int8Array.from({ length: CHANNELS }, code)
                await generator.hold(codes, abort)
                return agreeAll('level', world.restV, Float64Array.from(codes, voltsOf), () => 1e-9)
              },
            },
          ],
        }
      },
    }
  },
}

const PORTS = 8
const FULL_SCALE_MW = 2
const RESOLUTION_MW = FULL_SCALE_MW / 4096

export const n7745: Subject = {
  ...SCPI,
  exclusive: true,
  begin(clock, random) {
    const world = new Float64Array(PORTS)
    let pulse = (): void => undefined
    const port = {
      powerMw: (channel: number) => world[channel]!,
      captureMw: (channel: number, points: number) =>
        Float64Array.from({ length: points }, (_, point) => world[channel]! / (1 + point)),
      onTrigger: (listener: () => void) => void (pulse = listener),
    }
    const shine = (): void => world.forEach((_, at) => (world[at] = random.uniform(0.1, 1.9)))
    return {
      create: () => simN7745.create(port, { name: 'meter', seed: SEED, clock, settings: {} }),
      async open(wire, signal, timeoutMs) {
        const settings = keysightN7745.settings.parse({ readAveragingS: 1e-3, timeoutMs })
        const meter = await KeysightN7745.open(wire, settings, clock, signal)
        return {
          instrument: meter,
          prepare: (abort) => meter.configure({ wavelengthNm: 1550, rangeDbm: 0 }, abort),
          operations: [
            ...[0, 5, 0].map((channel) => ({
              name: `read port ${channel + 1}`,
              run: async (abort: AbortSignal) => {
                shine()
                return agree('power', await meter.readPowerMw(channel, abort), world[channel]!, RESOLUTION_MW)
              },
            })),
            {
              name: 'log',
              run: async (abort) => {
                shine()
                await meter.armLog({ points: 2, averagingS: 1e-5 }, abort)
                pulse()
                await meter.waitLog(abort)
                const logsMw = await meter.readLogMw(abort)
                for (const [channel, logMw] of logsMw.entries()) {
                  const trueMw = Float64Array.of(world[channel]!, world[channel]! / 2)
                  const complaint = agreeAll(`port ${channel + 1} point`, logMw, trueMw, () => RESOLUTION_MW)
                  if (complaint !== undefined) return complaint
                }
                return undefined
              },
            },
          ],
        }
      },
    }
  },
}
