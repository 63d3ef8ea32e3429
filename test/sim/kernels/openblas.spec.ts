import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { packedTileFloats, productRows, productScratch } from '../../../sim/kernels/behavioural-product.ts'
import type { Capture, CaptureAs } from '../../../sim/kernels/kernel-engine.ts'
import { captureScratchFloats, NOISE_FLOATS } from '../../../sim/kernels/kernel-engine.ts'
import { KernelPool } from '../../../sim/kernels/kernel-pool.ts'
import { describeEngine, Kernels } from '../../../sim/kernels/kernels.ts'
import { findOpenBlas } from '../../../sim/kernels/openblas.ts'
import { plainProduct } from '../../../sim/kernels/plain-product.ts'
import { bankOf, filled, smallProduct } from '../../support/kernels.ts'

const { signal } = new AbortController()
const SIZE = 264
const found = findOpenBlas()
if (found === undefined) console.info('OpenBLAS is not installed (libopenblas.so.0): products by it are not tested')

async function product(kernels: Kernels): Promise<Float32Array> {
  await using pool = new KernelPool(kernels, 2)
  const a = filled(kernels.memory.float32(SIZE * SIZE), 1)
  const b = filled(kernels.memory.float32(SIZE * SIZE), 2)
  return (await plainProduct(kernels, pool, a, b, SIZE, SIZE, SIZE, signal)).slice()
}

/** A balanced tile of random fields, captured on some rows by one engine with noise and converters. */
function captured(kernels: Kernels, rows: number, inputs: number, outputs: number, as: CaptureAs): readonly number[] {
  const { memory, engine } = kernels
  using _scope = memory.scope()
  const stride = (rows + 7) & ~7
  const [re, im] = [1, 2].map((seed) => filled(memory.float32(inputs * stride), seed)) as [Float32Array, Float32Array]
  const [wr, wi] = [3, 4].map((seed) => filled(memory.float32(outputs * inputs), seed)) as [Float32Array, Float32Array]
  const panels = memory.float32(3 * inputs * stride)
  const tile = memory.float32(3 * inputs * (outputs + 3))
  engine.packFields(re, im, stride, inputs, rows, panels)
  engine.packTile(wr, wi, outputs, inputs, tile)
  const noise = { bandwidthHz: 5e8, darkA: 5e-9, thermalAPerRtHz: 12.2e-12 }
  const bank = bankOf(kernels, 2 * outputs, { ...noise, fullScaleMw: 4 * inputs })
  const factors = memory.float32(stride)
  engine.intensityFactors(factors, rows, 1e-3, 7, 64, 0, memory.float32(NOISE_FLOATS))
  const out = as === 'codes' ? memory.int16(2 * outputs * stride) : memory.float32(2 * outputs * stride)
  const over = engine.captureBalanced({
    as,
    panels,
    tile,
    lo: filled(memory.float32(outputs), 5),
    inputs,
    outputs,
    rows,
    detectors: bank.parameters,
    keys: bank.keys,
    factors,
    scales: filled(memory.float32(stride), 6),
    out,
    stride,
    counterLow: 64,
    counterHigh: 0,
    scratch: memory.float32(captureScratchFloats(outputs)),
  })
  return [over, ...out]
}

const largestGap = (left: readonly number[], right: readonly number[]): number =>
  left.reduce((gap, value, i) => Math.max(gap, Math.abs(value - right[i]!)), 0)

describe('the openblas engine', () => {
  test('fields and powers of a tile are those of the kernel within single precision', () => {
    const [wasm, openblas] = [new Kernels('wasm'), new Kernels('openblas')]
    const size = fc.integer({ min: 1, max: 40 })
    fc.assert(
      fc.property(fc.oneof(size, fc.constant(300)), size, size, (rows, inputs, outputs) => {
        const gap = (as: CaptureAs): number =>
          largestGap(captured(wasm, rows, inputs, outputs, as), captured(openblas, rows, inputs, outputs, as))
        // Three sums of `inputs` products of at most 4, each rounded to 2^-24 of itself; powers are their squares.
        const field = 12 * inputs * inputs * 2 ** -24
        expect(gap('fields')).toBeLessThan(field)
        expect(gap('powers')).toBeLessThan(8 * inputs * field)
      }),
      { numRuns: 25 },
    )
  })

  test.each(['wasm', 'openblas'] as const)(
    'neighbouring tiles captured at once by %s are those captured one by one',
    (name) => {
      const kernels = new Kernels(name)
      const { memory, engine } = kernels
      // Five outputs: a packed tile has room for eight. Two blocks of rows, the second not full.
      const [rows, stride, inputs, outputs, tiles] = [300, 304, 7, 5, 3]
      const fields = [1, 2].map((seed) => filled(memory.float32(inputs * stride), seed)) as [Float32Array, Float32Array]
      const panels = memory.float32(3 * inputs * stride)
      engine.packFields(...fields, stride, inputs, rows, panels)
      const perTile = packedTileFloats('balanced', outputs, inputs)
      const packed = memory.float32(tiles * perTile)
      const bank = bankOf(kernels, 2 * outputs, {
        bandwidthHz: 5e8,
        thermalAPerRtHz: 12.2e-12,
        fullScaleMw: 4 * inputs,
      })
      const factors = memory.float32(stride)
      factors.fill(1)
      const capturesInto = (out: Int16Array): readonly Capture[] =>
        Array.from({ length: tiles }, (_, tile) => ({
          as: 'codes',
          panels,
          tile: packed.subarray(tile * perTile),
          lo: filled(memory.float32(outputs), 5),
          inputs,
          outputs,
          rows,
          detectors: bank.parameters,
          keys: bank.keys,
          factors,
          scales: factors,
          out: out.subarray(tile * 2 * outputs * stride),
          stride,
          counterLow: 1024 * tile,
          counterHigh: 0,
          scratch,
        }))
      const scratch = memory.float32(captureScratchFloats(8 * tiles))
      for (let tile = 0; tile < tiles; tile++) {
        const [re, im] = [8, 9].map((seed) => filled(memory.float32(outputs * inputs), seed + 10 * tile)) as [
          Float32Array,
          Float32Array,
        ]
        engine.packTile(re, im, outputs, inputs, packed.subarray(tile * perTile))
      }
      const [together, alone] = [memory.int16(tiles * 2 * outputs * stride), memory.int16(tiles * 2 * outputs * stride)]
      engine.captureNeighbours(capturesInto(together))
      for (const capture of capturesInto(alone)) engine.captureBalanced(capture)
      // A library that multiplies more at once may add in another order: a reading at an edge moves by one.
      expect(largestGap([...together], [...alone])).toBeLessThanOrEqual(name === 'openblas' ? 1 : 0)
      expect(new Set(together).size).toBeGreaterThan(100)
    },
  )

  test('its codes are those of the kernel but for readings at an edge, which move by one', () => {
    const [ours, theirs] = (['wasm', 'openblas'] as const).map((name) =>
      captured(new Kernels(name), 300, 64, 64, 'codes'),
    ) as [readonly number[], readonly number[]]
    const moved = ours.filter((code, i) => code !== theirs[i])
    expect(largestGap(ours, theirs)).toBeLessThanOrEqual(1)
    // A code is 2^-12 of full scale and rounding some 2^-21 of it: of 38 400 readings few stand so near to an edge.
    expect(moved.length).toBeLessThan(400)
    expect(new Set(ours).size).toBeGreaterThan(100)
  })

  test('a whole product is right, and a code’s step from the kernel’s at most', () => {
    const [ours, theirs] = (['wasm', 'openblas'] as const).map((name) => {
      const kernels = new Kernels(name)
      const { job } = smallProduct(kernels)
      productRows(kernels.engine, job, productScratch(kernels.memory, job), 0, job.rows)
      return [...job.sums]
    }) as [number[], number[]]
    // Two inner tiles, two detectors each, a code of 64 / 4096 at a weight of a half, scales below 1.
    expect(largestGap(ours, theirs)).toBeLessThanOrEqual((2 * 2 * 0.5 * 64) / 4096)
    expect(Math.max(...theirs)).toBeGreaterThan(1)
  })

  test('large products are those of the kernel within single precision, with the library or without', async () => {
    const [ours, theirs] = [await product(new Kernels('wasm')), await product(new Kernels('openblas'))]
    // Sums of 264 products of at most 1, each rounded to 2^-24 of a sum that stays below 264.
    for (const [i, value] of ours.entries()) expect(Math.abs(value - theirs[i]!)).toBeLessThan(SIZE * SIZE * 2 ** -24)
  })

  test.skipIf(found === undefined)('names the library and the processor it chose its code for', () => {
    expect(describeEngine('openblas', 2)).toMatch(
      /^WebAssembly SIMD, float32, products by OpenBLAS [\d.]+ for \w+, 2 threads$/,
    )
  })

  test('the other engines are named for a run’s header, too', () => {
    expect(describeEngine('wasm', 1)).toBe('WebAssembly SIMD, float32, 1 thread')
    expect(describeEngine('javascript', 2)).toBe('plain JavaScript, float32, 2 threads')
  })
})
