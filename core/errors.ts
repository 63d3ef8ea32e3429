/** Every failure Fringe reports, and what may be done about it without a person. */
export const BENCH_ERRORS = {
  TRANSPORT_OPEN_FAILED: 'call-operator',
  TRANSPORT_TIMEOUT: 'retry',
  TRANSPORT_LOST: 'reconnect',
  TRANSPORT_ABORTED: 'stop',
  TRANSPORT_LOCKED: 'call-operator',
  PROTOCOL_UNEXPECTED_REPLY: 'stop',
  PROTOCOL_CHECKSUM: 'retry',
  INSTRUMENT_WRONG_IDENTITY: 'call-operator',
  INSTRUMENT_REFUSED: 'stop',
  INSTRUMENT_STATE_LOST: 'stop',
  INSTRUMENT_NOT_SETTLED: 'retry',
  RANGE_EXCEEDED: 'fix-caller',
  SHAPE_MISMATCH: 'fix-caller',
  BENCH_FILE_INVALID: 'fix-caller',
  ARRAY_FILE_INVALID: 'fix-caller',
  CALL_INVALID: 'fix-caller',
  CALIBRATION_MISSING: 'fix-caller',
  CALIBRATION_UNFIT: 'fix-caller',
  CALIBRATION_FAILED: 'call-operator',
  QUALITY_OUT_OF_BOUNDS: 'call-operator',
  SAFE_STATE_UNVERIFIED: 'call-operator',
  ENERGY_UNMEASURED: 'call-operator',
  JOURNAL_UNREADABLE: 'call-operator',
  JOURNAL_WRITE_FAILED: 'call-operator',
  RUN_UNKNOWN: 'fix-caller',
  REPLAY_DIVERGED: 'stop',
} as const

export type BenchErrorCode = keyof typeof BENCH_ERRORS
export type Recovery = (typeof BENCH_ERRORS)[BenchErrorCode]

export interface BenchErrorOptions extends ErrorOptions {
  readonly context?: Readonly<Record<string, unknown>>
}

/**
 * A fault, with a code that programs read and a message that people read.
 *
 * `context` carries what was seen: device, raw reply, value, range, file, line.
 */
export class BenchError extends Error {
  override readonly name = 'BenchError'
  readonly code: BenchErrorCode
  readonly context: Readonly<Record<string, unknown>>

  constructor(code: BenchErrorCode, message: string, options: BenchErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.context = options.context ?? {}
  }

  get recovery(): Recovery {
    return BENCH_ERRORS[this.code]
  }
}

export function isBenchError(error: unknown, ...codes: readonly BenchErrorCode[]): error is BenchError {
  return error instanceof BenchError && (codes.length === 0 || codes.includes(error.code))
}
