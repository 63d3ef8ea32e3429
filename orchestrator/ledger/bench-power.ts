import type { ReadingAccuracy } from '../../core/instruments.ts'
import type { LightBench } from '../../core/light-bench.ts'
import { dbmToMw } from '../../core/quantities.ts'
import type { Boundary } from './boundaries.ts'
import { PowerSeries } from './power-series.ts'
import type { SampledChannel } from './sampled-channel.ts'

/** Electrical to optical, of the laser modules. Source: SimPhony's device set; an assumption for the ITLA. */
const LASER_WALL_EFFICIENCY = 0.2
/** One channel of a linear transimpedance amplifier. Source: half of a dual chip's 238 mW, LSSC 2024. */
const TIA_MW = 119
/** Energy of one conversion a bit, DAC and ADC alike. Source: SimPhony's figure of merit, 33.6 fJ. */
const CONVERTER_FJ_PER_BIT = 33.6
const DAC_BITS = 8
const ADC_BITS = 12

/** Modules are specified to half a decibel. Assumption: no sheet at hand says so of every module. */
const LASER_READING: ReadingAccuracy = { relative: 10 ** 0.05 - 1, from: 'assumption: read-back within 0.5 dB' }
/** Voltage times current of 16-bit read-backs. Assumption: the sheet gives the resolution, and no accuracy. */
const HEATER_READING: ReadingAccuracy = { relative: 0.01, from: 'assumption: voltage and current read back within 1 %' }
/** What is modelled may be off by half: device figures of one technology stand for those of another. Assumption. */
export const MODEL: ReadingAccuracy = { relative: 0.5, from: 'assumption: model within 50 %' }

/** One power that an instrument can be asked for. */
export interface PowerChannel extends SampledChannel {
  readonly unit: 'W'
  readonly series: PowerSeries
}

/** What is added up: readings times a factor, plus a constant power. */
export interface PowerComponent {
  readonly component: string
  /** The narrowest boundary that holds it. */
  readonly boundary: Boundary
  readonly source: 'measured' | 'modelled'
  /** Instrument, or formula with its origin. */
  readonly from: string
  readonly accuracy: ReadingAccuracy
  readonly series: readonly PowerSeries[]
  readonly factor: number
  readonly constantW: number
}

/**
 * What a bench draws: the powers that its instruments can be asked for, and models of what no instrument measures.
 *
 * Lasers and mains are asked, heaters by their driver's own readings; converters and amplifiers of an integrated
 * receiver are modelled, because the bench's generators and meters stand in for them.
 */
export function benchPower(bench: LightBench): {
  /** The mains first: alone on its wire, it is asked before the others. */
  readonly channels: readonly PowerChannel[]
  readonly components: readonly PowerComponent[]
} {
  const mains: PowerChannel = {
    quantity: 'power of whole bench',
    unit: 'W',
    source: 'mains meter',
    series: new PowerSeries('line'),
    needsLight: false,
    read: (signal) => bench.mains.readPowerW(signal),
  }
  const heaters: PowerChannel = {
    quantity: 'power of heaters',
    unit: 'W',
    source: 'heater driver',
    series: new PowerSeries('held'),
    needsLight: false,
    read: async (signal) => takenW(await bench.heaters.readPowersMw(signal)),
  }
  const lasers = bench.lasers.map(({ laser, name }, lane): PowerChannel => {
    const source = name ?? `laser of lane ${lane}`
    return {
      quantity: `power of laser light, ${source}`,
      unit: 'W',
      source,
      series: new PowerSeries('line'),
      needsLight: true,
      read: async (signal) => dbmToMw(await laser.readPowerDbm(signal)) / 1e3,
    }
  })
  const light = lasers.map(({ series }) => series)
  const measured = { source: 'measured', factor: 1, constantW: 0 } as const
  const modelled = { source: 'modelled', accuracy: MODEL, series: [], factor: 1, constantW: 0 } as const
  const modulators = bench.lanes.reduce((sum, lane) => sum + lane.modulators.length, 0)
  const photodiodes = bench.lanes.flatMap((lane) => lane.detectors).reduce((sum, { minus }) => sum + (minus ? 2 : 1), 0)
  const { convertersW, amplifiersW } = receiverPower(modulators, photodiodes, bench.timing.symbolPeriodS)
  return {
    channels: [mains, heaters, ...lasers],
    components: [
      {
        ...measured,
        component: 'laser light',
        boundary: 'optical',
        from: 'lasers’ own power readings',
        accuracy: LASER_READING,
        series: light,
      },
      {
        ...modelled,
        component: 'lasers, electrical',
        boundary: 'electro-optic',
        from: laserSource(LASER_WALL_EFFICIENCY),
        series: light,
        factor: 1 / LASER_WALL_EFFICIENCY - 1,
      },
      {
        ...measured,
        component: 'heaters',
        boundary: 'electro-optic',
        from: 'heater driver',
        accuracy: HEATER_READING,
        series: [heaters.series],
      },
      {
        ...modelled,
        component: 'DAC and ADC',
        boundary: 'converters',
        from: RECEIVER_SOURCES.converters,
        constantW: convertersW,
      },
      {
        ...modelled,
        component: 'transimpedance amplifiers',
        boundary: 'converters',
        from: RECEIVER_SOURCES.amplifiers,
        constantW: amplifiersW,
      },
      {
        ...measured,
        component: 'whole bench',
        boundary: 'wall-plug',
        from: 'mains meter',
        accuracy: bench.mains.accuracy,
        series: [mains.series],
      },
    ],
  }
}

/**
 * What heaters take together. A heater gives nothing back: voltage and current that were read with opposite signs are
 * both noise around 0, and so is their product.
 */
function takenW(heatersMw: Float64Array): number {
  return heatersMw.reduce((sum, mw) => sum + Math.max(0, mw), 0) / 1e3
}

/** Converters and amplifiers of an integrated receiver behind so many modulators and photodiodes. */
export function receiverPower(
  modulators: number,
  photodiodes: number,
  symbolPeriodS: number,
): { readonly convertersW: number; readonly amplifiersW: number } {
  const bitsPerSymbol = modulators * DAC_BITS + photodiodes * ADC_BITS
  return {
    convertersW: (bitsPerSymbol * CONVERTER_FJ_PER_BIT * 1e-15) / symbolPeriodS,
    amplifiersW: (photodiodes * TIA_MW) / 1e3,
  }
}

/** Where the models of a receiver come from. */
export const RECEIVER_SOURCES = {
  converters: `${CONVERTER_FJ_PER_BIT} fJ a bit and conversion (SimPhony)`,
  amplifiers: `${TIA_MW} mW a channel (LSSC 2024)`,
} as const

export const laserSource = (wallEfficiency: number): string =>
  `light / ${wallEfficiency} wall-plug efficiency, without the light (SimPhony)`
