import { BOUNDARIES, isWithin } from './boundaries.ts'
import type { Boundary, Joules } from './boundaries.ts'

/** One component's part in an energy, with the mean power that makes it. */
export interface PowerShare {
  readonly component: string
  /** The narrowest boundary that holds it. */
  readonly boundary: Boundary
  readonly powerW: number
  readonly source: 'measured' | 'modelled'
  /** Instrument, or formula with its origin. */
  readonly from: string
  readonly joules: number
  /** Limit of error, J: of the meter or model, of having looked now and then, and of seconds without a reading. */
  readonly uncertaintyJ: number
  /** What the meter's or model's part of it rests on. */
  readonly accuracy: string
  /** Readings in the window, and how much of it they cover; of a modelled share none. */
  readonly readings: number
  readonly measuredSeconds: number
  /** Seconds for which a model or an earlier mean stands. */
  readonly modelledSeconds: number
}

export interface BoundaryEnergy {
  readonly boundary: Boundary
  readonly joules: number
  readonly milliwattPerTops: number
  readonly femtojoulePerMac: number
  readonly topsPerWatt: number
  /** The same four, each plus or minus so much. */
  readonly uncertainty: {
    readonly joules: number
    readonly milliwattPerTops: number
    readonly femtojoulePerMac: number
    readonly topsPerWatt: number
  }
}

/** Seconds of a measured component that were modelled, because its meter did not answer. */
export interface SilentMeter {
  readonly component: string
  /** Since the start of the run. */
  readonly fromSeconds: number
  readonly toSeconds: number
  /** What stands for them. */
  readonly powerW: number
}

/** What the time of a run was for. */
export const HEADINGS = ['job', 'warm-up', 'calibration', 'idle'] as const
export type Heading = (typeof HEADINGS)[number]

/** All time of one kind within a run, and its energy. The headings of a run sum to the run, to the last digit. */
export interface HeadingEnergy {
  readonly heading: Heading
  readonly seconds: number
  readonly joules: Joules
  readonly uncertaintyJ: Joules
}

/** Energy of a part of the job. Parts, tiles and lanes each sum to the job, to the last digit. */
export interface PartEnergy {
  readonly name: string
  readonly macs: number
  readonly joules: Joules
}

/** The energy of a whole run, by what its time was for. */
export interface RunEnergy {
  readonly headings: readonly HeadingEnergy[]
  /** Of the whole run. */
  readonly shares: readonly PowerShare[]
  readonly silent: readonly SilentMeter[]
}

/** The energy of a job, without what came before it, and of the run around it. */
export interface EnergyAccount {
  /** Time on the bench's clock that the multiplication took. */
  readonly benchSeconds: number
  readonly macs: number
  /** 1 MAC = 2 OPS. */
  readonly tops: number
  /** Of the job alone. */
  readonly shares: readonly PowerShare[]
  readonly boundaries: readonly BoundaryEnergy[]
  readonly headings: readonly HeadingEnergy[]
  /** Blocks of weights, one after the other. */
  readonly parts: readonly PartEnergy[]
  /** Neighbours share an entry where there are many. */
  readonly tiles: readonly PartEnergy[]
  readonly lanes: readonly PartEnergy[]
  readonly silent: readonly SilentMeter[]
}

/**
 * The totals of a job, boundary by boundary.
 *
 * Components err independently of each other, by assumption: the error of a total is the root of the sum of their
 * squares. Time and multiply-accumulates are counted, so that all figures of a boundary have one relative error.
 */
export function boundaryEnergies(shares: readonly PowerShare[], macs: number): readonly BoundaryEnergy[] {
  return BOUNDARIES.map((boundary) => {
    const inside = shares.filter((share) => isWithin(share.boundary, boundary))
    const joules = inside.reduce((sum, share) => sum + share.joules, 0)
    const uncertaintyJ = rootOfSquares(inside.map((share) => share.uncertaintyJ))
    const figures = {
      joules,
      // 1 mW/TOPS = 1 fJ/OP.
      milliwattPerTops: (joules / (2 * macs)) * 1e15,
      femtojoulePerMac: (joules / macs) * 1e15,
      topsPerWatt: (2 * macs) / joules / 1e12,
    }
    const relative = joules > 0 ? uncertaintyJ / joules : 0
    return {
      boundary,
      ...figures,
      uncertainty: {
        joules: uncertaintyJ,
        milliwattPerTops: relative * figures.milliwattPerTops,
        femtojoulePerMac: relative * figures.femtojoulePerMac,
        topsPerWatt: relative * figures.topsPerWatt,
      },
    }
  })
}

/** Of errors that know nothing of each other. */
export const rootOfSquares = (values: readonly number[]): number => Math.hypot(...values)

/** Throughput in 10¹² operations a second. */
export const topsOf = (macs: number, benchSeconds: number): number => (2 * macs) / benchSeconds / 1e12
