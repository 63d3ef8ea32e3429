import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clementsPlaces } from '../../../core/mesh-layout.ts'
import type { CaptureAs, KernelEngine } from '../../../sim/kernels/kernel-engine.ts'
import {
  captureScratchFloats,
  MULTIPLY_SCRATCH_FLOATS,
  NOISE_FLOATS,
  singularWorkFloats,
  tileLine,
} from '../../../sim/kernels/kernel-engine.ts'
import type { Kernels } from '../../../sim/kernels/kernels.ts'
import { FieldBatch, MeshMatrix, MeshProgram } from '../../../sim/kernels/mesh-program.ts'
import { bankOf, bothEngines, bytesOf, filled } from '../../support/kernels.ts'

const { wasm, javascript } = bothEngines()
const { memory } = wasm
const noise = memory.float32(NOISE_FLOATS)
const size = fc.integer({ min: 1, max: 70 })
const seed = fc.integer({ min: 0, max: 1e6 })
const groups = (rows: number): number => (rows + 7) & ~7

/** Runs the same on both engines and compares every bit of what they leave. */
function expectSameBits(
  work: (
    engine: KernelEngine,
    kernels: Kernels,
  ) => { readonly left: readonly ArrayBufferView[]; readonly returned?: number },
): void {
  using _scope = memory.scope()
  const [ours, reference] = [work(wasm.engine, wasm), work(javascript.engine, javascript)]
  expect(ours.returned).toBe(reference.returned)
  for (const [i, array] of ours.left.entries()) {
    expect(Buffer.compare(bytesOf(array), bytesOf(reference.left[i]!))).toBe(0)
  }
}

describe('the WebAssembly kernels and their JavaScript references agree bit for bit', () => {
  test('normal numbers, with any key and counter', () => {
    fc.assert(
      fc.property(
        size,
        fc.integer(),
        fc.integer({ min: 0, max: 2 ** 29 - 70 }),
        fc.nat(2 ** 20),
        (count, key, group, high) =>
          expectSameBits((engine) => {
            const out = memory.float32(8 * count)
            engine.normals(out, 8 * count, key, (8 * group) | 0, high, noise)
            return { left: [out] }
          }),
      ),
    )
  })

  test('intensity factors and detection, as readings and as codes, over range or not', () => {
    fc.assert(
      fc.property(size, fc.integer({ min: 1, max: 9 }), seed, fc.boolean(), (rows, detectors, seed, asCodes) =>
        expectSameBits((engine) => {
          const stride = groups(rows)
          const bank = bankOf(wasm, detectors, { bandwidthHz: 5e8, darkA: 5e-9, thermalAPerRtHz: 12.2e-12 })
          const powers = filled(memory.float32(detectors * stride), seed, 3)
          const factors = memory.float32(stride)
          engine.intensityFactors(factors, rows, 0.01, seed, 64, 1, noise)
          const out = asCodes ? memory.int16(detectors * stride) : memory.float32(detectors * stride)
          const { parameters, keys } = bank
          const low = -(2 ** 31)
          const returned = engine.detect(
            powers,
            factors,
            parameters,
            keys,
            out,
            detectors,
            stride,
            rows,
            low,
            2,
            asCodes ? 1 : 0,
            noise,
          )
          return { left: [factors, out], returned }
        }),
      ),
    )
  })

  test('scales, codes and the light they let through', () => {
    fc.assert(
      fc.property(size, size, seed, (rows, inputs, seed) =>
        expectSameBits((engine) => {
          const stride = groups(rows)
          const values = filled(memory.float32(rows * inputs), seed, 2)
          const [scales, inverses] = [memory.float32(stride), memory.float32(stride)]
          engine.rowScales(values, inputs, inputs, rows, scales, inverses)
          const modulators = memory.float32(4 * inputs)
          for (let k = 0; k < inputs; k++)
            modulators.set([0.9 + 0.1 * Math.abs(Math.sin(k)), 0.02 * Math.cos(k), 80, 0], 4 * k)
          const codes = memory.int8(inputs * stride)
          engine.encode(values, inputs, inputs, rows, inverses, modulators, codes, stride)
          const [panels, powers] = [memory.float32(3 * inputs * stride), memory.float32(inputs * stride)]
          engine.fieldPanels(codes, stride, inputs, rows, filled(memory.float32(512 * inputs), seed), panels)
          engine.powerPanels(codes, stride, inputs, rows, filled(memory.float32(256 * inputs), seed), powers)
          return { left: [scales, inverses, codes, panels, powers] }
        }),
      ),
      { numRuns: 40 },
    )
  })

  test('packing, transposing and copying', () => {
    fc.assert(
      fc.property(size, size, seed, (rows, columns, seed) =>
        expectSameBits((engine) => {
          const stride = groups(columns)
          const [re, im] = [
            filled(memory.float32(rows * stride), seed),
            filled(memory.float32(rows * stride), seed + 1),
          ]
          const tile = memory.float32(3 * columns * (rows + 3))
          engine.packTile(re, im, rows, columns, tile)
          const banks = memory.float32(2 * columns * (rows + 1))
          engine.packBanks(re, im, rows, columns, banks)
          const panels = memory.float32(3 * rows * stride)
          engine.packFields(re, im, stride, rows, columns, panels)
          const turned = memory.float32(stride * rows)
          engine.transpose(re, stride, rows, columns, turned, rows)
          const copied = memory.float32(rows * (stride + 8))
          engine.copyLines(re, stride, rows, columns, copied, stride + 8)
          return { left: [tile, banks, panels, turned, copied] }
        }),
      ),
      { numRuns: 40 },
    )
  })

  test('rows of A as lines, rows of C out of sums, and the largest of them', () => {
    fc.assert(
      fc.property(size, size, seed, fc.boolean(), (rows, columns, seed, isSplit) =>
        expectSameBits((engine) => {
          const a = filled(memory.float64(rows * columns), seed, 1e3)
          const returned = engine.largest(a, rows * columns)
          const lines = memory.float32(rows * groups(columns))
          engine.scaleLines(a, rows, columns, 2 ** -10, lines, groups(columns))
          const stride = 2 * groups(rows)
          const sums = filled(memory.float32(columns * stride), seed + 1)
          const c = memory.float64(groups(rows) * columns)
          engine.rowsOfSums(sums, stride, columns, rows, isSplit ? groups(rows) : 0, 0.7, 1 / 3, c)
          return { left: [lines, c], returned }
        }),
      ),
    )
  })

  test('weights of a tile: cut out of B, how strong a mesh must be for them, and what silence becomes', () => {
    fc.assert(
      fc.property(size, size, size, seed, fc.integer({ min: -40, max: 40 }), (size, rows, columns, seed, power) =>
        expectSameBits((engine) => {
          const line = tileLine(size)
          const b = filled(memory.float64(rows * columns), seed, 2 ** power)
          const [weights, turned] = [memory.float64(line ** 2), memory.float64(line ** 2)]
          // What stood there before is gone.
          filled(weights, 1)
          filled(turned, 1)
          const [inputs, outputs] = [Math.min(size, rows), Math.min(size, columns)]
          engine.cutTile(b, columns, inputs, outputs, 2 ** -power, line, weights, turned)
          const work = memory.float64(singularWorkFloats(size))
          const returned = engine.largestSingularValue(weights, turned, line, size, work)
          const re = memory.float32(size ** 2)
          engine.fieldsOfWeights(weights, line, size, 0.3 / returned, re)
          const [silent, out] = [filled(memory.float64(2 * line), seed), memory.float64(2 * line)]
          engine.silentFields(turned, line, size, 0.3 / returned, silent, out)
          return { left: [weights, turned, re, out], returned }
        }),
      ),
    )
  })

  test.each<[string, 'captureBalanced' | 'captureBanks', CaptureAs]>([
    ['complex fields', 'captureBalanced', 'fields'],
    ['balanced powers', 'captureBalanced', 'powers'],
    ['balanced codes', 'captureBalanced', 'codes'],
    ['balanced decoded sums', 'captureBalanced', 'sum'],
    ['powers of two banks', 'captureBanks', 'powers'],
    ['codes of two banks', 'captureBanks', 'codes'],
    ['decoded sums of two banks', 'captureBanks', 'sum'],
  ])('a tile captured as %s', (_, kernel, as) => {
    fc.assert(
      fc.property(size, size, size, seed, (rows, inputs, outputs, seed) =>
        expectSameBits((engine) => {
          const stride = groups(rows)
          const bank = bankOf(wasm, 2 * outputs, {
            bandwidthHz: 5e8,
            darkA: 5e-9,
            thermalAPerRtHz: 12.2e-12,
            fullScaleMw: inputs / 4,
            weightPerMw: -1.3,
            offset: 0.01,
          })
          const length = 2 * outputs * stride
          const out = as === 'codes' ? memory.int16(length) : filled(memory.float32(length), seed + 3)
          const returned = engine[kernel]({
            as,
            panels: filled(memory.float32(3 * inputs * stride), seed),
            tile: filled(memory.float32(3 * inputs * (outputs + 3)), seed + 1),
            lo: filled(memory.float32(outputs), seed + 2),
            inputs,
            outputs,
            rows,
            detectors: bank.parameters,
            keys: bank.keys,
            factors: filled(memory.float32(stride), seed + 4),
            scales: filled(memory.float32(stride), seed + 5),
            out,
            stride,
            counterLow: 8 * seed,
            counterHigh: 1,
            scratch: memory.float32(captureScratchFloats(outputs)),
          })
          return { left: [out], returned }
        }),
      ),
      { numRuns: 25 },
    )
  })

  test('a plain product, also with more terms than one block holds', () => {
    fc.assert(
      fc.property(size, fc.oneof(size, fc.integer({ min: 380, max: 800 })), size, seed, (rows, inner, columns, seed) =>
        expectSameBits((engine) => {
          const [a, b] = [filled(memory.float32(rows * inner), seed), filled(memory.float32(inner * columns), seed + 1)]
          const [packed, c] = [memory.float32(inner * groups(columns)), memory.float32(rows * columns)]
          engine.packColumns(b, columns, inner, columns, packed)
          const scratch = memory.float32(MULTIPLY_SCRATCH_FLOATS)
          engine.multiply(a, inner, packed, c, columns, rows, inner, columns, scratch)
          return { left: [packed, c] }
        }),
      ),
      { numRuns: 25 },
    )
  })

  test('a mesh: matrices from phases, field propagation with and without the factored phases, folding', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), size, seed, (modes, samples, seed) =>
        expectSameBits((engine, kernels) => {
          const places = clementsPlaces(modes)
          const devices = places.map((_, k) => ({
            alphaRad: 0.1 * Math.sin(k + seed),
            betaRad: 0.1 * Math.cos(k),
            fieldRatio: 0.99,
          }))
          const program = new MeshProgram(kernels, modes, places, devices)
          const phases = filled(new Float64Array(places.length), seed, 1e3)
          program.setPhases(phases, phases.toReversed())
          const fields = new FieldBatch(kernels, modes, samples)
          filled(fields.re, seed)
          filled(fields.im, seed + 1)
          program.propagate(fields)
          const matrix = new MeshMatrix(kernels, modes)
          matrix.setIdentity()
          program.fold(matrix)
          const { tops, rotations, screen, count } = program.pass
          const general = filled(memory.float32(8 * count), seed)
          const [re, im] = [
            filled(memory.float32(modes * fields.stride), 1),
            filled(memory.float32(modes * fields.stride), 2),
          ]
          engine.propagate(re, im, fields.stride, samples, tops, general, count)
          return { left: [rotations, screen, fields.re, fields.im, matrix.re, matrix.im, re, im] }
        }),
      ),
      { numRuns: 40 },
    )
  })
})
