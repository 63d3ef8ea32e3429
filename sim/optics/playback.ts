import type { SlotPowers } from './slot-powers.ts'

/** What is on the detectors while a frame plays. */
export interface Playing {
  /** The same text, the same light. */
  stateAt(timeS: number): string
  /** Of all lasers, as modulated at this time after the trigger. */
  slotAt(timeS: number): SlotPowers
}

/**
 * Light on the detectors in the middle of each meter point. Points within one symbol share an entry.
 *
 * `delaysS[laser]`: its light arrives that much later than it was modulated, so each point sees the symbol sent then.
 */
export function playSlots(
  points: number,
  averagingS: number,
  delaysS: Float64Array,
  playing: Playing,
): readonly SlotPowers[] {
  const groups = [...new Set(delaysS)]
  const slots: SlotPowers[] = []
  let before = ''
  for (let point = 0; point < points; point++) {
    const timesS = groups.map((delayS) => (point + 0.5) * averagingS - delayS)
    const now = timesS.map((timeS) => playing.stateAt(timeS)).join('|')
    if (now === before && point > 0) slots.push(slots[point - 1]!)
    else {
      const seen = timesS.map((timeS) => playing.slotAt(timeS))
      slots.push(groups.length === 1 ? seen[0]! : joined(seen, delaysS, groups))
    }
    before = now
  }
  return slots
}

/** Each laser's row of the slot at its own time. */
function joined(seen: readonly SlotPowers[], delaysS: Float64Array, groups: readonly number[]): SlotPowers {
  const rows = (of: (slot: SlotPowers) => Float64Array): Float64Array => {
    const out = of(seen[0]!).slice()
    const width = out.length / delaysS.length
    for (const [laser, delayS] of delaysS.entries()) {
      const from = of(seen[groups.indexOf(delayS)]!)
      out.set(from.subarray(laser * width, (laser + 1) * width), laser * width)
    }
    return out
  }
  const [{ beat } = seen[0]!] = seen
  if (beat === undefined) return { mw: rows(({ mw }) => mw) }
  return {
    mw: rows(({ mw }) => mw),
    beat: { sumMw: rows((slot) => slot.beat!.sumMw), quadratureMw: rows((slot) => slot.beat!.quadratureMw) },
  }
}
