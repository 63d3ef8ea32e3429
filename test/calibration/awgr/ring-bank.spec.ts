import { describe, expect, test } from 'vitest'
import { bankLight, BankSlopes } from '../../../calibration/awgr/ring-bank.ts'
import type { BankState } from '../../../calibration/awgr/ring-bank.ts'
import { close } from '../../support/close.ts'

const state: BankState = {
  resonanceGhz: Float64Array.of(4, 91, 210, 295),
  fwhmGhz: Float64Array.of(17, 18, 19, 20),
  throughFloor: Float64Array.of(0.01, 0.02, 0, 0.05),
}
const FREQUENCIES_GHZ = [0, 95, 210]
const STEP = 1e-5

/** By central differences, of one ring's parameter. */
function slopeOf(key: 'resonanceGhz' | 'throughFloor', ring: number, frequencyGhz: number) {
  const at = (by: number) => {
    const values = state[key].slice()
    values[ring]! += by
    return bankLight({ ...state, [key]: values }, frequencyGhz)
  }
  const [more, less] = [at(STEP), at(-STEP)]
  return { drop: (more.drop - less.drop) / (2 * STEP), through: (more.through - less.through) / (2 * STEP) }
}

describe('slopes of a bank', () => {
  const slopes = new BankSlopes(4)

  test.each(FREQUENCIES_GHZ)('at %s GHz stand beside the light itself', (frequencyGhz) => {
    const { drop, through } = slopes.at(state, frequencyGhz)
    expect({ drop, through }).toEqual({
      drop: close(14)(bankLight(state, frequencyGhz).drop),
      through: close(14)(bankLight(state, frequencyGhz).through),
    })
  })

  test.each(FREQUENCIES_GHZ)('at %s GHz are its differences', (frequencyGhz) => {
    for (let ring = 0; ring < 4; ring++) {
      const { dropToL, throughToL, dropToFloor, throughToFloor, lorentzianToU } = slopes.at(state, frequencyGhz)
      const toGhz = (-2 * lorentzianToU[ring]!) / state.fwhmGhz[ring]!
      const byGhz = slopeOf('resonanceGhz', ring, frequencyGhz)
      expect(dropToL[ring]! * toGhz).toBeCloseTo(byGhz.drop, 8)
      expect(throughToL[ring]! * toGhz).toBeCloseTo(byGhz.through, 8)
      const byFloor = slopeOf('throughFloor', ring, frequencyGhz)
      expect(dropToFloor[ring]!).toBeCloseTo(byFloor.drop, 8)
      expect(throughToFloor[ring]!).toBeCloseTo(byFloor.through, 8)
    }
  })
})
