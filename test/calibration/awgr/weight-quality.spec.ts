import { describe, expect, test } from 'vitest'
import { weightQuality } from '../../../calibration/awgr/steps/weights.ts'
import { RandomStream } from '../../../core/random.ts'

const [MATRICES, ELEMENTS, REPEATS] = [6, 256, 3]

/** Weights that are off by `own` each, whenever they are set, and by `noise` in every repeat. RMS of 2 in bits. */
function judged(own: number, noise: number) {
  const random = new RandomStream(5, 'judged')
  const draw = (sigma: number): Float64Array => Float64Array.from({ length: ELEMENTS }, () => random.normal(0, sigma))
  const targets = Array.from({ length: MATRICES }, () => draw(0.5))
  const measured = targets.map((target) => {
    const off = draw(own)
    return Array.from({ length: REPEATS }, () => draw(noise).map((each, at) => each + off[at]! + target[at]!))
  })
  return weightQuality(targets, measured)
}

const bits = (rms: number): number => Math.log2(2 / rms)

describe('the quality of weights', () => {
  test.each([
    [0.004, 0.0005],
    [0.001, 0.002],
    [0.002, 0],
  ])('own error %s is accuracy, noise %s of a repeat is precision', (own, noise) => {
    const { accuracyBits, precisionBits } = judged(own, noise)
    expect(Math.abs(accuracyBits - bits(own))).toBeLessThan(0.2)
    if (noise > 0) expect(Math.abs(precisionBits - bits(noise))).toBeLessThan(0.1)
    else expect(precisionBits).toBe(20)
  })

  test('no more than 20 bits are claimed where products of errors cancel', () => {
    expect(judged(0, 0.001).accuracyBits).toBeLessThanOrEqual(20)
    expect(weightQuality([Float64Array.of(0)], [[Float64Array.of(1), Float64Array.of(-1)]]).accuracyBits).toBe(20)
  })
})
