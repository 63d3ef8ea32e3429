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

/**
 * Light of one frequency behind a bank, and its slopes to each ring's Lorentzian l = 1/(1 + u²) and to its floor.
 *
 * Worked out again at every state, always in the same memory: a fit asks for millions. Shapes: [ring].
 */
export class BankSlopes {
  drop = 0
  through = 0
  readonly dropToL: Float64Array
  readonly throughToL: Float64Array
  readonly dropToFloor: Float64Array
  readonly throughToFloor: Float64Array
  /** Detuning in half widths, and dl/du. */
  readonly u: Float64Array
  readonly lorentzianToU: Float64Array
  readonly #lorentzian: Float64Array
  /** What each ring lets through; what is left before it, of 1 before the bank. */
  readonly #pass: Float64Array
  readonly #before: Float64Array

  constructor(rings: number) {
    const each = (): Float64Array => new Float64Array(rings)
    this.dropToL = each()
    this.throughToL = each()
    this.dropToFloor = each()
    this.throughToFloor = each()
    this.u = each()
    this.lorentzianToU = each()
    this.#lorentzian = each()
    this.#pass = each()
    this.#before = each()
  }

  at({ resonanceGhz, fwhmGhz, throughFloor }: BankState, frequencyGhz: number): this {
    const count = resonanceGhz.length
    let left = 1
    for (let ring = 0; ring < count; ring++) {
      const u = (2 * (frequencyGhz - resonanceGhz[ring]!)) / fwhmGhz[ring]!
      const l = 1 / (1 + u * u)
      this.u[ring] = u
      this.#lorentzian[ring] = l
      this.lorentzianToU[ring] = -2 * u * l * l
      this.#before[ring] = left
      this.#pass[ring] = 1 - (1 - throughFloor[ring]!) * l
      left *= this.#pass[ring]!
    }
    this.through = left
    /** Dropped and let through by the rings that follow, of 1 before them. */
    let [after, beyond] = [0, 1]
    for (let ring = count - 1; ring >= 0; ring--) {
      const [l, pass, before] = [this.#lorentzian[ring]!, this.#pass[ring]!, this.#before[ring]!]
      const dark = 1 - throughFloor[ring]!
      this.dropToL[ring] = before * (1 - dark * after)
      this.dropToFloor[ring] = before * l * after
      this.throughToL[ring] = -dark * before * beyond
      this.throughToFloor[ring] = l * before * beyond
      after = l + pass * after
      beyond *= pass
    }
    this.drop = after
    return this
  }
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
