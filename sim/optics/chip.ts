import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { lossDbToFieldRatio } from '../../core/quantities.ts'
import { RandomStream } from '../../core/random.ts'
import { fabricateHeaters } from './heater-truth.ts'
import type { HeaterTruth } from './heater-truth.ts'
import type { MeshImperfections } from './parameters/mesh-parameters.ts'

/** What the foundry made of one MZI. */
export interface MziTruth {
  /** Angle errors of its two splitters: π/4 + error. */
  readonly alphaRad: number
  readonly betaRad: number
  /** Field that one pass leaves over. */
  readonly fieldRatio: number
}

/** What the foundry made of one chip: hidden from everything but the light. */
export interface ChipTruth extends HeaterTruth {
  readonly layout: SvdCoreLayout
  readonly first: readonly MziTruth[]
  readonly sigma: readonly MziTruth[]
  readonly second: readonly MziTruth[]
  /** Field that the monitor tap of each waveguide between V† and Σ leaves over, and the share it takes of the power. */
  readonly tapFieldRatio: number
  readonly tapPowerRatio: number
}

/** Draws one chip. The same seed gives the same chip; each device has its own stream, so a new parameter moves no other. */
export function fabricateChip(layout: SvdCoreLayout, what: MeshImperfections, seed: number): ChipTruth {
  const stream = (device: string): RandomStream => new RandomStream(seed, `chip/${device}`)
  const mzis = (device: string, count: number): MziTruth[] => {
    const splitters = stream(`${device}/splitters`)
    const losses = stream(`${device}/loss`)
    return Array.from({ length: count }, () => ({
      alphaRad: splitters.normal(0, what.splitterSigmaRad),
      betaRad: splitters.normal(0, what.splitterSigmaRad),
      fieldRatio: lossDbToFieldRatio(Math.max(0, losses.normal(what.mziLossDb, what.mziLossSpreadDb))),
    }))
  }
  return {
    layout,
    first: mzis('first', layout.mzis.length),
    sigma: mzis('sigma', layout.size),
    second: mzis('second', layout.mzis.length),
    tapFieldRatio: Math.sqrt(1 - what.tapRatio),
    tapPowerRatio: what.tapRatio,
    ...fabricateHeaters(layout.heaters, what, seed),
  }
}
