import { BOUNDARIES, isWithin, joulesBy } from './boundaries.ts'
import type { Boundary, Joules } from './boundaries.ts'
import type { PowerComponent } from './bench-power.ts'
import { EnergyGrid } from './energy-grid.ts'
import { boundaryEnergies, HEADINGS, rootOfSquares, topsOf } from './energy.ts'
import type { EnergyAccount, PartEnergy, PowerShare, RunEnergy, SilentMeter } from './energy.ts'
import type { JobSpan, PowerLedger } from './power-ledger.ts'

interface Window {
  readonly fromNs: number
  readonly toNs: number
}

/** The energy of a run that has ended its last heading. Throws: ENERGY_UNMEASURED. */
export function accountRun(ledger: PowerLedger): RunEnergy {
  ledger.requireReadings()
  const { components } = ledger
  const headings = HEADINGS.map((heading) => ({
    heading,
    windows: ledger.headings.filter((span) => span.heading === heading),
  })).filter(({ windows }) => windows.length > 0)
  const grids = gridsOf(components, ledger.headings)
  const byHeading = headings.map(({ heading, windows }) => {
    const shares = sharesOf(components, windows, grids)
    return { heading, windows, shares }
  })
  return {
    headings: byHeading.map(({ heading, windows, shares }) => ({
      heading,
      seconds: secondsOf(windows),
      joules: joulesBy((boundary) => joulesWithin(shares, boundary)),
      uncertaintyJ: joulesBy((boundary) =>
        rootOfSquares(shares.filter((share) => isWithin(share.boundary, boundary)).map((share) => share.uncertaintyJ)),
      ),
    })),
    shares: components.map((component, i) => ({
      ...shareOf(component, ledger.headings),
      // Not rounded again: the headings sum to it.
      joules: byHeading.reduce((sum, { shares }) => sum + shares[i]!.joules, 0),
    })),
    silent: silentMeters(components, ledger.headings),
  }
}

/**
 * The energy of the job of a run, and of the run around it.
 *
 * `nameOf` names tiles. Parts, tiles and lanes share the job's energy by bench time, and lanes within a stretch of it
 * by the vectors that passed them.
 */
export function accountJob(ledger: PowerLedger, nameOf: (part: string, tile: number) => string): EnergyAccount {
  const { headings } = accountRun(ledger)
  const { components, jobSpans } = ledger
  const windows = ledger.headings.filter(({ heading }) => heading === 'job')
  const grids = gridsOf(components, ledger.headings)
  const shares = sharesOf(components, windows, grids)
  const benchSeconds = secondsOf(windows)
  const macs = jobSpans.reduce((sum, span) => sum + sumOf(span.macs), 0)
  const leaves = leavesOf(components, jobSpans, shares, grids)
  return {
    benchSeconds,
    macs,
    tops: topsOf(macs, benchSeconds),
    shares,
    boundaries: boundaryEnergies(shares, macs),
    headings,
    parts: gathered(leaves, ({ span }) => span.part),
    tiles: gathered(leaves, ({ span }) => nameOf(span.part, span.tile)),
    lanes: gathered(leaves, ({ lane }) => `lane ${lane}`),
    silent: silentMeters(components, windows),
  }
}

/** [boundary]: the wall plug has a grid of its own, because it is so much more than all others. */
type Grids = Readonly<Record<Boundary, EnergyGrid>>

function gridsOf(components: readonly PowerComponent[], windows: readonly Window[]): Grids {
  const total = (boundary: Boundary): number =>
    components
      .filter((component) => isWithin(component.boundary, boundary))
      .reduce((sum, component) => sum + energyOf(component, windows).joules, 0)
  const inner = new EnergyGrid(total('converters'))
  return { optical: inner, 'electro-optic': inner, converters: inner, 'wall-plug': new EnergyGrid(total('wall-plug')) }
}

function sharesOf(
  components: readonly PowerComponent[],
  windows: readonly Window[],
  grids: Grids,
): readonly PowerShare[] {
  return components.map((component) => {
    const share = shareOf(component, windows)
    return { ...share, joules: grids[component.boundary].snap(share.joules) }
  })
}

function shareOf(component: PowerComponent, windows: readonly Window[]): PowerShare {
  const { series, factor, source, accuracy } = component
  const { joules, modelledSeconds } = energyOf(component, windows)
  const seconds = secondsOf(windows)
  const isMeasured = source === 'measured'
  const errors = windows.flatMap(({ fromNs, toNs }) =>
    series.flatMap((one) => {
      const silentS = one.between(fromNs, toNs).modelledNs / 1e9
      return [
        factor * one.samplingW(fromNs, toNs) * ((toNs - fromNs) / 1e9),
        // Nobody knows what it was meanwhile: within what it was before and after.
        silentS > 0 ? factor * one.halfRangeW(fromNs, toNs) * silentS : 0,
      ]
    }),
  )
  return {
    component: component.component,
    boundary: component.boundary,
    powerW: seconds > 0 ? joules / seconds : 0,
    source,
    from: component.from,
    joules,
    uncertaintyJ: rootOfSquares([accuracy.relative * joules, ...errors]),
    accuracy: accuracy.from,
    readings: isMeasured
      ? windows.reduce((sum, { fromNs, toNs }) => sum + Math.min(...series.map((one) => one.count(fromNs, toNs))), 0)
      : 0,
    measuredSeconds: isMeasured ? seconds - modelledSeconds : 0,
    modelledSeconds: isMeasured ? modelledSeconds : seconds,
  }
}

function energyOf(
  { series, factor, constantW }: PowerComponent,
  windows: readonly Window[],
): { readonly joules: number; readonly modelledSeconds: number } {
  let [joules, modelledSeconds] = [0, 0]
  for (const { fromNs, toNs } of windows) {
    const spans = series.map((one) => one.between(fromNs, toNs))
    joules += factor * sumOf(spans.map((span) => span.joules)) + constantW * ((toNs - fromNs) / 1e9)
    modelledSeconds += Math.max(0, ...spans.map(({ modelledNs }) => modelledNs)) / 1e9
  }
  return { joules, modelledSeconds }
}

function silentMeters(components: readonly PowerComponent[], windows: readonly Window[]): readonly SilentMeter[] {
  return components
    .filter(({ source }) => source === 'measured')
    .flatMap(({ component, series }) =>
      series
        .flatMap((one) => windows.flatMap(({ fromNs, toNs }) => one.gaps(fromNs, toNs)))
        .map((gap) => ({ component, gap })),
    )
    .map(({ component, gap: { fromNs, toNs, powerW } }) => ({
      ...{ component, powerW },
      fromSeconds: fromNs / 1e9,
      toSeconds: toNs / 1e9,
    }))
}

/** Energy of one lane during one stretch of the job. */
interface Leaf {
  readonly span: JobSpan
  readonly lane: number
  readonly macs: number
  readonly joules: Joules
}

function leavesOf(
  components: readonly PowerComponent[],
  spans: readonly JobSpan[],
  shares: readonly PowerShare[],
  grids: Grids,
): readonly Leaf[] {
  const places = spans.flatMap((span) => [...span.vectors.keys()].map((lane) => ({ span, lane })))
  const cut = Object.fromEntries(
    BOUNDARIES.map((boundary) => {
      const inside = components.filter((component) => isWithin(component.boundary, boundary))
      const weights = spans.flatMap((span) => {
        const joules = inside.reduce((sum, component) => sum + energyOf(component, [span]).joules, 0)
        const vectors = sumOf(span.vectors)
        return span.vectors.map((some) => (vectors > 0 ? (joules * some) / vectors : joules / span.vectors.length))
      })
      return [boundary, grids[boundary].allocate(joulesWithin(shares, boundary), weights)]
    }),
  ) as Record<Boundary, number[]>
  return places.map(({ span, lane }, i) => ({
    ...{ span, lane },
    macs: span.macs[lane]!,
    joules: joulesBy((boundary) => cut[boundary][i]!),
  }))
}

/** Leaves of one name as one, names in the order in which they come. */
function gathered(leaves: readonly Leaf[], nameOf: (leaf: Leaf) => string): readonly PartEnergy[] {
  const parts = new Map<string, PartEnergy>()
  for (const leaf of leaves) {
    const name = nameOf(leaf)
    const { macs, joules } = parts.get(name) ?? { macs: 0, joules: joulesBy(() => 0) }
    parts.set(name, {
      name,
      macs: macs + leaf.macs,
      joules: joulesBy((boundary) => joules[boundary] + leaf.joules[boundary]),
    })
  }
  return [...parts.values()]
}

function joulesWithin(shares: readonly PowerShare[], boundary: Boundary): number {
  return shares.filter((share) => isWithin(share.boundary, boundary)).reduce((sum, { joules }) => sum + joules, 0)
}

const secondsOf = (windows: readonly Window[]): number => sumOf(windows.map(({ fromNs, toNs }) => toNs - fromNs)) / 1e9

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)
