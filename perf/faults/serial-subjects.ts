import { powerDbm } from '../../core/quantities.ts'
import type { RandomStream } from '../../core/random.ts'
import { OifItla, oifItla } from '../../drivers/lasers/oif-itla.ts'
import { ThorlabsMbx, thorlabsMbx } from '../../drivers/modulators/thorlabs-mbx.ts'
import { QontrolQ8, qontrolQ8 } from '../../drivers/phase-shifters/qontrol-q8.ts'
import { simItla } from '../../sim/instruments/sim-itla.ts'
import { simMbx } from '../../sim/instruments/sim-mbx.ts'
import { simQontrol } from '../../sim/instruments/sim-qontrol.ts'
import { agree, agreeAll } from './subject.ts'
import type { Complaint, Subject } from './subject.ts'

const SEED = 1
const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const drawn = (random: RandomStream, min: number, max: number, step: number): number =>
  Number((min + step * Math.floor(random.uniform(0, (max - min) / step))).toFixed(6))

const ITLA_MHZ = 1.5e-6
/** What the simulated laser says of its power in the dark. */
const DARK_DBM = -40

export const itla: Subject = {
  seesFlippedBits: true,
  seesGarbage: false,
  hangsUp: false,
  exclusive: false,
  // A register that no laser has.
  nonsense: Uint8Array.of(0x00, 0xff, 0x00, 0x00),
  // StatusW.
  question: Uint8Array.of(0x30, 0x21, 0x00, 0x00),
  begin(clock, random) {
    const world = { powerMw: 0, frequencyThz: 0 }
    const port = { setOutput: (output: typeof world) => void Object.assign(world, output) }
    return {
      create: () => simItla.create(port, { name: 'laser', seed: SEED, clock, settings: {} }),
      async open(wire, signal) {
        const laser = await OifItla.open(wire, oifItla.settings.parse({ settleTimeoutMs: 4_000 }), clock, signal)
        let settled = true
        const trueDbm = (): number => (world.powerMw === 0 ? DARK_DBM : 10 * Math.log10(world.powerMw))
        return {
          instrument: laser,
          operations: [
            {
              name: 'set the frequency',
              run: async (abort) => {
                const frequencyThz = drawn(random, 192, 196, 0.000_25)
                await laser.setFrequencyThz(frequencyThz, abort)
                return agree('frequency', world.frequencyThz, frequencyThz, 1e-4)
              },
            },
            {
              name: 'read the frequency',
              run: async (abort) =>
                agree('frequency', await laser.readFrequencyThz(abort), world.frequencyThz, ITLA_MHZ),
            },
            {
              name: 'switch it on',
              run: async (abort) => {
                settled = false
                await laser.setEmission(true, abort)
                settled = true
                return world.powerMw > 0 ? undefined : 'it is dark'
              },
            },
            {
              name: 'read the emission',
              run: async (abort) => {
                const said = await laser.readEmission(abort)
                // After a command that failed the light may be about to come.
                return settled || !said ? same('emission', said, world.powerMw > 0) : undefined
              },
            },
            {
              name: 'set the power',
              run: async (abort) => {
                const dbm = drawn(random, 7, 13, 0.01)
                await laser.setPowerDbm(powerDbm(dbm), abort)
                return world.powerMw === 0 ? undefined : agree('power', trueDbm(), dbm, 0.06)
              },
            },
            {
              name: 'read the power',
              run: async (abort) => agree('power', await laser.readPowerDbm(abort), trueDbm(), 0.011),
            },
            {
              name: 'switch it off',
              run: async (abort) => {
                await laser.setEmission(false, abort)
                settled = true
                return world.powerMw === 0 ? undefined : 'it is lit'
              },
            },
            {
              name: 'read the emission again',
              run: async (abort) => {
                const said = await laser.readEmission(abort)
                return settled || !said ? same('emission', said, world.powerMw > 0) : undefined
              },
            },
          ],
        }
      },
    }
  },
}

export const mbx: Subject = {
  seesFlippedBits: false,
  seesGarbage: false,
  hangsUp: false,
  exclusive: false,
  nonsense: bytes('NO:SUCH\r'),
  question: bytes('*IDN?\r'),
  begin(clock, random) {
    const world = { biasV: 0, nullV: 1 }
    const port = {
      setBiasV: (biasV: number) => void (world.biasV = biasV),
      followNull: () => void (world.biasV = world.nullV),
      nullBiasV: () => world.nullV,
      tapMw: () => 1,
    }
    return {
      create: () => simMbx.create(port, { name: 'bias', seed: SEED, clock, settings: {} }),
      async open(wire, signal) {
        const controller = await ThorlabsMbx.open(
          wire,
          thorlabsMbx.settings.parse({ lockTimeoutMs: 6_000 }),
          clock,
          signal,
        )
        let locked = false
        let mayBeSearching = false
        /** A search that was given up goes on in the instrument, and its voltage is wherever that is. */
        const readBias = async (abort: AbortSignal): Promise<Complaint> => {
          const said = await controller.readBiasV(abort)
          return mayBeSearching ? undefined : agree('bias', said, world.biasV, 0.6e-3)
        }
        return {
          instrument: controller,
          operations: [
            {
              name: 'lock',
              run: async (abort) => {
                locked = false
                mayBeSearching = true
                world.nullV = drawn(random, 1, 5, 0.001)
                await controller.lockNull(abort)
                locked = true
                mayBeSearching = false
                return agree('bias', world.biasV, world.nullV, 1e-9)
              },
            },
            {
              name: 'read the lock',
              run: async (abort) => {
                const said = await controller.readLocked(abort)
                // A command that failed may have been carried out, or still be under way.
                return locked ? same('lock', said, world.biasV === world.nullV) : undefined
              },
            },
            {
              name: 'read the bias',
              run: readBias,
            },
            {
              name: 'switch off',
              run: async (abort) => {
                await controller.makeSafe(abort)
                locked = mayBeSearching = false
                return agree('bias', world.biasV, 0, 0)
              },
            },
            {
              name: 'read the bias again',
              run: readBias,
            },
          ],
        }
      },
    }
  },
}

const HEATER_OHM = 1500
const CHANNELS = 8

export const qontrol: Subject = {
  seesFlippedBits: false,
  seesGarbage: false,
  hangsUp: false,
  exclusive: false,
  greeting: 'E90:03\n',
  nonsense: bytes('nonsense\n'),
  question: bytes('v0?\n'),
  begin(clock, random) {
    const world = new Float64Array(CHANNELS)
    const port = {
      setVoltageV: (channel: number, voltageV: number) => void (world[channel] = voltageV),
      currentMa: (channel: number) => (world[channel]! / HEATER_OHM) * 1e3,
    }
    return {
      create: () => {
        world.fill(0)
        return simQontrol.create(port, { name: 'heaters', seed: SEED, clock, settings: { modules: 1 } })
      },
      async open(wire, signal) {
        const bank = await QontrolQ8.open(wire, qontrolQ8.settings.parse({ modules: 1 }), clock, signal)
        const set = async (first: number, count: number, abort: AbortSignal): Promise<Complaint> => {
          const voltagesV = Float64Array.from({ length: count }, () => drawn(random, 1, 11, 0.01))
          await bank.setVoltagesV(first, voltagesV, abort)
          return agreeAll('output', world.subarray(first, first + count), voltagesV, () => 1e-4)
        }
        const read = async (abort: AbortSignal): Promise<Complaint> =>
          agreeAll('voltage', await bank.readVoltagesV(abort), world, (voltageV) => 0.005 + 0.005 * voltageV)
        return {
          instrument: bank,
          operations: [
            { name: 'set a module', run: (abort) => set(0, CHANNELS, abort) },
            { name: 'read the voltages', run: read },
            { name: 'set three channels', run: (abort) => set(2, 3, abort) },
            { name: 'read the voltages again', run: read },
            {
              name: 'read the powers',
              run: async (abort) => {
                const powersMw = await bank.readPowersMw(abort)
                const trueMw = world.map((voltageV) => (voltageV ** 2 / HEATER_OHM) * 1e3)
                return agreeAll('power', powersMw, trueMw, (powerMw) => 0.05 + 0.01 * powerMw)
              },
            },
          ],
        }
      },
    }
  },
}

function same(what: string, got: boolean, expected: boolean): Complaint {
  return got === expected ? undefined : `${what} is ${String(got)}, in truth ${String(expected)}`
}
