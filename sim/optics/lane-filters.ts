import { BenchError } from '../../core/errors.ts'
import { lossDbToPowerRatio } from '../../core/quantities.ts'
import { RandomStream } from '../../core/random.ts'
import { fixedGridThz, nearestChannel } from './itu-grid.ts'
import type { LinkValues } from './parameters/link-parameters.ts'
import { passbandTransmission } from './passband.ts'
import type { Passband } from './passband.ts'

/** What the filters do to the lasers at the frequencies they have now. */
export interface FilteredLanes {
  /** [lane, port]: field of a lane's laser behind the multiplexer of an input, for 1 before it. */
  readonly muxField: Float64Array
  /** [laser, lane, port]: power of a laser at the demultiplexer's output for a lane, for 1 before it. */
  readonly demuxPower: Float64Array
}

/**
 * The multiplexers before a mesh and the demultiplexers behind it: one of each a waveguide, one channel a lane.
 *
 * Their loss at the centre is part of the paths' own. A lane's channel is the one of the grid nearest to its frequency.
 */
export class LaneFilters {
  /** [lane, port] */
  readonly mux: readonly Passband[]
  readonly demux: readonly Passband[]
  readonly #lanes: number
  readonly #size: number
  #cached: { readonly frequenciesThz: Float64Array; readonly filtered: FilteredLanes } | undefined

  /** Throws: RANGE_EXCEEDED when the passband is wider than the grid, or wider at 1 dB than at 3 dB. */
  constructor(size: number, channelsThz: readonly number[], what: LinkValues, seed: number) {
    requirePassband(what)
    this.#lanes = channelsThz.length
    this.#size = size
    const draw = (device: string): Passband[] => {
      const centres = new RandomStream(seed, `${device}/centre`)
      return channelsThz.flatMap((nominalThz) =>
        Array.from({ length: size }, () => ({
          centreThz: gridThz(nominalThz, what) + centres.normal(0, what.muxCentreErrorGhz / 1e3),
          width1DbThz: what.muxPassband1DbGhz / 1e3,
          width3DbThz: what.muxPassband3DbGhz / 1e3,
          spacingThz: what.gridSpacingGhz / 1e3,
          freeSpectralRangeThz: what.muxFreeSpectralRangeThz,
          adjacentLeak: lossDbToPowerRatio(what.muxAdjacentIsolationDb),
          otherLeak: lossDbToPowerRatio(what.muxNonAdjacentIsolationDb),
        })),
      )
    }
    this.mux = draw('mux')
    this.demux = draw('demux')
  }

  at(frequenciesThz: Float64Array): FilteredLanes {
    const cached = this.#cached
    if (cached?.frequenciesThz.every((thz, laser) => thz === frequenciesThz[laser])) return cached.filtered
    const filtered = {
      muxField: Float64Array.from(this.mux, (band, at) =>
        Math.sqrt(passbandTransmission(band, frequenciesThz[Math.floor(at / this.#size)]!)),
      ),
      demuxPower: Float64Array.from({ length: this.#lanes * this.demux.length }, (_, at) =>
        passbandTransmission(this.demux[at % this.demux.length]!, frequenciesThz[Math.floor(at / this.demux.length)]!),
      ),
    }
    this.#cached = { frequenciesThz: frequenciesThz.slice(), filtered }
    return filtered
  }
}

function gridThz(nominalThz: number, { gridSpacingGhz }: LinkValues): number {
  const spacingThz = gridSpacingGhz / 1e3
  return fixedGridThz(nearestChannel(nominalThz, spacingThz), spacingThz)
}

function requirePassband({ muxPassband1DbGhz, muxPassband3DbGhz, gridSpacingGhz }: LinkValues): void {
  const refuse = (message: string): never => {
    throw new BenchError('RANGE_EXCEEDED', message, {
      context: { muxPassband1DbGhz, muxPassband3DbGhz, gridSpacingGhz },
    })
  }
  if (muxPassband3DbGhz > gridSpacingGhz) {
    refuse(`muxPassband3DbGhz ${muxPassband3DbGhz} is wider than gridSpacingGhz ${gridSpacingGhz}`)
  }
  if (muxPassband1DbGhz >= muxPassband3DbGhz) {
    refuse(`muxPassband1DbGhz ${muxPassband1DbGhz} must be less than muxPassband3DbGhz ${muxPassband3DbGhz}`)
  }
}
