import { assumption } from './parameter.ts'
import type { Parameters, Values } from './parameter.ts'

/** How a mesh differs from lane to lane. */
export const DISPERSION_PARAMETERS = {
  pathMismatchUm: {
    value: 0,
    min: 0,
    max: 1000,
    source: assumption('σ a heater, of arms drawn equally long; 1 µm is 9 mrad between lanes 100 GHz apart'),
  },
  waveguideGroupIndex: { value: 4.2, min: 1, max: 6, source: assumption('silicon wire at 1550 nm') },
  splitterDispersionRadPerThz: {
    value: 0,
    min: -1,
    max: 1,
    source: assumption('0: lanes next to one another; some mrad per THz for directional couplers'),
  },
} as const satisfies Parameters

export type DispersionValues = Values<typeof DISPERSION_PARAMETERS>
