import type { LightBench } from '../../core/light-bench.ts'
import { dbmToMw } from '../../core/quantities.ts'
import { allDone } from '../frames/frame-runner.ts'
import type { PowerShare } from './energy.ts'

/** Electrical to optical, of the laser modules. Source: SimPhony's device set; an assumption for the ITLA. */
const LASER_WALL_EFFICIENCY = 0.2
/** One channel of a linear transimpedance amplifier. Source: half of a dual chip's 238 mW, LSSC 2024. */
export const TIA_MW = 119
/** Energy of one conversion a bit, DAC and ADC alike. Source: SimPhony's figure of merit, 33.6 fJ. */
export const CONVERTER_FJ_PER_BIT = 33.6
export const DAC_BITS = 8
export const ADC_BITS = 12

/**
 * Reads what the bench draws now, and models what no instrument on it measures.
 *
 * Lasers and mains are asked; heaters by their driver's own readings; converters and amplifiers of an integrated
 * receiver are modelled, because the bench's generators and meters stand in for them.
 */
export async function measurePower(bench: LightBench, signal: AbortSignal): Promise<PowerShare[]> {
  const { lasers, lanes, heaters, mains, timing } = bench
  const asked = [
    allDone(lasers.map(async ({ laser }) => dbmToMw(await laser.readPowerDbm(signal)))),
    heaters.readPowersMw(signal),
    mains.readPowerW(signal),
  ] as const
  // Even when one fails, nothing is left half-way on a wire.
  await Promise.allSettled(asked)
  const [lightMw, heatersMw, mainsW] = await Promise.all(asked)
  const lightW = lightMw.reduce<number>((sum, mw) => sum + mw, 0) / 1e3
  const heatersW = heatersMw.reduce((sum, mw) => sum + mw, 0) / 1e3
  const modulators = lanes.reduce((sum, lane) => sum + lane.modulators.length, 0)
  const detectors = lanes.flatMap((lane) => lane.detectors).reduce((sum, { minus }) => sum + (minus ? 2 : 1), 0)
  const symbolsPerS = 1 / timing.symbolPeriodS
  const converters = (modulators * DAC_BITS + detectors * ADC_BITS) * CONVERTER_FJ_PER_BIT * 1e-15 * symbolsPerS
  return [
    {
      component: 'laser light',
      boundary: 'optical',
      powerW: lightW,
      source: 'measured',
      from: 'lasers’ own power readings',
    },
    {
      component: 'lasers, electrical',
      boundary: 'electro-optic',
      powerW: lightW / LASER_WALL_EFFICIENCY - lightW,
      source: 'modelled',
      from: `light / ${LASER_WALL_EFFICIENCY} wall-plug efficiency, without the light (SimPhony)`,
    },
    { component: 'heaters', boundary: 'electro-optic', powerW: heatersW, source: 'measured', from: 'heater driver' },
    {
      component: 'DAC and ADC',
      boundary: 'converters',
      powerW: converters,
      source: 'modelled',
      from: `${CONVERTER_FJ_PER_BIT} fJ a bit and conversion (SimPhony)`,
    },
    {
      component: 'transimpedance amplifiers',
      boundary: 'converters',
      powerW: (detectors * TIA_MW) / 1e3,
      source: 'modelled',
      from: `${TIA_MW} mW a channel (LSSC 2024)`,
    },
    { component: 'whole bench', boundary: 'wall-plug', powerW: mainsW, source: 'measured', from: 'mains meter' },
  ]
}
