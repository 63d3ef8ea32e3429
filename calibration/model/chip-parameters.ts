import type { SvdCoreLayout } from '../../core/mesh-layout.ts'

/** Where each kind of parameter stands in the flat vector that fits and records use. */
export interface ParameterBlocks {
  readonly count: number
  /** [heater] phase at 0 V, rad. */
  readonly offset: number
  /** [heater] phase per volt squared, rad/V². */
  readonly radPerV2: number
  /** [element] splitter angle errors, rad. Elements: MZIs of V†, attenuators of Σ, MZIs of U. */
  readonly alpha: number
  readonly beta: number
  /** ln of the share of a heater's phase that a neighbour one pitch away sees, and ln of the decay length in pitches. */
  readonly logNeighbour: number
  readonly logDecay: number
  /** ln of the field that an MZI leaves over, mean of all. */
  readonly logMziField: number
  /** [lane × size + port] ln of the field gains before and behind the mesh, detection included. */
  readonly logIn: number
  readonly logOut: number
  /** [element] ln of what each leaves over beside that. The last, because records from before it was fitted end here. */
  readonly logOwnField: number
}

export function parameterBlocks(layout: SvdCoreLayout): ParameterBlocks {
  const heaters = layout.heaters.length
  const elements = elementCount(layout)
  const ports = layout.lanes * layout.size
  let next = 0
  const block = (length: number): number => (next += length) - length
  return {
    offset: block(heaters),
    radPerV2: block(heaters),
    alpha: block(elements),
    beta: block(elements),
    logNeighbour: block(1),
    logDecay: block(1),
    logMziField: block(1),
    logIn: block(ports),
    logOut: block(ports),
    logOwnField: block(elements),
    count: next,
  }
}

export const elementCount = ({ first, sigma, second }: SvdCoreLayout): number =>
  first.phi.length + sigma.phi.length + second.phi.length
