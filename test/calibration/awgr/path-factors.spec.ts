import { expect, test } from 'vitest'
import { pathFactors } from '../../../calibration/awgr/path-factors.ts'
import { awgrWavelength } from '../../../core/awgr-layout.ts'
import { RandomStream } from '../../../core/random.ts'

test.each([2, 5, 16])('of %i outputs, inputs and wavelengths leave nothing of losses that are theirs', (size) => {
  const random = new RandomStream(3, 'paths')
  const [outputs, inputs, wavelengths] = [0, 1, 2].map(() =>
    Float64Array.from({ length: size }, () => random.uniform(0.5, 1)),
  ) as [Float64Array, Float64Array, Float64Array]
  const gainsMw = Float64Array.from({ length: size * size }, (_, at) => {
    const [output, input] = [Math.floor(at / size), at % size]
    return outputs[output]! * inputs[input]! * wavelengths[awgrWavelength(size, input, output)]!
  })
  const factors = pathFactors(size, gainsMw)
  expect(Math.max(...factors.inputs)).toBe(1)
  const left = new Map<number, number[]>()
  for (const [at, gain] of gainsMw.entries()) {
    const [output, input] = [Math.floor(at / size), at % size]
    const k = awgrWavelength(size, input, output)
    left.set(k, [...(left.get(k) ?? []), gain * factors.outputs[output]! * factors.inputs[input]!])
  }
  // Of one wavelength, which one ring weights, all paths are alike.
  for (const same of left.values()) expect(Math.max(...same) / Math.min(...same) - 1).toBeLessThan(1e-9)
})
