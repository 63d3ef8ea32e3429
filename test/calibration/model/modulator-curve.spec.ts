import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codeForField, fieldAtCode, reachableField } from '../../../calibration/model/modulator-curve.ts'

const modulator = fc.record({
  // Half phase at full code of 0.3π to 0.5π, bias within 3 %: what the default bench can build.
  radPerCode: fc.double({ min: (0.3 * Math.PI) / 127, max: (0.5 * Math.PI) / 127, noNaN: true }),
  biasRad: fc.double({ min: -0.05, max: 0.05, noNaN: true }),
})
const curveOf = ({ radPerCode, biasRad }: { radPerCode: number; biasRad: number }) => ({
  radPerCode: [[radPerCode]],
  biasRad: [[biasRad]],
  leak: [[0]],
})

describe('the curve of a modulator', () => {
  test('encodes every field that it reaches within half a code', () => {
    fc.assert(
      fc.property(modulator, fc.double({ min: -1, max: 1, noNaN: true }), (one, share) => {
        const curve = curveOf(one)
        const field = share * reachableField(curve)
        const code = codeForField(curve, 0, 0, field)
        expect(Number.isInteger(code)).toBe(true)
        expect(Math.abs(code)).toBeLessThanOrEqual(127)
        const between = (off: number): number => Math.sin(one.radPerCode * (code + off) + one.biasRad)
        // On the rising part of the curve: the field lies between those of half a code below and above.
        if (Math.abs(one.radPerCode * (Math.abs(code) + 0.5)) + Math.abs(one.biasRad) < Math.PI / 2) {
          expect(field).toBeGreaterThanOrEqual(between(-0.5) - 1e-12)
          expect(field).toBeLessThanOrEqual(between(0.5) + 1e-12)
        }
        expect(Math.abs(fieldAtCode(curve, 0, 0, code) - field)).toBeLessThan(one.radPerCode / 2 + 1e-12)
      }),
    )
  })

  test('decodes what it encodes: every code is the code for its own field', () => {
    fc.assert(
      fc.property(modulator, fc.integer({ min: -115, max: 115 }), (one, code) => {
        const curve = curveOf(one)
        expect(codeForField(curve, 0, 0, fieldAtCode(curve, 0, 0, code))).toBe(code)
      }),
    )
  })

  test('the reachable field is the least that every modulator makes with both signs', () => {
    const k = Math.PI / 2 / 127
    expect(reachableField({ radPerCode: [[k, 1.2 * k]], biasRad: [[0, 0.02]], leak: [[0, 0]] })).toBe(1)
    const weak = { radPerCode: [[k], [0.5 * k]], biasRad: [[0], [0.05]], leak: [[0], [0]] }
    expect(reachableField(weak)).toBeCloseTo(Math.sin(Math.PI / 4 - 0.05), 12)
  })

  test('asked for more than a modulator reaches, gives its last code and none beyond', () => {
    const curve = curveOf({ radPerCode: (0.3 * Math.PI) / 127, biasRad: 0 })
    expect(codeForField(curve, 0, 0, 1)).toBe(127)
    expect(codeForField(curve, 0, 0, -1)).toBe(-127)
  })
})
