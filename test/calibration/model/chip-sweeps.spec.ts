import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ComplexMatrix } from '../../../calibration/fit/complex-matrix.ts'
import type { ChipSweeps, Stop } from '../../../calibration/kernels/chip-sweeps.ts'
import { ReferenceSweeps } from '../../../calibration/kernels/reference/chip-sweeps.ts'
import { wasmSweeps } from '../../../calibration/kernels/wasm-chip-sweeps.ts'
import { RandomStream } from '../../../core/random.ts'

const stopsOf = (size: number): fc.Arbitrary<Stop[]> =>
  fc.array(
    fc.boolean().chain((single) => fc.record({ top: fc.nat(size - (single ? 1 : 2)), single: fc.constant(single) })),
    { minLength: 1, maxLength: 40 },
  )

const chip = fc
  .integer({ min: 2, max: 9 })
  .chain((size) => fc.record({ size: fc.constant(size), stops: stopsOf(size), seed: fc.nat() }))

function randomMatrix(size: number, random: RandomStream): ComplexMatrix {
  const numbers = (): Float64Array => Float64Array.from({ length: size * size }, () => random.normal())
  return { size, re: numbers(), im: numbers() }
}

/** Everything that the sweeps tell of one random chip, twice: nothing of the first time may be left. */
function told(sweeps: ChipSweeps, size: number, stops: readonly Stop[], seed: number): unknown {
  const random = new RandomStream(seed, 'chip')
  return [0, 1].map(() => {
    for (let i = 0; i < 8 * stops.length; i++) {
      sweeps.values[i] = random.normal()
      sweeps.changes[i] = random.normal()
    }
    const matrix = sweeps.forward()
    const moved = sweeps.tangent()
    const weight = randomMatrix(size, random)
    const kept = { re: weight.re.slice(), im: weight.im.slice() }
    sweeps.backward(weight)
    expect(weight).toMatchObject(kept)
    const entered = stops.map((_, stop) => {
      const { re, im } = sweeps.entered(stop)
      return [Array.from(re), Array.from(im)]
    })
    return { matrix, moved, gradients: Array.from(sweeps.gradients), entered }
  })
}

describe('the sweeps in WebAssembly', () => {
  test('agree with their JavaScript reference bit for bit, for odd and even sizes', () => {
    fc.assert(
      fc.property(chip, ({ size, stops, seed }) => {
        const built = wasmSweeps(size, stops)
        if (built === undefined) throw new Error('run npm run prepare first')
        expect(told(built, size, stops, seed)).toEqual(told(new ReferenceSweeps(size, stops), size, stops, seed))
      }),
      { numRuns: 60 },
    )
  })

  test('are each their own: one chip does not touch the light of another', () => {
    const stops = [{ top: 0, single: false }]
    const [one, other] = [wasmSweeps(2, stops)!, wasmSweeps(3, stops)!]
    one.values.set([1, 0, 0, 0, 0, 0, 1, 0])
    other.values.set([2, 0, 0, 0, 0, 0, 2, 0])
    expect(Array.from(one.forward().re)).toEqual([1, 0, 0, 1])
    expect(Array.from(other.forward().re)).toEqual([2, 0, 0, 0, 2, 0, 0, 0, 1])
    expect(Array.from(one.forward().re)).toEqual([1, 0, 0, 1])
  })
})
