import { assumption } from './parameter.ts'
import type { Parameters, Values } from './parameter.ts'

/** What lies between the modulators and a mesh core, and between the core and its couplers. */
export const LINK_PARAMETERS = {
  gridSpacingGhz: { value: 100, min: 12.5, max: 1000, source: 'ITU-T G.694.1: 193.1 THz + n × spacing' },
  muxPassband1DbGhz: { value: 50, min: 1, max: 1000, source: '40-channel AAWG data sheet, 0.4 nm' },
  muxPassband3DbGhz: { value: 75, min: 1, max: 1000, source: '40-channel AAWG data sheet, 0.6 nm' },
  muxCentreErrorGhz: {
    value: 2,
    min: 0,
    max: 1000,
    source: assumption('σ a channel and port; the data sheet allows ±0.05 nm'),
  },
  muxFreeSpectralRangeThz: {
    value: 10,
    min: 0.05,
    max: 100,
    source: assumption('far beyond the C band: every channel opens at its own frequency only'),
  },
  muxAdjacentIsolationDb: { value: 25, min: 3, max: 100, source: '40-channel AAWG data sheet' },
  muxNonAdjacentIsolationDb: { value: 30, min: 3, max: 100, source: '40-channel AAWG data sheet' },
} as const satisfies Parameters

export type LinkValues = Values<typeof LINK_PARAMETERS>
