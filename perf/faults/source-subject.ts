import { KeysightB2900, keysightB2900 } from '../../drivers/power/keysight-b2900.ts'
import { simB2900 } from '../../sim/instruments/sim-b2900.ts'
import { SCPI } from './scpi-subjects.ts'
import { agree, agreeAll } from './subject.ts'
import type { Complaint, Subject } from './subject.ts'

const SEED = 1
const CHANNEL = 1
const LIMIT_A = 0.05
const MOST_V = 6
/** One step of the meter in the largest ranges used here, 20 V and 100 mA. */
const RESOLUTION_V = 20e-6
const RESOLUTION_A = 0.1e-6

export const b2900: Subject = {
  ...SCPI,
  exclusive: false,
  begin(clock, random) {
    /** The resistor changes behind the output's back, so that a stale reading is a wrong one. */
    const world = { voltageV: 0, loadOhm: 200 }
    const port = {
      forceV: (channel: number, voltageV: number) => {
        if (channel === CHANNEL) world.voltageV = voltageV
        return voltageV / world.loadOhm
      },
      forceA: (channel: number, currentA: number) => {
        if (channel === CHANNEL) world.voltageV = currentA * world.loadOhm
        return currentA * world.loadOhm
      },
    }
    const drawV = (): number => Math.round(random.uniform(100, 1000 * MOST_V)) / 1000
    return {
      create: () => {
        world.voltageV = 0
        return simB2900.create(port, { name: 'source', seed: SEED, clock, settings: {} })
      },
      async open(wire, signal, timeoutMs) {
        const meter = await KeysightB2900.open(
          wire,
          keysightB2900.settings.parse({ timeoutMs, apertureS: 1e-3 }),
          clock,
          signal,
        )
        const setLevel = async (abort: AbortSignal): Promise<number> => {
          const voltageV = drawV()
          world.loadOhm = Math.round(random.uniform(150, 1000))
          await meter.setLevel(CHANNEL, { force: 'voltage', voltageV, limitA: LIMIT_A }, abort)
          return voltageV
        }
        const measure = async (abort: AbortSignal): Promise<Complaint> => {
          const { voltageV, currentA, limited } = await meter.measure(CHANNEL, abort)
          if (limited) return 'it says that it is limited, in truth it is not'
          return (
            agree('voltage', voltageV, world.voltageV, RESOLUTION_V) ??
            agree('current', currentA, world.voltageV / world.loadOhm, RESOLUTION_A)
          )
        }
        return {
          instrument: meter,
          prepare: async (abort) => {
            await meter.setRanges(CHANNEL, {}, abort)
            await setLevel(abort)
            await meter.setOutput(CHANNEL, true, abort)
          },
          operations: [
            {
              name: 'set the level',
              run: async (abort) => {
                const voltageV = await setLevel(abort)
                // Off, nothing lies at the load.
                const forcedV = (await meter.readOutput(CHANNEL, abort)) ? voltageV : 0
                return agree('level', world.voltageV, forcedV, 1e-9)
              },
            },
            { name: 'measure', run: measure },
            {
              name: 'sweep',
              run: async (abort) => {
                const voltagesV = Float64Array.from({ length: 3 }, drawV)
                const { loadOhm } = world
                const swept = await meter.measureSweep(CHANNEL, { force: 'voltage', voltagesV, limitA: LIMIT_A }, abort)
                const currentsA = voltagesV.map((voltageV) => voltageV / loadOhm)
                return (
                  agreeAll('voltage', swept.voltagesV, voltagesV, () => RESOLUTION_V) ??
                  agreeAll('current', swept.currentsA, currentsA, () => RESOLUTION_A)
                )
              },
            },
            {
              name: 'switch off',
              run: async (abort) => {
                await meter.setOutput(CHANNEL, false, abort)
                return agree('level', world.voltageV, 0, 0)
              },
            },
            {
              name: 'switch on',
              run: async (abort) => {
                await meter.setOutput(CHANNEL, true, abort)
                return world.voltageV > 0 ? undefined : 'it is off'
              },
            },
            { name: 'measure again', run: measure },
          ],
        }
      },
    }
  },
}
