import type { SvdCoreLayout } from '../../core/mesh-layout.ts'

/** Where each kind of parameter of a chip read by its intensities stands in the flat vector of fits and records. */
export interface IntensityBlocks {
  readonly count: number
  /** [heater] phase at 0 V, rad, and phase per volt squared, rad/V². */
  readonly offset: number
  readonly radPerV2: number
  /** [mzi] what its splitter angles are beside the mean of all, rad. */
  readonly alpha: number
  readonly beta: number
  /** Mean of all splitter angles beside π/4, rad: 0.06 for a splitting ratio of 0.56. */
  readonly splitterMean: number
  /** ln of the share of a heater's phase that a neighbour one pitch away sees, and ln of the decay length in pitches. */
  readonly logNeighbour: number
  readonly logDecay: number
  /** ln of the field that an MZI leaves over; [mzi] what each is beside that. */
  readonly logMziField: number
  readonly logOwnField: number
  /** [port] ln of the field gains before and behind the mesh, photodiode included. */
  readonly logIn: number
  readonly logOut: number
  /** [port, lit port] field that a dark input still carries while another one is lit, relative to its own lit field. */
  readonly strayRe: number
  readonly strayIm: number
}

export function intensityBlocks({ heaters, mzis, size }: SvdCoreLayout): IntensityBlocks {
  let next = 0
  const block = (length: number): number => (next += length) - length
  return {
    offset: block(heaters.length),
    radPerV2: block(heaters.length),
    alpha: block(mzis.length),
    beta: block(mzis.length),
    splitterMean: block(1),
    logNeighbour: block(1),
    logDecay: block(1),
    logMziField: block(1),
    logOwnField: block(mzis.length),
    logIn: block(size),
    logOut: block(size),
    strayRe: block(size * size),
    strayIm: block(size * size),
    count: next,
  }
}
