import { BenchError } from '../../core/errors.ts'

/** Where in a recording a replay stopped being the same. */
export interface Place {
  readonly run: string
  readonly wire: string
  /** Number of the record within its wire, from 1. */
  readonly record: number
  readonly step: number
  readonly stepName: string
}

/** `expected` is what the recording holds, `actual` what the replay did; `why` says more where both look the same. */
export function divergence(place: Place, expected: string, actual: string, why?: string): BenchError {
  const { run, wire, record, step, stepName } = place
  const where = `wire "${wire}", record ${record}, step ${step}${stepName === '' ? '' : ` "${stepName}"`}`
  const detail = why === undefined ? '' : ` (${why})`
  return new BenchError(
    'REPLAY_DIVERGED',
    `the replay of ${run} diverged on ${where}: expected ${expected}, got ${actual}${detail}`,
    { context: { ...place, expected, actual } },
  )
}

const SHOWN_BYTES = 200

/** A record as people read it: `tx "*IDN?\n"`, `rx 01 03 ff`. */
export function shown(direction: string, bytes: Uint8Array): string {
  const latin = Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString('latin1')
  const isText = /^[\x20-\x7e\r\n\t]*$/.test(latin)
  const hex = (): string =>
    Buffer.from(latin, 'latin1')
      .toString('hex')
      .replace(/..(?=.)/g, '$& ')
  const rest = bytes.length > SHOWN_BYTES ? ` … ${bytes.length} bytes` : ''
  return `${direction} ${isText ? JSON.stringify(latin) : hex()}${rest}`
}

/** Undefined when they are equal. */
export function firstDifference(left: Uint8Array, right: Uint8Array): number | undefined {
  const length = Math.min(left.length, right.length)
  for (let i = 0; i < length; i++) if (left[i] !== right[i]) return i
  return left.length === right.length ? undefined : length
}
