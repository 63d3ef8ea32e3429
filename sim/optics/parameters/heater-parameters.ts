import { assumption } from './parameter.ts'
import type { Parameters, Values } from './parameter.ts'

/** Heaters on the chip, of either core. */
export const HEATER_PARAMETERS = {
  heaterPiPowerMw: { value: 21.4, min: 0.1, max: 500, source: 'TiN heater, Micromachines 13, 1509, table' },
  heaterResistanceOhm: {
    value: 1500,
    min: 10,
    max: 1e5,
    source: assumption('puts 2π near 8 V, inside the driver’s 12 V'),
  },
  heaterResistanceGrowthPerW: {
    value: 0,
    min: 0,
    max: 10,
    source: assumption('0 keeps φ ∝ V², the law that calibration fits; 0.3 is TiN, 3e-4 /K at 1 K/mW'),
  },
  heaterLinearRadPerV: {
    value: 0,
    min: -2,
    max: 2,
    source: assumption('0 for heaters that obey Joule; the laboratory cubic of phox has such a term'),
  },
  heaterCubicRadPerV3: {
    value: 0,
    min: -0.1,
    max: 0.1,
    source: assumption('0 for heaters that obey Joule; the laboratory cubic of phox has such a term'),
  },
  heaterSpread: { value: 0.05, min: 0, max: 0.3, source: assumption('σ of the heaters’ efficiency, relative') },
  crosstalkNeighbour: {
    value: 0.01,
    min: 0,
    max: 0.2,
    source: 'share of a heater’s phase seen one pitch away; 1.5 % on a 126-shifter chip (Fyrillas 2024)',
  },
  crosstalkDecayPitch: {
    value: 1,
    min: 0.1,
    max: 20,
    source: 'c·exp(−(d−1)/decay), the distance law of the published crosstalk tables',
  },
  heaterTimeConstantUs: { value: 5.6, min: 0.01, max: 1e6, source: 'TiN heater, Micromachines 13, 1509, table' },
} as const satisfies Parameters

export type HeaterValues = Values<typeof HEATER_PARAMETERS>
