import { describe, expect, test } from 'vitest'
import { fitLeaks } from '../../../calibration/awgr/fit-leaks.ts'
import { awgrOutput } from '../../../core/awgr-layout.ts'
import { RandomStream } from '../../../core/random.ts'
import { knownRings, seenThrough } from '../../support/known-rings.ts'

const SETTINGS = 60
const MAX_V2 = 4

describe('leaks of the routers', () => {
  const { scene, rings: truth } = knownRings(6)
  const { size, heaters } = scene.layout
  const random = new RandomStream(2, 'settings')
  const readings = Array.from({ length: SETTINGS }, () =>
    seenThrough(
      scene,
      truth,
      Float64Array.from(heaters, () => Math.sqrt(random.uniform(0, MAX_V2))),
    ),
  )
  /** RMS of what fitted leaks are off by, when the rings are believed to be a little different. */
  const offWith = (floor: number, width: number): number => {
    const believed = truth.rings.map((ring) => ({
      ...ring,
      throughFloor: ring.throughFloor + floor,
      fwhmGhz: ring.fwhmGhz * (1 + width),
    }))
    const leaks = fitLeaks(scene, readings, { ...truth, rings: believed, relativeResidual: 0 })
    let [squares, count] = [0, 0]
    for (const way of ['drop', 'through'] as const) {
      for (let port = 0; port < size; port++) {
        for (let k = 0; k < size; k++) {
          for (let output = 0; output < size; output++) {
            if (awgrOutput(size, port, k) === output) continue
            squares += (leaks[way][port]![k]![output]! - truth.leaks[way][port]![k]![output]!) ** 2
            count++
          }
        }
      }
    }
    return Math.sqrt(squares / count)
  }

  test('are found on rings that are known', () => {
    expect(offWith(0, 0)).toBeLessThan(2e-4)
  })

  // With floors and widths held they would be off by 1.1e-3 and by 3.2e-3: as much as leaks themselves.
  test('take less than half the blame for floors that are a percent off', () => {
    expect(offWith(0.01, 0)).toBeLessThan(6e-4)
  })

  test('take less for lines that are wider than was thought', () => {
    expect(offWith(0, 0.05)).toBeLessThan(2.5e-3)
  })
})
