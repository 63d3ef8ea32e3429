import { LIGHT_NM_THZ } from '../../core/quantities.ts'
import { RandomStream } from '../../core/random.ts'
import type { ChipTruth, MziTruth } from './chip.ts'
import type { DispersionValues } from './parameters/dispersion-parameters.ts'

const UM_PER_NM = 1e-3

/** The chip as the light of one lane meets it. */
export interface LaneChip {
  readonly chip: ChipTruth
  /** Added to the phase of each heater. Undefined: nothing. Shape: [heater]. */
  readonly phasesRad: Float64Array | undefined
}

/**
 * The chip at each lane's channel; one and the same for all lanes where nothing disperses.
 *
 * At f beside the first lane's f₀ an arm that is longer by ΔL than the one it interferes with turns by
 * 2π · n_g · ΔL · (f − f₀)/c more, and every splitter's angle by its slope times f − f₀. Crossings and losses do not
 * change. Shapes: channels and result [lane].
 * Source: first order of β(f) = 2πf·n/c, n_g = n + f·dn/df; docs/physics.md.
 */
export function dispersedChips(
  chip: ChipTruth,
  channelsThz: readonly number[],
  what: DispersionValues,
  seed: number,
): readonly LaneChip[] {
  const flat: LaneChip = { chip, phasesRad: undefined }
  const { pathMismatchUm, waveguideGroupIndex, splitterDispersionRadPerThz: slope } = what
  if (pathMismatchUm === 0 && slope === 0) return channelsThz.map(() => flat)
  const stream = new RandomStream(seed, 'chip/path mismatch')
  const mismatchUm = Float64Array.from(chip.offsetRad, () => stream.normal(0, pathMismatchUm))
  return channelsThz.map((thz, lane) => {
    if (lane === 0) return flat
    const asideThz = thz - channelsThz[0]!
    const radPerUm = (2 * Math.PI * waveguideGroupIndex * asideThz) / (LIGHT_NM_THZ * UM_PER_NM)
    return { chip: turned(chip, slope * asideThz), phasesRad: mismatchUm.map((um) => radPerUm * um) }
  })
}

/** All splitters by one angle. */
function turned(chip: ChipTruth, rad: number): ChipTruth {
  if (rad === 0) return chip
  const isSplitter = chip.layout.design.mzi === 'three-splitter'
  const each = (mzis: readonly MziTruth[]): readonly MziTruth[] =>
    mzis.map((mzi) => ({
      ...mzi,
      alphaRad: mzi.alphaRad + rad,
      betaRad: mzi.betaRad + rad,
      ...(isSplitter && mzi.thirdRad !== undefined && { thirdRad: mzi.thirdRad + rad }),
    }))
  return { ...chip, first: each(chip.first), sigma: each(chip.sigma), second: each(chip.second) }
}
