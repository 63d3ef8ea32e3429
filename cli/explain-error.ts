import { BENCH_ERRORS, BenchError, isBenchError } from '../core/errors.ts'
import type { BenchErrorCode, Recovery } from '../core/errors.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'

/** A job that failed, and where: while its bench was opened, at work, or when its result was brought home. */
export class JobFailure extends Error {
  readonly run: string
  readonly stage: 'open' | 'work' | 'keep'

  constructor(run: string, stage: JobFailure['stage'], cause: unknown) {
    super(`run ${run} failed`, { cause })
    this.run = run
    this.stage = stage
  }
}

/** An error as the command line reports it. */
export interface Explained {
  readonly exitCode: ExitCode
  readonly code: BenchErrorCode | 'INTERNAL'
  /** One for each thing that went wrong. */
  readonly messages: readonly string[]
  readonly recovery: Recovery
  /** The run that failed, where there was one. */
  readonly run?: string
}

const EXIT_CODES: Readonly<Record<BenchErrorCode, ExitCode>> = {
  TRANSPORT_OPEN_FAILED: EXIT.notSafeOrNotReachable,
  TRANSPORT_TIMEOUT: EXIT.workFailed,
  TRANSPORT_LOST: EXIT.workFailed,
  TRANSPORT_ABORTED: EXIT.workFailed,
  TRANSPORT_LOCKED: EXIT.notSafeOrNotReachable,
  PROTOCOL_UNEXPECTED_REPLY: EXIT.workFailed,
  PROTOCOL_CHECKSUM: EXIT.workFailed,
  INSTRUMENT_WRONG_IDENTITY: EXIT.notSafeOrNotReachable,
  INSTRUMENT_REFUSED: EXIT.workFailed,
  INSTRUMENT_STATE_LOST: EXIT.workFailed,
  INSTRUMENT_NOT_SETTLED: EXIT.workFailed,
  RANGE_EXCEEDED: EXIT.workFailed,
  SHAPE_MISMATCH: EXIT.callWrong,
  BENCH_FILE_INVALID: EXIT.callWrong,
  ARRAY_FILE_INVALID: EXIT.callWrong,
  CALL_INVALID: EXIT.callWrong,
  CALIBRATION_MISSING: EXIT.callWrong,
  CALIBRATION_UNFIT: EXIT.callWrong,
  CALIBRATION_FAILED: EXIT.workFailed,
  QUALITY_OUT_OF_BOUNDS: EXIT.workFailed,
  SAFE_STATE_UNVERIFIED: EXIT.notSafeOrNotReachable,
  ENERGY_UNMEASURED: EXIT.workFailed,
  JOURNAL_UNREADABLE: EXIT.callWrong,
  JOURNAL_WRITE_FAILED: EXIT.workFailed,
  RUN_UNKNOWN: EXIT.callWrong,
  REPLAY_DIVERGED: EXIT.replayDiverged,
}

/** While a bench opens, whatever its instruments do wrong means that they cannot be reached; these do not. */
const NOT_THE_INSTRUMENTS: readonly BenchErrorCode[] = [
  'BENCH_FILE_INVALID',
  'TRANSPORT_ABORTED',
  'JOURNAL_WRITE_FAILED',
]

export function explainError(error: unknown): Explained {
  const failure = failureIn(error)
  const isUnsafe = ({ code }: Leaf): boolean => code === 'SAFE_STATE_UNVERIFIED'
  const all = leavesOf(error).map((leaf) => explainLeaf(leaf, failure?.stage))
  // What is not safe comes before what went wrong.
  const leaves = [...all.filter(isUnsafe), ...all.filter((leaf) => !isUnsafe(leaf))]
  const first = leaves.find(({ exitCode }) => exitCode === EXIT.notSafeOrNotReachable) ?? leaves[0]!
  const messages = [...new Set(leaves.map(({ message }) => message))]
  const { exitCode, code, recovery } = first
  return { exitCode, code, messages, recovery, ...(failure === undefined ? {} : { run: failure.run }) }
}

/** True when anything in it says that the bench may be lit or hot. */
export function saysNotSafe(error: unknown): boolean {
  return leavesOf(error).some((leaf) => isBenchError(leaf, 'SAFE_STATE_UNVERIFIED'))
}

interface Leaf {
  readonly exitCode: ExitCode
  readonly code: BenchErrorCode | 'INTERNAL'
  readonly message: string
  readonly recovery: Recovery
}

function explainLeaf(error: unknown, stage: JobFailure['stage'] | undefined): Leaf {
  if (!(error instanceof BenchError)) {
    const said = error instanceof Error ? error.message : String(error)
    const message = `${said} (a fault of Fringe itself; FRINGE_DEBUG=1 shows where)`
    return { exitCode: EXIT.workFailed, code: 'INTERNAL', message, recovery: 'stop' }
  }
  const { code, message } = error
  return { exitCode: exitCodeOf(error, stage), code, message, recovery: BENCH_ERRORS[code] }
}

function exitCodeOf({ code, context }: BenchError, stage: JobFailure['stage'] | undefined): ExitCode {
  const usual = EXIT_CODES[code]
  if (usual === EXIT.notSafeOrNotReachable) return usual
  if (stage === 'open' && !NOT_THE_INSTRUMENTS.includes(code)) return EXIT.notSafeOrNotReachable
  // The call was looked at before the bench was opened: what is found wrong with it now is no fault of the caller.
  if ((stage === 'work' || stage === 'keep') && usual === EXIT.callWrong) return EXIT.workFailed
  const badJournalPath = ['SQLITE_CANTOPEN', 'SQLITE_READONLY'].includes(String(context['sqlite']))
  return code === 'JOURNAL_WRITE_FAILED' && stage === undefined && badJournalPath ? EXIT.callWrong : usual
}

/** The single errors in an error of several. */
export function leavesOf(error: unknown): readonly unknown[] {
  if (error instanceof JobFailure) return leavesOf(error.cause)
  const parts = partsOf(error)
  return parts.length === 0 ? [error] : parts.flatMap(leavesOf)
}

function failureIn(error: unknown): JobFailure | undefined {
  if (error instanceof JobFailure) return error
  for (const part of partsOf(error)) {
    const failure = failureIn(part)
    if (failure !== undefined) return failure
  }
  return undefined
}

function partsOf(error: unknown): readonly unknown[] {
  if (error instanceof AggregateError) return error.errors
  // A clean-up that failed after an error: `await using` brings both, the later one first.
  const isBoth = error instanceof Error && 'suppressed' in error && 'error' in error
  return isBoth ? [error.suppressed, error.error] : []
}
