import type { AwgrCalibration } from '../calibration/awgr/awgr-record.ts'
import type { IntensityCalibration } from '../calibration/intensity/intensity-record.ts'
import type { MeshCalibration } from '../calibration/calibration-record.ts'
import type { Calibration } from './core-kind.ts'
import type { JournalReader } from '../orchestrator/journal/reader.ts'
import type { RunRecord } from '../orchestrator/journal/records.ts'
import { readResults, resultsOf } from '../orchestrator/journal/step-journal.ts'

/** What the steps of a calibration found, by their names. */
export interface StepFindings {
  /** Undefined where the run has not come so far, or is of a time before steps kept what they found. */
  readonly of: (step: string) => unknown
}

export const NO_FINDINGS: StepFindings = { of: () => undefined }

/** Throws: JOURNAL_UNREADABLE for findings that are gone or were changed. */
export async function readFindings(
  journal: JournalReader,
  { id, kind }: RunRecord,
  steps: readonly string[],
): Promise<StepFindings> {
  if (kind !== 'calibrate') return NO_FINDINGS
  const known = resultsOf(id, await journal.readSteps(id)).filter(({ of }) => steps.includes(of))
  const results = await readResults(journal, known)
  return { of: (step) => results.get(step)?.value }
}

export const isMeshRecord = (record: Calibration | undefined): record is MeshCalibration =>
  record?.schema === 'fringe-mesh-calibration-1'

export const isAwgrRecord = (record: Calibration | undefined): record is AwgrCalibration =>
  record?.schema === 'fringe-awgr-calibration-1'

export const isIntensityRecord = (record: Calibration | undefined): record is IntensityCalibration =>
  record?.schema === 'fringe-intensity-calibration-1'
