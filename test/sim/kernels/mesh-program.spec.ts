import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clementsPlaces } from '../../../core/mesh-layout.ts'
import { Kernels } from '../../../sim/kernels/kernels.ts'
import { FieldBatch, MeshMatrix, MeshProgram } from '../../../sim/kernels/mesh-program.ts'
import { sineAndCosine } from '../../../sim/kernels/reference/matrices.ts'
import { mziMatrix } from '../../../sim/optics/mzi.ts'
import { filled } from '../../support/kernels.ts'

const kernels = new Kernels('wasm')
const { memory } = kernels

function meshOf(size: number, seed: number, fieldRatio: number): MeshProgram {
  const places = clementsPlaces(size)
  const angle = (k: number): number => 0.1 * Math.sin(12.9898 * k + seed)
  const devices = places.map((_, k) => ({ alphaRad: angle(k), betaRad: angle(k + 0.5), fieldRatio }))
  const program = new MeshProgram(kernels, size, places, devices)
  program.setPhases(
    filled(new Float64Array(places.length), seed, 9),
    filled(new Float64Array(places.length), seed + 1, 9),
  )
  return program
}

function lightOf(size: number, samples: number, seed: number): FieldBatch {
  const fields = new FieldBatch(kernels, size, samples)
  filled(fields.re, seed)
  filled(fields.im, seed + 1)
  return fields
}

/** [sample] summed over modes. */
function powers({ re, im, modes, samples, stride }: FieldBatch): number[] {
  return Array.from({ length: samples }, (_, sample) => {
    let sum = 0
    for (let mode = 0; mode < modes; mode++) sum += re[mode * stride + sample]! ** 2 + im[mode * stride + sample]! ** 2
    return sum
  })
}

const mesh = fc.tuple(fc.integer({ min: 2, max: 33 }), fc.integer({ min: 0, max: 1e4 }))

describe('a mesh of the kernels', () => {
  test('keeps the power of every sample when nothing is lost', () => {
    fc.assert(
      fc.property(mesh, ([size, seed]) => {
        using _scope = memory.scope()
        const fields = lightOf(size, 21, seed)
        const before = powers(fields)
        meshOf(size, seed, 1).propagate(fields)
        // Single precision: each of the columns rounds a few times.
        for (const [sample, power] of powers(fields).entries()) expect(power / before[sample]!).toBeCloseTo(1, 5)
      }),
      { numRuns: 30 },
    )
  })

  test('loses what its interferometers lose: all paths of an even rectangle pass as many', () => {
    using _scope = memory.scope()
    const fields = lightOf(2, 9, 3)
    const before = powers(fields)
    meshOf(2, 3, 0.9).propagate(fields)
    for (const [sample, power] of powers(fields).entries()) expect(power / before[sample]!).toBeCloseTo(0.81, 5)
  })

  test('field by field does what its transfer matrix does, splitters imperfect and lossy', () => {
    fc.assert(
      fc.property(mesh, fc.constantFrom(1, 0.98), ([size, seed], fieldRatio) => {
        using _scope = memory.scope()
        const program = meshOf(size, seed, fieldRatio)
        const matrix = new MeshMatrix(kernels, size)
        matrix.setIdentity()
        program.fold(matrix)
        const fields = lightOf(size, 5, seed)
        const [re, im] = [fields.re.slice(), fields.im.slice()]
        program.propagate(fields)
        for (let mode = 0; mode < size; mode++) {
          let [er, ei] = [0, 0]
          for (let from = 0; from < size; from++) {
            const [tr, ti] = [matrix.re[mode * matrix.stride + from]!, matrix.im[mode * matrix.stride + from]!]
            const [xr, xi] = [re[from * fields.stride + 3]!, im[from * fields.stride + 3]!]
            er += tr * xr - ti * xi
            ei += tr * xi + ti * xr
          }
          expect(
            Math.hypot(fields.re[mode * fields.stride + 3]! - er, fields.im[mode * fields.stride + 3]! - ei),
          ).toBeLessThan(1e-5)
        }
      }),
      { numRuns: 30 },
    )
  })

  test('has the interferometers of the twin, to 1e-15', () => {
    using _scope = memory.scope()
    const out = new Float64Array(8)
    fc.assert(
      fc.property(
        fc.double({ min: -100, max: 100, noNaN: true }),
        fc.double({ min: -100, max: 100, noNaN: true }),
        fc.double({ min: -0.3, max: 0.3, noNaN: true }),
        (theta, phi, error) => {
          const device = { alphaRad: error, betaRad: 0.1 - error, fieldRatio: 0.98 }
          const program = new MeshProgram(kernels, 2, [{ column: 0, top: 0 }], [device])
          program.setPhases([theta], [phi])
          const matrix = new MeshMatrix(kernels, 2)
          matrix.setIdentity()
          program.fold(matrix)
          mziMatrix(device, theta, phi, out)
          for (let at = 0; at < 4; at++) {
            expect(Math.abs(matrix.re[at]! - out[2 * at]!)).toBeLessThan(1e-15)
            expect(Math.abs(matrix.im[at]! - out[2 * at + 1]!)).toBeLessThan(1e-15)
          }
        },
      ),
    )
  })

  test('its sine and cosine are those of the language to the last bits, far from zero too', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (x) => {
        const [sine, cosine] = sineAndCosine(x)
        expect(Math.abs(sine - Math.sin(x))).toBeLessThan(3e-16)
        expect(Math.abs(cosine - Math.cos(x))).toBeLessThan(3e-16)
      }),
      { numRuns: 2000 },
    )
  })

  test('crosses and goes straight at its extremes: no phase is lost where a matrix element is zero', () => {
    using _scope = memory.scope()
    for (const [theta, straight] of [
      [0, 0],
      [2 * Math.PI, 0],
      [6 * Math.PI, 0],
      [Math.PI, 1],
      [3 * Math.PI, 1],
    ] as const) {
      const program = new MeshProgram(kernels, 2, [{ column: 0, top: 0 }], [{ alphaRad: 0, betaRad: 0, fieldRatio: 1 }])
      program.setPhases([theta], [1])
      const fields = new FieldBatch(kernels, 2, 1)
      fields.re[0] = 1
      program.propagate(fields)
      expect(fields.re[0] ** 2 + fields.im[0]! ** 2).toBeCloseTo(straight, 6)
      const matrix = new MeshMatrix(kernels, 2)
      matrix.setIdentity()
      program.fold(matrix)
      expect(fields.re[0]).toBeCloseTo(matrix.re[0]!, 6)
      expect(fields.im[0]).toBeCloseTo(matrix.im[0]!, 6)
      expect(fields.re[fields.stride]).toBeCloseTo(matrix.re[2]!, 6)
      expect(fields.im[fields.stride]).toBeCloseTo(matrix.im[2]!, 6)
    }
  })

  test.each([
    ['crosses', [0, 0, 0, 1, 0, 1, 0, 0]],
    ['goes straight', [1, 0, 0, 0, 0, 0, -1, 0]],
  ])('an interferometer that %s with nothing left over is factored without losing its light', (_, elements) => {
    using _scope = memory.scope()
    const [matrices, tops, screen] = [memory.float64(8), memory.int32(1), memory.float64(4)]
    matrices.set(elements)
    screen.set([1, 0, 0, 1])
    const rotations = memory.float32(4)
    kernels.engine.factorOut(matrices, tops, 1, rotations, screen)
    const [pr, pi, c, s] = rotations as unknown as [number, number, number, number]
    const [ar, ai, br, bi] = screen as unknown as [number, number, number, number]
    // diag(A, B) · [[p·c, −s], [p·s, c]], with what was pending, 1 and i, taken off its columns again.
    const [r11, i11, r12, i12, r21, i21, r22, i22] = elements as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    expect([c * (ar * pr - ai * pi), c * (ar * pi + ai * pr)].map(unsigned)).toEqual([r11, i11].map(unsigned))
    expect([-s * ai, s * ar].map(unsigned)).toEqual([r12, i12].map(unsigned))
    expect([s * (br * pr - bi * pi), s * (br * pi + bi * pr)].map(unsigned)).toEqual([r21, i21].map(unsigned))
    expect([c * bi, -c * br].map(unsigned)).toEqual([r22, i22].map(unsigned))
  })

  test('refuses places outside of it', () => {
    const device = { alphaRad: 0, betaRad: 0, fieldRatio: 1 }
    expect(() => new MeshProgram(kernels, 2, [{ column: 0, top: 1 }], [device])).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    )
    expect(() => new MeshProgram(kernels, 2, [{ column: 0, top: 0 }], [])).toThrow(/0 devices/)
  })
})

/** Zero without its sign. */
const unsigned = (value: number): number => value + 0
