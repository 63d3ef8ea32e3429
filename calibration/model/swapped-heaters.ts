import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { expectedOverlaps } from './heater-overlap.ts'
import type { View } from './heater-overlap.ts'
import { isDead, overlapOf, patternOf, shareAt } from './heater-signature.ts'
import type { HeaterSignature } from './heater-signature.ts'

/** By heater of the layout. */
export type Signatures = ReadonlyMap<number, HeaterSignature>
export type Pair = readonly [number, number]

/** Of a port's heater nearly all light is its port's; of any other one it is spread. */
const OWN_SHARE = 0.8

/**
 * Two heaters one of which should move a single port: trimmers and local oscillators show where they stand by
 * themselves.
 *
 * Outcomes: undefined when every port is moved by its own heater, or by none. The other one of a pair may seem dead,
 * where a shut attenuator hides what it really moves.
 */
export function swappedPortHeaters(layout: SvdCoreLayout, signatures: Signatures): Pair | undefined {
  const alive = [...signatures].filter(([, signature]) => !isDead(signature))
  for (const [heater, { role }] of layout.heaters.entries()) {
    if (role.kind !== 'input' && role.kind !== 'lo') continue
    const share = (of: HeaterSignature): number => shareAt(of, role.lane, role.port, role.kind)
    const own = signatures.get(heater)
    if (own !== undefined && !isDead(own) && share(own) > OWN_SHARE) continue
    const best = alive.toSorted(([, a], [, b]) => share(b) - share(a))[0]
    if (best !== undefined && share(best[1]) > OWN_SHARE) return [heater, best[0]]
  }
  return undefined
}

/** Overlaps that should be 0 are so to this: crosstalk, losses and gains of the ports. Others: splitters, too. */
const ZERO_WITHIN = 0.01
const OTHERS_WITHIN = 0.05
/** Squares in these units that an exchange mends at least: on sound chips none mends more than 1. */
const LEAST_MENDED = 10
/** The next best exchange that does not share the first one's merits mends so much less at least. */
const LEAST_AHEAD = 5
/** Heaters that fit worst to their places, of which one at least must be in the pair. */
const SUSPECTS = 24

/**
 * Two heaters of the core that act where the other should, by how the light under each overlaps with that under all
 * others: light that passes one place cannot come from, or get to, places that no waveguide joins with it.
 *
 * Several looks, each with other settings of the heaters at rest, tell apart what one alone does not: where an
 * interferometer happens to pass all light straight on, places before and behind it are alike.
 * Outcomes: undefined when all fit where they are, or when no single exchange stands out.
 */
export function swappedCoreHeaters(layout: SvdCoreLayout, looks: readonly Signatures[]): Pair | undefined {
  const fit = new PlaceFit(layout, looks)
  const worst = fit.heaters
    .map((heater) => ({ heater, missed: fit.missedBy([heater], (one) => one) }))
    .toSorted((a, b) => b.missed - a.missed)
    .slice(0, SUSPECTS)
  const mended: { readonly pair: Pair; readonly squares: number }[] = []
  for (const [i, { heater: a }] of worst.entries()) {
    const before = new Set(worst.slice(0, i + 1).map(({ heater }) => heater))
    for (const b of fit.heaters) if (!before.has(b)) mended.push({ pair: [a, b], squares: fit.mendedBy([a, b]) })
  }
  const [best, next] = mended.toSorted((a, b) => b.squares - a.squares)
  if (best === undefined || !(best.squares > LEAST_MENDED)) return undefined
  return best.squares - (next?.squares ?? 0) > LEAST_AHEAD ? best.pair : undefined
}

/** How well heaters fit to places. */
class PlaceFit {
  /** Of the core. */
  readonly heaters: readonly number[]
  readonly #views: readonly {
    readonly expected: readonly Float64Array[]
    /** [heater][heater], NaN for those that move no light. */
    readonly seen: readonly Float64Array[]
  }[]

  constructor(layout: SvdCoreLayout, looks: readonly Signatures[]) {
    const count = layout.heaters.length
    this.heaters = Array.from({ length: count }, (_, heater) => heater).filter((heater) => isOfCore(layout, heater))
    this.#views = (['inputs', 'outputs'] as const).flatMap((view) => {
      const expected = expectedOverlaps(layout, view)
      return looks.map((signatures) => ({ expected, seen: overlapsSeen(count, signatures, view) }))
    })
  }

  /** Squares that fewer overlaps miss once two heaters have changed places. */
  mendedBy(pair: Pair): number {
    const [a, b] = pair
    const exchanged = (heater: number): number => (heater === a ? b : heater === b ? a : heater)
    return this.missedBy(pair, (heater) => heater) - this.missedBy(pair, exchanged)
  }

  /** Squares of what the overlaps of these heaters with all others miss. */
  missedBy(heaters: readonly number[], placeOf: (heater: number) => number): number {
    let sum = 0
    for (const { expected, seen } of this.#views) {
      for (const [i, heater] of heaters.entries()) {
        const row = seen[heater]!
        const places = expected[placeOf(heater)]!
        for (let other = 0; other < row.length; other++) {
          if (other === heater || heaters.indexOf(other) > i) continue
          const square = missed(places[placeOf(other)]!, row[other]!)
          if (!Number.isNaN(square)) sum += square
        }
      }
    }
    return sum
  }
}

const missed = (expected: number, seen: number): number =>
  ((seen - expected) / (expected === 0 ? ZERO_WITHIN : OTHERS_WITHIN)) ** 2

function isOfCore({ heaters }: SvdCoreLayout, heater: number): boolean {
  const { kind } = heaters[heater]!.role
  return kind !== 'input' && kind !== 'lo'
}

function overlapsSeen(count: number, signatures: Signatures, view: View): Float64Array[] {
  const seen = Array.from({ length: count }, () => new Float64Array(count).fill(NaN))
  const alive = [...signatures].filter(([, signature]) => !isDead(signature))
  const patterns = alive.map(([heater, signature]) => [heater, patternOf(signature, view)] as const)
  for (const [a, ofA] of patterns) for (const [b, ofB] of patterns) seen[a]![b] = overlapOf(ofA, ofB)
  return seen
}
