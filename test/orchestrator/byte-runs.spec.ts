import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MOST_OVERHEAD, packRuns, unpackRuns } from '../../orchestrator/journal/byte-runs.ts'

/** Runs of any length between bytes of any kind, at any place of the memory. */
const bytes = fc
  .tuple(
    fc.nat(7),
    fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 50 }),
        fc.tuple(fc.nat(255), fc.nat(600)).map(([byte, length]) => new Uint8Array(length).fill(byte)),
      ),
      { maxLength: 12 },
    ),
  )
  .map(([offset, parts]) => new Uint8Array(Buffer.concat([new Uint8Array(offset), ...parts])).subarray(offset))

function packed(bytes: Uint8Array): Uint8Array {
  const out = Buffer.alloc(bytes.length + MOST_OVERHEAD, 0xee)
  return out.subarray(0, packRuns(bytes, out, 0))
}

describe('runs of one byte', () => {
  test('come back as they were, whatever stands between them and wherever they lie', () => {
    fc.assert(
      fc.property(bytes, (bytes) => {
        expect(Buffer.compare(unpackRuns(packed(bytes), bytes.length)!, bytes)).toBe(0)
      }),
    )
  })

  test('250 symbols of 384 samples behind a header take less than 4 kB', () => {
    const symbols = Array.from({ length: 250 }, (_, symbol) => Buffer.alloc(384, symbol))
    expect(packed(Buffer.concat([Buffer.from(':TRAC1:DATA 1,0,#596000'), ...symbols])).length).toBeLessThan(4000)
  })

  test('damaged ones are refused instead of guessed', () => {
    fc.assert(
      fc.property(bytes, fc.uint8Array({ maxLength: 30 }), fc.nat(), (bytes, noise, length) => {
        const whole = packed(bytes)
        expect(unpackRuns(whole, bytes.length + 1)).toBeUndefined()
        if (whole.length > 0) expect(unpackRuns(whole.subarray(0, -1), bytes.length)).toBeUndefined()
        const found = unpackRuns(noise, length % 1000)
        expect(found === undefined || found.length === length % 1000).toBe(true)
      }),
    )
  })

  test.each([NaN, -1, 2 ** 40])('a length of %d was edited in', (length) => {
    expect(unpackRuns(packed(new Uint8Array(100)), length)).toBeUndefined()
  })
})
