import { BenchError } from '../../core/errors.ts'

/** How a typed array stands in JSON: little-endian float64, base64. */
const FLOAT64 = 'float64le'

/**
 * A step's result as bytes that any program can read: JSON, and typed arrays in it as {"float64le": "base64"}.
 *
 * Throws: CALL_INVALID for a number that JSON cannot hold outside such an array.
 */
export function encodeResult(value: unknown): Uint8Array {
  const text = JSON.stringify(value, (key, item: unknown) => {
    if (item instanceof Float64Array) {
      return { [FLOAT64]: Buffer.from(item.buffer, item.byteOffset, item.byteLength).toString('base64') }
    }
    if (typeof item === 'number' && !Number.isFinite(item)) {
      throw new BenchError('CALL_INVALID', `${key} of a result is ${item}: JSON holds finite numbers only`)
    }
    return item
  })
  return Buffer.from(text)
}

export function decodeResult(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString(), (_, item: unknown) => {
    const packed = (item as Readonly<Record<string, unknown>> | null)?.[FLOAT64]
    if (typeof packed !== 'string') return item
    // A copy, because a buffer of Node may begin anywhere in its memory.
    return new Float64Array(Uint8Array.from(Buffer.from(packed, 'base64')).buffer)
  })
}
