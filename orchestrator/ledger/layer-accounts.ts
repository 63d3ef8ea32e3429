import { isWithin, joulesBy } from './boundaries.ts'
import type { Boundary, Joules } from './boundaries.ts'
import { EnergyGrid } from './energy-grid.ts'
import { boundaryEnergies, topsOf } from './energy.ts'
import type { BoundaryEnergy, EnergyAccount, PowerShare } from './energy.ts'

/** The account of one product of a layer. */
export interface LayerRun {
  readonly layer: string
  readonly run: string
  readonly energy: Pick<EnergyAccount, 'benchSeconds' | 'macs' | 'shares'>
}

/** What one run gave to the energy of its layer. */
export interface RunOfLayer {
  readonly run: string
  readonly macs: number
  readonly joules: Joules
}

/** The products of several runs as one. */
export interface SummedEnergy {
  readonly benchSeconds: number
  readonly macs: number
  /** 1 MAC = 2 OPS. */
  readonly tops: number
  readonly boundaries: readonly BoundaryEnergy[]
  /** A component of all runs is one share. */
  readonly shares: readonly PowerShare[]
}

export interface LayerEnergy extends SummedEnergy {
  readonly layer: string
  readonly runs: readonly RunOfLayer[]
}

/** Energy by the layers of a model. Runs sum to their layer and layers to the total, to the last digit, in any order. */
export interface LayerAccount {
  readonly layers: readonly LayerEnergy[]
  readonly total: SummedEnergy
}

/**
 * Sums products by their layers, in the order in which layers first come.
 *
 * What a meter or a model is off by, it is off by in every run, by assumption: errors of one component add up over
 * runs. Components err independently of each other, as within a run.
 */
export function accountLayers(runs: readonly LayerRun[]): LayerAccount {
  const onGrid = runs.map(snappedTo(gridsOf(runs)))
  const names = [...new Set(onGrid.map(({ layer }) => layer))]
  return {
    layers: names.map((layer) => {
      const own = onGrid.filter((run) => run.layer === layer)
      return { layer, ...summed(own), runs: own.map(runOfLayer) }
    }),
    total: summed(onGrid),
  }
}

type Grids = (boundary: Boundary) => EnergyGrid

/** As in the account of a run: the wall plug has a grid of its own, because it is so much more than all others. */
function gridsOf(runs: readonly LayerRun[]): Grids {
  const gridOf = (boundary: Boundary): EnergyGrid =>
    new EnergyGrid(runs.reduce((sum, { energy }) => sum + joulesWithin(energy.shares, boundary), 0))
  const [inner, wallPlug] = [gridOf('converters'), gridOf('wall-plug')]
  return (boundary) => (boundary === 'wall-plug' ? wallPlug : inner)
}

/** Each run has rounded its own joules to a grid of its own: runs that are much smaller than others need the common one. */
function snappedTo(grids: Grids): (run: LayerRun) => LayerRun {
  return ({ energy, ...run }) => {
    const shares = energy.shares.map((share) => ({ ...share, joules: grids(share.boundary).snap(share.joules) }))
    return { ...run, energy: { ...energy, shares } }
  }
}

function summed(runs: readonly LayerRun[]): SummedEnergy {
  const macs = runs.reduce((sum, { energy }) => sum + energy.macs, 0)
  // In whole nanoseconds, which add without rounding.
  const benchNs = runs.reduce((sum, { energy }) => sum + Math.round(energy.benchSeconds * 1e9), 0)
  const benchSeconds = benchNs / 1e9
  const shares = sharesOf(runs).map((share) => ({
    ...share,
    powerW: benchSeconds > 0 ? share.joules / benchSeconds : 0,
  }))
  return { benchSeconds, macs, tops: topsOf(macs, benchSeconds), boundaries: boundaryEnergies(shares, macs), shares }
}

/** A meter and the model that stands in for it elsewhere are not one component. */
function sharesOf(runs: readonly LayerRun[]): readonly PowerShare[] {
  const shares = new Map<string, PowerShare>()
  for (const share of runs.flatMap(({ energy }) => energy.shares)) {
    const key = JSON.stringify([share.component, share.boundary, share.source])
    const before = shares.get(key)
    shares.set(key, before === undefined ? share : together(before, share))
  }
  return [...shares.values()]
}

function together(left: PowerShare, right: PowerShare): PowerShare {
  return {
    ...left,
    joules: left.joules + right.joules,
    uncertaintyJ: left.uncertaintyJ + right.uncertaintyJ,
    readings: left.readings + right.readings,
    measuredSeconds: left.measuredSeconds + right.measuredSeconds,
    modelledSeconds: left.modelledSeconds + right.modelledSeconds,
  }
}

const runOfLayer = ({ run, energy: { macs, shares } }: LayerRun): RunOfLayer => ({
  ...{ run, macs },
  joules: joulesBy((boundary) => joulesWithin(shares, boundary)),
})

const joulesWithin = (shares: readonly PowerShare[], boundary: Boundary): number =>
  shares.filter((share) => isWithin(share.boundary, boundary)).reduce((sum, { joules }) => sum + joules, 0)
