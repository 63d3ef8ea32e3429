/** The anchor of all grids. Source: ITU-T G.694.1. */
const ANCHOR_THZ = 193.1

/** Channel `n` of a fixed grid: 193.1 THz + n × spacing. Source: ITU-T G.694.1; spacings 12.5, 25, 50 and 100 GHz. */
export const fixedGridThz = (n: number, spacingThz: number): number => ANCHOR_THZ + n * spacingThz

/** The number of the channel of a fixed grid nearest to a frequency. */
export const nearestChannel = (frequencyThz: number, spacingThz: number): number =>
  Math.round((frequencyThz - ANCHOR_THZ) / spacingThz)
