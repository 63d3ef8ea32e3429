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
 * Outcomes: undefined when every port is moved by its own heater, or by none.
 */
export function swappedPortHeaters(layout: SvdCoreLayout, signatures: Signatures): Pair | undefined {
  const alive = [...signatures].filter(([, signature]) => !isDead(signature))
  for (const [heater, { role }] of layout.heaters.entries()) {
    if (role.kind !== 'input' && role.kind !== 'lo') continue
    const own = signatures.get(heater)
    const share = (of: HeaterSignature): number => shareAt(of, role.lane, role.port, role.kind)
    if (own === undefined || isDead(own) || share(own) > OWN_SHARE) continue
    const [other] = alive.toSorted(([, a], [, b]) => share(b) - share(a))[0]!
    if (share(signatures.get(other)!) > OWN_SHARE) return [heater, other]
  }
  return undefined
}

/** Overlaps that should be 0 are so to this: crosstalk, losses and gains of the ports. Others: splitters, too. */
const ZERO_WITHIN = 0.01
const OTHERS_WITHIN = 0.08
/** Mean square of what overlaps miss, in these units, that no sound chip comes near. */
const SUSPECT = 4
/** An exchange explains what is wrong when it leaves this share of it at most. */
const EXPLAINED = 0.2
/** Heaters that fit worst to their places, of which one at least must be in the pair. */
const SUSPECTS = 6

/**
 * Two heaters of the core that act where the other should, by how the light under each overlaps with that under all
 * others: light that passes one place cannot come from, or get to, places that no waveguide joins with it.
 *
 * Outcomes: undefined when all fit where they are, or when no single exchange explains why they do not.
 */
export function swappedCoreHeaters(layout: SvdCoreLayout, signatures: Signatures): Pair | undefined {
  const fit = new PlaceFit(layout, signatures)
  const wrong = fit.heaters.map((heater) => ({ heater, miss: fit.missOf(heater, heater) }))
  const worst = wrong.toSorted((a, b) => b.miss - a.miss).slice(0, SUSPECTS)
  if (!((worst[0]?.miss ?? 0) > SUSPECT)) return undefined
  const total = fit.total()
  let best: { readonly pair: Pair; readonly left: number } | undefined
  for (const { heater: a } of worst) {
    for (const b of fit.heaters) {
      if (a === b) continue
      const left = fit.total([a, b])
      if (best === undefined || left < best.left) best = { pair: [a, b], left }
    }
  }
  return best !== undefined && best.left < EXPLAINED * total ? best.pair : undefined
}

/** How well heaters fit to places. */
class PlaceFit {
  /** Of the core, and alive. */
  readonly heaters: readonly number[]
  readonly #views: readonly {
    readonly expected: readonly Float64Array[]
    /** [heater][heater], NaN for the dead. */
    readonly seen: readonly Float64Array[]
  }[]

  constructor(layout: SvdCoreLayout, signatures: Signatures) {
    const alive = [...signatures].filter(([, signature]) => !isDead(signature))
    this.heaters = alive.map(([heater]) => heater).filter((heater) => isOfCore(layout, heater))
    this.#views = (['inputs', 'outputs'] as const).map((view) => ({
      expected: expectedOverlaps(layout, view),
      seen: overlapsSeen(layout.heaters.length, alive, view),
    }))
  }

  /** Mean square of what overlaps miss when `heater` stands at the place of `place`, all others at their own. */
  missOf(heater: number, place: number): number {
    let [sum, count] = [0, 0]
    for (const { expected, seen } of this.#views) {
      for (let other = 0; other < seen.length; other++) {
        if (other === heater || other === place) continue
        const miss = missed(expected[place]![other]!, seen[heater]![other]!)
        if (Number.isNaN(miss)) continue
        sum += miss
        count++
      }
    }
    return count === 0 ? 0 : sum / count
  }

  /** Sum of squares of all that is missed, of all pairs, after an exchange. */
  total(exchanged?: Pair): number {
    const placeOf = (heater: number): number =>
      exchanged === undefined
        ? heater
        : heater === exchanged[0]
          ? exchanged[1]
          : heater === exchanged[1]
            ? exchanged[0]
            : heater
    let sum = 0
    for (const { expected, seen } of this.#views) {
      for (const [heater, row] of seen.entries()) {
        const place = expected[placeOf(heater)]!
        for (let other = 0; other < heater; other++) {
          const miss = missed(place[placeOf(other)]!, row[other]!)
          if (!Number.isNaN(miss)) sum += miss
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

function overlapsSeen(
  count: number,
  alive: readonly (readonly [number, HeaterSignature])[],
  view: View,
): Float64Array[] {
  const seen = Array.from({ length: count }, () => new Float64Array(count).fill(NaN))
  const patterns = alive.map(([heater, signature]) => [heater, patternOf(signature, view)] as const)
  for (const [a, ofA] of patterns) for (const [b, ofB] of patterns) seen[a]![b] = overlapOf(ofA, ofB)
  return seen
}
