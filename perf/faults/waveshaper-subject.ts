import type { FilterProfile } from '../../core/instruments.ts'
import { Waveshaper, waveshaper } from '../../drivers/wdm/waveshaper.ts'
import { simWaveshaper } from '../../sim/instruments/sim-waveshaper.ts'
import type { FilterSetting } from '../../sim/optics/world-ports.ts'
import { agree } from './subject.ts'
import type { Complaint, Subject } from './subject.ts'

const SEED = 1
const SLICES = 12
const BLOCKED_DB = 60

export const filter: Subject = {
  seesFlippedBits: false,
  seesGarbage: false,
  hangsUp: true,
  exclusive: false,
  nonsense: Buffer.from('GET /no/such HTTP/1.1\r\nHost: instrument\r\n\r\n'),
  question: Buffer.from('GET /waveshaper/devinfo HTTP/1.1\r\nHost: instrument\r\n\r\n'),
  begin(clock, random) {
    const world = { settings: [] as readonly FilterSetting[] }
    const port = { set: (settings: readonly FilterSetting[]) => void (world.settings = settings) }
    const whole = (min: number, max: number): number => Math.floor(random.uniform(min, max))
    return {
      create: () => {
        world.settings = []
        return simWaveshaper.create(port, { name: 'filter', seed: SEED, clock, settings: {} })
      },
      async open(wire, signal) {
        const shaper = await Waveshaper.open(wire, waveshaper.settings.parse({}), clock, signal)
        const passes = (expected: readonly FilterSetting[]): Complaint => differ(world.settings, expected)
        return {
          instrument: shaper,
          operations: [
            {
              name: 'load a profile',
              run: async (abort) => {
                const firstGhz = whole(191_300, 196_000)
                const expected = Array.from({ length: SLICES }, (_, slice) => ({
                  frequencyThz: (firstGhz + slice) / 1e3,
                  attenuationDb: whole(0, 40),
                  phaseRad: whole(0, 6),
                  port: whole(1, 5),
                }))
                await shaper.loadProfile(profileOf(expected), abort)
                return passes(expected)
              },
            },
            {
              name: 'read the profile',
              run: async (abort) => {
                const { settings } = world
                return differ(settingsOf(await shaper.readProfile(abort)), settings)
              },
            },
            {
              name: 'load a band-pass',
              run: async (abort) => {
                const [centreGhz, halfGhz, outlet, attenuationDb] = [
                  whole(192_000, 195_000),
                  5,
                  whole(1, 5),
                  whole(0, 40),
                ]
                const band = {
                  port: outlet,
                  centreThz: centreGhz / 1e3,
                  bandwidthThz: (2 * halfGhz) / 1e3,
                  attenuationDb,
                }
                await shaper.loadBandPass(band, abort)
                return passes(
                  Array.from({ length: 2 * halfGhz + 1 }, (_, slice) => ({
                    frequencyThz: (centreGhz - halfGhz + slice) / 1e3,
                    attenuationDb,
                    phaseRad: 0,
                    port: outlet,
                  })),
                )
              },
            },
            {
              name: 'block all',
              run: async (abort) => {
                await shaper.blockAll(abort)
                return passes([])
              },
            },
          ],
        }
      },
    }
  },
}

function profileOf(settings: readonly FilterSetting[]): FilterProfile {
  return {
    frequenciesThz: Float64Array.from(settings, ({ frequencyThz }) => frequencyThz),
    attenuationsDb: Float64Array.from(settings, ({ attenuationDb }) => attenuationDb),
    phasesRad: Float64Array.from(settings, ({ phaseRad }) => phaseRad),
    ports: Uint8Array.from(settings, ({ port }) => port),
  }
}

/** The slices through which light passes. */
function settingsOf({ frequenciesThz, attenuationsDb, phasesRad, ports }: FilterProfile): readonly FilterSetting[] {
  return Array.from(ports, (port, slice) => ({
    frequencyThz: frequenciesThz[slice]!,
    attenuationDb: attenuationsDb[slice]!,
    phaseRad: phasesRad[slice]!,
    port,
  })).filter(({ port, attenuationDb }) => port !== 0 && attenuationDb < BLOCKED_DB)
}

function differ(got: readonly FilterSetting[], expected: readonly FilterSetting[]): Complaint {
  let complaint = agree('number of open slices', got.length, expected.length, 0)
  for (let slice = 0; complaint === undefined && slice < got.length; slice++) {
    const [one, meant] = [got[slice]!, expected[slice]!]
    complaint =
      agree(`frequency of slice ${slice}`, one.frequencyThz, meant.frequencyThz, 1e-9) ??
      agree(`attenuation of slice ${slice}`, one.attenuationDb, meant.attenuationDb, 1e-9) ??
      agree(`phase of slice ${slice}`, one.phaseRad, meant.phaseRad, 1e-9) ??
      agree(`port of slice ${slice}`, one.port, meant.port, 0)
  }
  return complaint
}
