import { describe, expect, test } from 'vitest'
import { WeightProgrammer } from '../../../calibration/awgr/programming.ts'
import { randomWeights } from '../../../calibration/awgr/steps/random-weights.ts'
import { RandomStream } from '../../../core/random.ts'
import { knownRings } from '../../support/known-rings.ts'

describe('weights on known rings', () => {
  const { scene, rings } = knownRings(8)
  const { size } = scene.layout
  const programmer = new WeightProgrammer(scene.layout, scene.frequenciesGhz, rings, 2.5)
  const errorsOf = (weights: Float64Array): number[] => {
    const { voltagesV, weightPerMw } = programmer.program(weights)
    const made = programmer.weightsMw(voltagesV)
    return Array.from(weights, (weight, at) => Math.abs(made[at]! * weightPerMw[Math.floor(at / size)]! - weight))
  }

  test('come out as asked for, whatever the neighbours’ tails, leaks and heat add', () => {
    const random = new RandomStream(4, 'weights')
    for (let matrix = 0; matrix < 20; matrix++) {
      expect(Math.max(...errorsOf(randomWeights(scene.layout, random)))).toBeLessThan(0.005)
    }
  })

  test('reach −1 in all of a row at once, where every ring is parked and its tail reaches its neighbours', () => {
    expect(Math.max(...errorsOf(new Float64Array(size * size).fill(-1)))).toBeLessThan(1e-6)
  })

  test('and 1', () => {
    expect(Math.max(...errorsOf(new Float64Array(size * size).fill(1)))).toBeLessThan(1e-6)
  })
})
