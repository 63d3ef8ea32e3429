import { describe, expect, test } from 'vitest'
import { packedTileFloats, productRows, productScratch } from '../../../sim/kernels/behavioural-product.ts'
import type { Capture, CaptureAs } from '../../../sim/kernels/kernel-engine.ts'
import { captureScratchFloats, NOISE_FLOATS } from '../../../sim/kernels/kernel-engine.ts'
import { Kernels } from '../../../sim/kernels/kernels.ts'
import { bankOf, filled, smallProduct } from '../../support/kernels.ts'

const kernels = new Kernels('wasm')
const { memory, engine } = kernels
const [ROWS, INPUTS, OUTPUTS, STRIDE] = [21, 11, 7, 24]
const NOISY = { bandwidthHz: 5e8, darkA: 5e-9, thermalAPerRtHz: 12.2e-12, fullScaleMw: 4 }

const fieldsRe = filled(memory.float32(INPUTS * STRIDE), 1)
const fieldsIm = filled(memory.float32(INPUTS * STRIDE), 2)
const weightsRe = filled(memory.float32(OUTPUTS * INPUTS), 3, 0.3)
const weightsIm = filled(memory.float32(OUTPUTS * INPUTS), 4, 0.3)
const lo = filled(memory.float32(OUTPUTS), 5)
const factors = memory.float32(STRIDE)
const noise = memory.float32(NOISE_FLOATS)
const scales = filled(memory.float32(STRIDE), 6)

function capture(balanced: boolean, as: CaptureAs, out: Float32Array | Int16Array, weightPerMw = 1): Capture {
  const bank = bankOf(kernels, 2 * OUTPUTS, { ...NOISY, weightPerMw, offset: 0.25 })
  const panels = memory.float32(3 * INPUTS * STRIDE)
  const tile = memory.float32(packedTileFloats(balanced ? 'balanced' : 'banks', OUTPUTS, INPUTS))
  if (balanced) {
    engine.packFields(fieldsRe, fieldsIm, STRIDE, INPUTS, ROWS, panels)
    engine.packTile(weightsRe, weightsIm, OUTPUTS, INPUTS, tile)
  } else {
    const packed = memory.float32(STRIDE * INPUTS)
    engine.packColumns(fieldsRe, STRIDE, INPUTS, STRIDE, packed)
    panels.set(packed)
    engine.packBanks(weightsRe, weightsIm, OUTPUTS, INPUTS, tile)
  }
  engine.intensityFactors(factors, ROWS, 1e-3, 9, 64, 0, noise)
  return {
    as,
    panels,
    tile,
    lo,
    inputs: INPUTS,
    outputs: OUTPUTS,
    rows: ROWS,
    detectors: bank.parameters,
    keys: bank.keys,
    factors,
    scales,
    out,
    stride: STRIDE,
    counterLow: 64,
    counterHigh: 0,
    scratch: memory.float32(captureScratchFloats(OUTPUTS)),
  }
}

const run = (balanced: boolean, of: Capture): number =>
  balanced ? engine.captureBalanced(of) : engine.captureBanks(of)

describe('a captured tile', () => {
  test('balanced powers are (|s|² + l²)/2 ± Re(s)·l of s = T·x', () => {
    const powers = memory.float32(2 * OUTPUTS * STRIDE)
    run(true, capture(true, 'powers', powers))
    for (let output = 0; output < OUTPUTS; output++) {
      for (let row = 0; row < ROWS; row++) {
        let [re, im] = [0, 0]
        for (let k = 0; k < INPUTS; k++) {
          const [tr, ti] = [weightsRe[output * INPUTS + k]!, weightsIm[output * INPUTS + k]!]
          const [xr, xi] = [fieldsRe[k * STRIDE + row]!, fieldsIm[k * STRIDE + row]!]
          re += tr * xr - ti * xi
          im += tr * xi + ti * xr
        }
        const l = lo[output]!
        const mean = (re * re + im * im + l * l) / 2
        // Single precision, eleven terms of about one.
        expect(powers[2 * output * STRIDE + row]).toBeCloseTo(mean + re * l, 5)
        expect(powers[(2 * output + 1) * STRIDE + row]).toBeCloseTo(mean - re * l, 5)
      }
    }
  })

  test('powers of two banks are their weighted sums', () => {
    const powers = memory.float32(2 * OUTPUTS * STRIDE)
    run(false, capture(false, 'powers', powers))
    for (let output = 0; output < OUTPUTS; output++) {
      for (const [sign, weights] of [weightsRe, weightsIm].entries()) {
        let sum = 0
        for (let k = 0; k < INPUTS; k++) sum += weights[output * INPUTS + k]! * fieldsRe[k * STRIDE + 5]!
        expect(powers[(2 * output + sign) * STRIDE + 5]).toBeCloseTo(sum, 5)
      }
    }
  })

  test.each([true, false])(
    'in one pass its codes are those of its powers detected apart (balanced: %s)',
    (balanced) => {
      const [powers, fused, apart] = [
        memory.float32(2 * OUTPUTS * STRIDE),
        memory.int16(2 * OUTPUTS * STRIDE),
        memory.int16(2 * OUTPUTS * STRIDE),
      ]
      run(balanced, capture(balanced, 'powers', powers))
      const of = capture(balanced, 'codes', fused)
      const over = run(balanced, of)
      const { detectors, keys } = of
      const overApart = engine.detect(
        powers,
        factors,
        detectors,
        keys,
        apart,
        2 * OUTPUTS,
        STRIDE,
        ROWS,
        64,
        0,
        1,
        noise,
      )
      expect(fused).toEqual(apart)
      expect(over).toBe(overApart)
      expect(new Set(fused).size).toBeGreaterThan(20)
    },
  )

  test('its sum grows by (codes · weight + offset of both detectors) · scale of the row', () => {
    const codes = memory.int16(2 * OUTPUTS * STRIDE)
    run(true, capture(true, 'codes', codes))
    const sums = memory.float32(OUTPUTS * STRIDE)
    sums.fill(10)
    run(true, capture(true, 'sum', sums))
    const stepMw = NOISY.fullScaleMw / 4096
    for (let output = 0; output < OUTPUTS; output++) {
      for (let row = 0; row < ROWS; row++) {
        const [plus, minus] = [codes[2 * output * STRIDE + row]!, codes[(2 * output + 1) * STRIDE + row]!]
        expect(sums[output * STRIDE + row]).toBeCloseTo(10 + ((plus + minus) * stepMw + 0.5) * scales[row]!, 4)
      }
    }
  })

  test('halves of a record captured apart are the record', () => {
    const [whole, halves] = [memory.int16(2 * OUTPUTS * STRIDE), memory.int16(2 * OUTPUTS * STRIDE)]
    run(true, capture(true, 'codes', whole))
    const of = capture(true, 'codes', halves)
    run(true, { ...of, rows: 16 })
    run(true, {
      ...of,
      panels: of.panels.subarray(2 * 24 * INPUTS),
      factors: factors.subarray(16),
      scales: scales.subarray(16),
      out: halves.subarray(16),
      rows: ROWS - 16,
      counterLow: 64 + 16,
    })
    expect(halves).toEqual(whole)
  })
})

describe('encoding', () => {
  test('chooses the code whose field is nearest to the scaled value', () => {
    using _scope = memory.scope()
    const [rows, inputs] = [500, 3]
    const values = filled(memory.float32(rows * inputs), 8, 5)
    const [scales, inverses] = [memory.float32(504), memory.float32(504)]
    engine.rowScales(values, inputs, inputs, rows, scales, inverses)
    const [reach, bias, codesPerRad] = [0.97, 0.03, 80]
    const modulators = memory.float32(4 * inputs)
    for (let k = 0; k < inputs; k++) modulators.set([reach, bias, codesPerRad, 0], 4 * k)
    const codes = memory.int8(inputs * 504)
    engine.encode(values, inputs, inputs, rows, inverses, modulators, codes, 504)
    for (let row = 0; row < rows; row++) {
      const line = Array.from(values.subarray(row * inputs, (row + 1) * inputs))
      const largest = Math.max(...line.map(Math.abs))
      for (const [k, value] of line.entries()) {
        const drive = (Math.asin((value / largest) * reach) - bias) * codesPerRad
        // Single precision may choose the other of two codes that are equally near.
        expect(Math.abs(codes[k * 504 + row]! - drive)).toBeLessThan(0.5001)
      }
    }
  })

  test('a dark row has scale 0 and the codes of silence', () => {
    using _scope = memory.scope()
    const [values, scales, inverses, codes] = [memory.float32(4), memory.float32(8), memory.float32(8), memory.int8(32)]
    engine.rowScales(values, 4, 4, 1, scales, inverses)
    const modulators = memory.float32(16)
    for (let k = 0; k < 4; k++) modulators.set([1, 0, 80, 0], 4 * k)
    engine.encode(values, 4, 4, 1, inverses, modulators, codes, 8)
    expect([scales[0], inverses[0], ...codes]).toEqual([0, 0, ...new Array<number>(32).fill(0)])
  })
})

describe('a behavioural product', () => {
  test('is the product within the error of its eight bits, and bit for bit what the reference computes', () => {
    const of = (kernels: Kernels): { sums: Float32Array; exact: Float64Array } => {
      const { job, exact } = smallProduct(kernels)
      expect(productRows(kernels.engine, job, productScratch(kernels.memory, job), 0, job.rows)).toBe(0)
      return { sums: job.sums, exact }
    }
    const { sums, exact } = of(new Kernels('wasm'))
    const error = Math.hypot(...sums.map((sum, i) => sum - exact[i]!)) / Math.hypot(...exact)
    // Codes of 8 bits over a sine: steps of 1/80 near zero, √12 below that as noise; the converter adds less.
    expect(error).toBeLessThan(0.01)
    expect(of(new Kernels('javascript')).sums).toEqual(sums)
  })

  test.each(['wasm', 'openblas'] as const)(
    'of more rows, inputs and outputs than are computed at once is right by %s, too',
    (name) => {
      const kernels = new Kernels(name)
      const { job, exact } = smallProduct(kernels, { rows: 261, innerTiles: 130, outputTiles: 33 })
      job.sums.fill(1)
      const scratch = productScratch(kernels.memory, job)
      // Two parts, each with some rows left over.
      expect(
        productRows(kernels.engine, job, scratch, 0, 256) + productRows(kernels.engine, job, scratch, 256, 5),
      ).toBe(0)
      let [error, power] = [0, 0]
      for (let at = 0; at < exact.length; at++) {
        if (at % job.sumStride >= job.rows) continue
        error += (job.sums[at]! - 1 - exact[at]!) ** 2
        power += exact[at]! ** 2
      }
      // As above, and the converter's steps of 64 / 4096 for 130 partial sums of about 2 each.
      expect(Math.sqrt(error / power)).toBeLessThan(0.02)
    },
  )
})
