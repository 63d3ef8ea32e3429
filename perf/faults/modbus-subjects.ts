import { LabjackT7, labjackT7 } from '../../drivers/detectors/labjack-t7.ts'
import { EastronSdm120, eastronSdm120 } from '../../drivers/power/eastron-sdm120.ts'
import { OmronE5cc, omronE5cc } from '../../drivers/thermal/omron-e5cc.ts'
import { simE5cc } from '../../sim/instruments/sim-e5cc.ts'
import { simSdm120 } from '../../sim/instruments/sim-sdm120.ts'
import { simT7 } from '../../sim/instruments/sim-t7.ts'
import { agree, agreeAll } from './subject.ts'
import type { Subject } from './subject.ts'

const SEED = 1
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

const RTU = {
  seesFlippedBits: true,
  seesGarbage: true,
  hangsUp: false,
  exclusive: false,
  // Reads a register that is not there.
  nonsense: hex('010390000001a90a'),
  // Loopback.
  question: hex('01080000000121cb'),
} as const

export const e5cc: Subject = {
  ...RTU,
  begin(clock, random) {
    const world = { temperatureC: 25, setPointC: 25, running: false }
    const port = {
      setSetPointC: (setPointC: number, running: boolean) => void Object.assign(world, { setPointC, running }),
      temperatureC: () => world.temperatureC,
    }
    const drawC = (): number => Math.round(random.uniform(200, 800)) / 10
    return {
      create: () => {
        Object.assign(world, { setPointC: 25, running: false })
        return simE5cc.create(port, { name: 'oven', seed: SEED, clock, settings: {} })
      },
      async open(wire, signal) {
        const oven = await OmronE5cc.open(wire, omronE5cc.settings.parse({}), clock, signal)
        return {
          instrument: oven,
          operations: [
            {
              name: 'set the temperature',
              run: async (abort) => {
                const temperatureC = drawC()
                await oven.setTemperatureC(temperatureC, abort)
                return agree('set point', world.setPointC, temperatureC, 0.051)
              },
            },
            {
              name: 'start',
              run: async (abort) => {
                await oven.setRunning(true, abort)
                return world.running ? undefined : 'it is stopped'
              },
            },
            ...[1, 2].map((time) => ({
              name: `read the temperature, ${time}`,
              run: async (abort: AbortSignal) => {
                world.temperatureC = drawC()
                return agree('temperature', await oven.readTemperatureC(abort), world.temperatureC, 0.051)
              },
            })),
            {
              name: 'stop',
              run: async (abort) => {
                await oven.setRunning(false, abort)
                return world.running ? 'it runs' : undefined
              },
            },
          ],
        }
      },
    }
  },
}

export const sdm120: Subject = {
  ...RTU,
  begin(clock, random) {
    const world = { powerW: 0, energyKwh: 0 }
    const port = { powerW: () => world.powerW, energyKwh: () => world.energyKwh }
    return {
      create: () => simSdm120.create(port, { name: 'mains', seed: SEED, clock, settings: {} }),
      async open(wire, signal) {
        const meter = await EastronSdm120.open(wire, eastronSdm120.settings.parse({}), clock, signal)
        return {
          instrument: meter,
          operations: [
            ...[1, 2].map((time) => ({
              name: `read the power, ${time}`,
              run: async (abort: AbortSignal) => {
                world.powerW = random.uniform(10, 500)
                return agree('power', await meter.readPowerW(abort), world.powerW, 1e-3)
              },
            })),
            {
              name: 'read the energy',
              run: async (abort) => {
                world.energyKwh += random.uniform(0.01, 1)
                return agree('energy', await meter.readEnergyKwh(abort), world.energyKwh, 1.1e-3)
              },
            },
          ],
        }
      },
    }
  },
}

const INPUTS = 14

export const t7: Subject = {
  seesFlippedBits: false,
  seesGarbage: false,
  hangsUp: true,
  exclusive: false,
  nonsense: hex('000100000006010303e70001'),
  question: hex('00010000000601030000001c'),
  begin(clock, random) {
    const world = new Float64Array(INPUTS)
    return {
      create: () =>
        simT7.create({ voltageV: (channel) => world[channel]! }, { name: 'monitor', seed: SEED, clock, settings: {} }),
      async open(wire, signal) {
        const monitor = await LabjackT7.open(wire, labjackT7.settings.parse({}), clock, signal)
        const read = (first: number, count: number) => ({
          name: `read ${count} inputs from ${first}`,
          run: async (abort: AbortSignal) => {
            world.forEach((_, at) => (world[at] = random.uniform(-0.9, 0.9)))
            const voltagesV = await monitor.readVoltagesV(first, count, abort)
            // One step of the converter in the range that was asked for, ±1 V.
            return agreeAll('input', voltagesV, world.subarray(first, first + count), () => 4e-5)
          },
        })
        return { instrument: monitor, operations: [read(0, INPUTS), read(3, 2), read(3, 2)] }
      },
    }
  },
}
