/**
 * What is counted, each boundary holding all before it: the light itself; what makes and steers it; converters and
 * amplifiers; everything that hangs on the bench's wall plug.
 */
export const BOUNDARIES = ['optical', 'electro-optic', 'converters', 'wall-plug'] as const
export type Boundary = (typeof BOUNDARIES)[number]

/** Mean power of one component over a run. */
export interface PowerShare {
  readonly component: string
  /** The narrowest boundary that holds it. */
  readonly boundary: Boundary
  readonly powerW: number
  readonly source: 'measured' | 'modelled'
  /** Instrument, or formula with its origin. */
  readonly from: string
}

export interface BoundaryEnergy {
  readonly boundary: Boundary
  readonly joules: number
  readonly milliwattPerTops: number
  readonly femtojoulePerMac: number
  readonly topsPerWatt: number
}

export interface EnergyAccount {
  /** Time on the bench's clock that the multiplication took. */
  readonly benchSeconds: number
  readonly macs: number
  /** 1 MAC = 2 OPS. */
  readonly tops: number
  readonly shares: readonly PowerShare[]
  readonly boundaries: readonly BoundaryEnergy[]
}

/**
 * The energy account of a run: power shares times time, summed boundary by boundary.
 *
 * The wall plug is one meter for everything, so its share replaces the sum of what it contains.
 */
export function accountEnergy(shares: readonly PowerShare[], benchSeconds: number, macs: number): EnergyAccount {
  const tops = (2 * macs) / benchSeconds / 1e12
  const boundaries = BOUNDARIES.map((boundary, reach) => {
    const inside =
      boundary === 'wall-plug'
        ? shares.filter((share) => share.boundary === 'wall-plug')
        : shares.filter((share) => BOUNDARIES.indexOf(share.boundary) <= reach)
    const powerW = inside.reduce((sum, share) => sum + share.powerW, 0)
    const joules = powerW * benchSeconds
    return {
      boundary,
      joules,
      milliwattPerTops: (powerW * 1e3) / tops,
      femtojoulePerMac: (joules / macs) * 1e15,
      topsPerWatt: tops / powerW,
    }
  })
  return { benchSeconds, macs, tops, shares, boundaries }
}
