import type { CalibrateDocument, BenchChoice, StoredCalibration } from './calibrate-job.ts'
import type { CommandContext } from './command-context.ts'
import { verificationPlanOf } from './core-kind.ts'
import type { AnyVerificationResult } from './core-kind.ts'
import { recordSha256 } from './matmul-job.ts'
import { runJob } from './run-job.ts'
import { withEnergy } from '../orchestrator/ledger/accounted-plan.ts'
import type { Accounted } from '../orchestrator/ledger/accounted-plan.ts'

/** What a run's header says of a verification, for a replay. */
export interface VerifyArguments {
  readonly command: 'verify'
  readonly calibrationSha256: string
}

/** Measures what a calibration is worth now, as a run of its own; the calibration stays as it was. */
export async function verifyJob(
  { output, signal }: CommandContext,
  { file, twin, journal }: BenchChoice,
  { id, calibration }: StoredCalibration,
): Promise<CalibrateDocument> {
  const asked: VerifyArguments = { command: 'verify', calibrationSha256: recordSha256(calibration) }
  output.progress.begin('verifying')
  const { run, result, seconds } = await runJob<AnyVerificationResult & Accounted>({
    ...{ kind: 'verify', file, twin, journal, signal },
    calibrations: [id],
    arguments: { ...asked },
    inputs: [],
    plan: (bench, run) => withEnergy(bench, run, verificationPlanOf(bench, calibration)),
    keep: ({ verification, vectors, energy }) => Promise.resolve({ verification, vectors, energy }),
    onEvent: (event) => output.progress.onEvent(event),
  })
  return { run, calibration: id, ...result, seconds, fit: calibration.fit }
}
