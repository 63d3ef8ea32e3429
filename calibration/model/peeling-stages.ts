import type { SvdCoreLayout } from '../../core/mesh-layout.ts'

/** What meets in one place of a stage: an MZI on two waveguides, an attenuator on one. */
export interface PeelingBlock {
  readonly top: number
  readonly width: 1 | 2
  /** Index among the splitter parameters. */
  readonly element: number
  readonly theta: number
  readonly phi: number
}

/** Blocks that light passes side by side: one column of a mesh, or all attenuators. */
export interface PeelingStage {
  readonly kind: 'column' | 'attenuators'
  readonly mesh: 'first' | 'second' | 'between'
  readonly column: number
  readonly blocks: readonly PeelingBlock[]
}

/** All stages from the outputs inwards: the last column of U first, the first one of V† last; of a unitary core those of its mesh. */
export function peelingStages({ columns: count, mzis, first, sigma, second }: SvdCoreLayout): readonly PeelingStage[] {
  const columns = (mesh: 'first' | 'second', heaters: typeof first, from: number): PeelingStage[] =>
    Array.from({ length: count }, (_, column): PeelingStage => ({
      kind: 'column',
      mesh,
      column,
      blocks: mzis.flatMap((place, k) =>
        place.column === column
          ? [{ top: place.top, width: 2, element: from + k, theta: heaters.theta[k]!, phi: heaters.phi[k]! }]
          : [],
      ),
    }))
      .filter(({ blocks }) => blocks.length > 0)
      .reverse()
  const attenuators: PeelingStage = {
    kind: 'attenuators',
    mesh: 'between',
    column: 0,
    blocks: sigma.theta.map((theta, top) => ({
      top,
      width: 1,
      element: mzis.length + top,
      theta,
      phi: sigma.phi[top]!,
    })),
  }
  const inner = columns('first', first, 0)
  if (sigma.theta.length === 0) return inner
  return [...columns('second', second, mzis.length + sigma.theta.length), attenuators, ...inner]
}
