import type { AwgrLayout } from '../../core/awgr-layout.ts'
import type { FittedRing } from './awgr-record.ts'

/** Rings of one bank, in the order in which light meets them, at one setting. Shapes: [ring]. */
export interface BankState {
  /** Resonance of each, in GHz on any common scale. */
  readonly resonanceGhz: Float64Array
  readonly fwhmGhz: Float64Array
  readonly throughFloor: Float64Array
}

/** The bank of each port when heat has moved the rings down by `shiftGhz`. Shapes: frequencies [wavelength], shift [heater]. */
export function bankStates(
  layout: AwgrLayout,
  frequenciesGhz: Float64Array,
  rings: readonly FittedRing[],
  shiftGhz: Float64Array,
): readonly BankState[] {
  return layout.rings.map((heaters) => ({
    resonanceGhz: Float64Array.from(heaters, (h, k) => frequenciesGhz[k]! + rings[h]!.offsetGhz - shiftGhz[h]!),
    fwhmGhz: Float64Array.from(heaters, (h) => rings[h]!.fwhmGhz),
    throughFloor: Float64Array.from(heaters, (h) => rings[h]!.throughFloor),
  }))
}

/** One wavelength behind the bank: what was dropped and what is left, of 1 before it. */
export interface BankLight {
  readonly drop: number
  readonly through: number
}

/** Slopes of both to each ring's Lorentzian l = 1/(1 + u²) and to its floor. Shapes: [ring]. */
export interface BankSlopes {
  readonly dropToL: Float64Array
  readonly throughToL: Float64Array
  readonly dropToFloor: Float64Array
  readonly throughToFloor: Float64Array
  readonly lorentzian: Float64Array
  /** dl/du, u the detuning in half widths. */
  readonly lorentzianToU: Float64Array
  readonly u: Float64Array
}

/**
 * Light of one frequency through a bank of add-drop rings on one pair of buses: each takes its Lorentzian share of
 * what is left on the through bus, 1 − (1 − floor)·l of it goes on.
 *
 * Drop shares are relative to the ring's own maximum, which is part of the path's gain.
 * Source: Lorentzian through and drop transmission of an add-drop ring near resonance; docs/physics.md.
 */
export function bankLight({ resonanceGhz, fwhmGhz, throughFloor }: BankState, frequencyGhz: number): BankLight {
  let [drop, through] = [0, 1]
  for (let ring = 0; ring < resonanceGhz.length; ring++) {
    const u = (2 * (frequencyGhz - resonanceGhz[ring]!)) / fwhmGhz[ring]!
    const l = 1 / (1 + u * u)
    drop += through * l
    through *= 1 - (1 - throughFloor[ring]!) * l
  }
  return { drop, through }
}

export function bankSlopes(state: BankState, frequencyGhz: number): BankLight & BankSlopes {
  const { resonanceGhz, fwhmGhz, throughFloor } = state
  const count = resonanceGhz.length
  const u = Float64Array.from(resonanceGhz, (f, ring) => (2 * (frequencyGhz - f)) / fwhmGhz[ring]!)
  const lorentzian = u.map((value) => 1 / (1 + value * value))
  const pass = lorentzian.map((l, ring) => 1 - (1 - throughFloor[ring]!) * l)
  const before = new Float64Array(count + 1).fill(1)
  for (let ring = 0; ring < count; ring++) before[ring + 1] = before[ring]! * pass[ring]!
  /** Dropped by the rings that follow, of 1 before them. */
  const after = new Float64Array(count + 1)
  for (let ring = count - 1; ring >= 0; ring--) after[ring] = lorentzian[ring]! + pass[ring]! * after[ring + 1]!
  const through = before[count]!
  const each = (value: (ring: number) => number): Float64Array => Float64Array.from(u, (_, ring) => value(ring))
  return {
    drop: after[0]!,
    through,
    u,
    lorentzian,
    lorentzianToU: each((ring) => -2 * u[ring]! * lorentzian[ring]! ** 2),
    dropToL: each((ring) => before[ring]! * (1 - (1 - throughFloor[ring]!) * after[ring + 1]!)),
    throughToL: each((ring) => (-(1 - throughFloor[ring]!) * through) / pass[ring]!),
    dropToFloor: each((ring) => before[ring]! * lorentzian[ring]! * after[ring + 1]!),
    throughToFloor: each((ring) => (lorentzian[ring]! * through) / pass[ring]!),
  }
}
