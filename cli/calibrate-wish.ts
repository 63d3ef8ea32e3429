import type { BenchFile } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'
import { findCalibration } from './calibrate-job.ts'
import type { BenchChoice, CalibrationWish, StoredCalibration } from './calibrate-job.ts'
import { readsIntensity } from './core-limits.ts'
import { chipOf } from './far-side.ts'
import type { CalibrateFlags } from './options.ts'

export interface WatchTimes {
  readonly everyS: number
  readonly forS: number
}

/** Longer than any bench stands. */
const UNTIL_STOPPED_S = 1e9

/** Throws: CALL_INVALID for times that make no sense together, or for a core that cannot be followed. */
export function watchTimes(
  { file, twin }: Pick<BenchChoice, 'file' | 'twin'>,
  { watch: everyS, for: forS }: CalibrateFlags,
): WatchTimes | undefined {
  if (everyS === undefined) {
    if (forS === undefined) return undefined
    throw callInvalid('--for says how long to watch: add --watch')
  }
  if (!(everyS > 0)) throw callInvalid('--watch 0s would never do anything else: give a time like 15min')
  if (file.kind !== 'mesh' || readsIntensity(file)) {
    throw callInvalid(`--watch follows mesh cores read by balanced homodyne: leave it out ${placeText(file)}`)
  }
  if (forS !== undefined) return { everyS, forS }
  if (twin === undefined) return { everyS, forS: UNTIL_STOPPED_S }
  throw callInvalid('the time of a twin passes at once: say how long to watch, like --for 24h')
}

const placeText = ({ core }: BenchFile): string =>
  core === undefined ? 'on this bench' : `for core ${core}, and choose another with --core`

/** Throws: CALL_INVALID for what has no meaning where nothing but the last step is measured. */
export function requireVerificationAlone({ steps, budget, again, report, watch, for: forS }: CalibrateFlags): void {
  if (report !== undefined) {
    throw callInvalid('--verify-only makes no calibration, and --report tells of one: use "fringe show RUN --report"')
  }
  if (steps !== undefined || budget !== undefined || again === true) {
    throw callInvalid('--verify-only measures no step but the last: leave out --steps, --budget and --again')
  }
  if (watch === undefined && forS === undefined) return
  throw callInvalid('--verify-only looks once, and --watch again and again: leave out one of them')
}

/** The calibration to verify. Throws: CALIBRATION_MISSING; CALIBRATION_UNFIT as `findCalibration` does. */
export async function storedToVerify(choice: BenchChoice, wish: CalibrationWish): Promise<StoredCalibration> {
  const stored = await findCalibration(choice, wish)
  if (stored !== undefined) return stored
  const what = `${choice.journal} holds no calibration of ${choice.file.name} (${chipOf(choice.twin)})`
  throw new BenchError('CALIBRATION_MISSING', `${what}: there is nothing to verify. Leave out --verify-only`)
}

const callInvalid = (message: string): BenchError => new BenchError('CALL_INVALID', message)
