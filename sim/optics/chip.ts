import type { MziKind } from '../../core/mesh-design.ts'
import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { lossDbToFieldRatio } from '../../core/quantities.ts'
import { RandomStream } from '../../core/random.ts'
import { bareWaveguides } from './bare-waveguides.ts'
import { fabricateHeaters } from './heater-truth.ts'
import type { HeaterTruth } from './heater-truth.ts'
import type { MeshImperfections } from './parameters/mesh-parameters.ts'

/** What the foundry made of one MZI. */
export interface MziTruth {
  /** Angle errors of its two splitters: π/4 + error. */
  readonly alphaRad: number
  readonly betaRad: number
  /** Angle of the coupler in front of φ: about π/4 for a third splitter, π/2 for a crossing. A plain one has none. */
  readonly thirdRad?: number
  /** Field that one pass leaves over. */
  readonly fieldRatio: number
}

/** What the foundry made of one chip: hidden from everything but the light. */
export interface ChipTruth extends HeaterTruth {
  readonly layout: SvdCoreLayout
  readonly first: readonly MziTruth[]
  readonly sigma: readonly MziTruth[]
  readonly second: readonly MziTruth[]
  /** Field that the monitor tap of each waveguide between V† and Σ leaves over, and the share it takes of the power; none in a unitary core. */
  readonly tapFieldRatio: number
  readonly tapPowerRatio: number
}

/**
 * Draws one chip as its layout says; its attenuators are plain in any case. The same seed gives the same chip; each device
 * has its own stream, so a new parameter moves no other.
 */
export function fabricateChip(layout: SvdCoreLayout, what: MeshImperfections, seed: number): ChipTruth {
  const { mzi: kind, form } = layout.design
  const tapRatio = form === 'svd' ? what.tapRatio : 0
  const stream = (device: string): RandomStream => new RandomStream(seed, `chip/${device}`)
  const mzis = (device: string, count: number, of: MziKind): MziTruth[] => {
    const splitters = stream(`${device}/splitters`)
    const thirds = stream(`${device}/third-splitters`)
    const losses = stream(`${device}/loss`)
    return Array.from({ length: count }, () => ({
      alphaRad: splitters.normal(what.splitterMeanRad, what.splitterSigmaRad),
      betaRad: splitters.normal(what.splitterMeanRad, what.splitterSigmaRad),
      fieldRatio: lossDbToFieldRatio(Math.max(0, losses.normal(what.mziLossDb, what.mziLossSpreadDb))),
      ...third(of, () => thirds.normal(what.splitterMeanRad, what.splitterSigmaRad)),
    }))
  }
  const share = what.bareCrosstalkShare
  const bare = share > 0 ? { places: bareWaveguides(layout).places, share } : undefined
  return {
    layout,
    first: mzis('first', layout.first.phi.length, kind),
    sigma: mzis('sigma', layout.sigma.phi.length, 'plain'),
    second: mzis('second', layout.second.phi.length, kind),
    tapFieldRatio: Math.sqrt(1 - tapRatio),
    tapPowerRatio: tapRatio,
    ...fabricateHeaters(layout.heaters, what, seed, bare),
  }
}

/** A crossing is made by geometry, not by a length of coupling: it has no angle error. */
function third(kind: MziKind, errorRad: () => number): { readonly thirdRad?: number } {
  switch (kind) {
    case 'plain':
      return {}
    case 'three-splitter':
      return { thirdRad: Math.PI / 4 + errorRad() }
    case 'crossing':
      return { thirdRad: Math.PI / 2 }
  }
}
