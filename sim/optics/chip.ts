import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { lossDbToFieldRatio } from '../../core/quantities.ts'
import { RandomStream } from '../../core/random.ts'
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
export interface ChipTruth {
  readonly layout: SvdCoreLayout
  readonly first: readonly MziTruth[]
  readonly sigma: readonly MziTruth[]
  readonly second: readonly MziTruth[]
  /** Field that the monitor tap of each waveguide between V† and Σ leaves over, and the share it takes of the power. */
  readonly tapFieldRatio: number
  readonly tapPowerRatio: number
  /** [heater] phase at zero power, uniform over the circle. */
  readonly offsetRad: Float64Array
  /** [heater] electrical power that makes π. */
  readonly piPowerMw: Float64Array
  readonly resistanceOhm: Float64Array
  /** [victim × heaters + aggressor]: share of the aggressor's phase that the victim sees; 1 on the diagonal. */
  readonly crosstalk: Float64Array
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
  const heaters = layout.heaters.length
  const offsets = stream('offsets')
  const efficiency = stream('efficiency')
  return {
    layout,
    first: mzis('first', layout.mzis.length),
    sigma: mzis('sigma', layout.size),
    second: mzis('second', layout.mzis.length),
    tapFieldRatio: Math.sqrt(1 - what.tapRatio),
    tapPowerRatio: what.tapRatio,
    offsetRad: Float64Array.from({ length: heaters }, () => offsets.uniform(0, 2 * Math.PI)),
    piPowerMw: Float64Array.from(
      { length: heaters },
      () => what.heaterPiPowerMw * Math.max(0.2, efficiency.normal(1, what.heaterSpread)),
    ),
    resistanceOhm: new Float64Array(heaters).fill(what.heaterResistanceOhm),
    crosstalk: crosstalkMatrix(layout, what),
  }
}

function crosstalkMatrix(layout: SvdCoreLayout, what: MeshImperfections): Float64Array {
  const { heaters } = layout
  const matrix = new Float64Array(heaters.length ** 2)
  for (const [victim, { x, y }] of heaters.entries()) {
    for (const [aggressor, from] of heaters.entries()) {
      const distance = Math.hypot(x - from.x, y - from.y)
      matrix[victim * heaters.length + aggressor] =
        victim === aggressor ? 1 : what.crosstalkNeighbour * Math.exp(-(distance - 1) / what.crosstalkDecayPitch)
    }
  }
  return matrix
}
