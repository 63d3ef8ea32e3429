import { assumption } from './parameter.ts'
import type { Parameters, Values } from './parameter.ts'

/** The spectrum of the light: linewidth, and one frequency comb in the place of single lasers. */
export const SOURCE_PARAMETERS = {
  laserLinewidthKhz: { value: 200, min: 0, max: 1e6, source: 'CW DFB for co-packaged optics, below 200–500 kHz' },
  loMismatchM: {
    value: 0,
    min: -1000,
    max: 1000,
    source: assumption('fibre by which a signal’s path is longer than its local oscillator’s; 0: equal paths'),
  },
  frequencyCombSpacingGhz: {
    value: 0,
    min: 0,
    max: 10_000,
    source: assumption('0: single lasers; 48.9 GHz is the soliton-crystal comb of published ONNs'),
  },
  frequencyCombOffsetGhz: { value: 0, min: -1000, max: 1000, source: assumption('common to all lines') },
  frequencyCombTiltDbPerThz: {
    value: 0,
    min: -100,
    max: 100,
    source: assumption('flattened; positive: blue is brighter'),
  },
  frequencyCombRippleDb: { value: 0.5, min: 0, max: 10, source: assumption('σ a line, behind a flattening filter') },
  frequencyCombRinDbPerHz: {
    value: -140,
    min: -200,
    max: -80,
    source: assumption('common to all lines; no comb’s RIN found'),
  },
} as const satisfies Parameters

export type SourceValues = Values<typeof SOURCE_PARAMETERS>
