import { access, constants, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { benchOfRun, requireKind } from '../bench/bench-file.ts'
import type { BenchFile } from '../bench/bench-file.ts'
import type { Verification } from '../calibration/calibration-record.ts'
import { SystemClock } from '../core/clock.ts'
import { BenchError } from '../core/errors.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { JournalReader } from '../orchestrator/journal/reader.ts'
import type { CalibrationRecord, RunRecord } from '../orchestrator/journal/records.ts'
import type { CalibrateArguments, CalibrateDocument } from './calibrate-job.ts'
import { estimateFor } from './calibration-plan-text.ts'
import { readsIntensity } from './core-limits.ts'
import { knownCalibration } from './core-kind.ts'
import type { Calibration } from './core-kind.ts'
import { packageVersion } from './package-info.ts'
import { awgrFindings } from './report-awgr.ts'
import type { Findings } from './report-findings.ts'
import { intensityFindings } from './report-intensity.ts'
import { detectorSections, laneSections, LIGHT_STEPS } from './report-light.ts'
import type { ReportSection } from './report-light.ts'
import { meshFindings } from './report-mesh.ts'
import { reportPage } from './report-page.ts'
import { makeFolder, writePictures, writing } from './run-picture.ts'
import type { Plot } from './run-picture.ts'
import { runPictures } from './run-plots.ts'
import { isIntensityRecord, isMeshRecord, readFindings } from './step-findings.ts'
import { oracleVerification } from './twin-oracle.ts'

/** True: a folder that is named after the run. */
export type ReportFolder = string | true

/** The files of a report that was written. */
export interface WrittenReport {
  readonly file: string
  readonly pictures: readonly Plot[]
}

export interface ReportOrder {
  /** As the user names it. */
  readonly journal: string
  readonly wish: ReportFolder
  readonly signal: AbortSignal
}

/** Before hours of work: whether a report will find a place. Throws: CALL_INVALID. Leaves: the folder made. */
export async function prepareReport(wish: ReportFolder): Promise<void> {
  const folder = wish === true ? '.' : wish
  await writing({ folder, option: '--report' }, async () => {
    await makeFolder(folder)
    await readdir(folder)
    await access(folder, constants.W_OK)
  })
}

/** The report of a calibration that has just been made. */
export async function reportCalibration(
  { run, calibration }: CalibrateDocument,
  journal: string,
  wish: ReportFolder,
  signal: AbortSignal,
): Promise<WrittenReport> {
  await using opened = await Journal.open(journal, { clock: new SystemClock(), mode: 'read' })
  return await writeReport(opened, await opened.readRun(run), await opened.readCalibration(calibration), {
    ...{ journal, wish, signal },
  })
}

/**
 * Writes report.md and its pictures as PNG; files of the same names are replaced, nothing else is touched.
 *
 * Throws: CALL_INVALID for a run that made no calibration, and when the folder cannot be written to.
 */
export async function writeReport(
  reader: JournalReader,
  run: RunRecord,
  stored: CalibrationRecord | undefined,
  { journal, wish, signal }: ReportOrder,
): Promise<WrittenReport> {
  const calibration = requireMade(run, stored)
  const into = { folder: wish === true ? `${run.id}-report` : wish, option: '--report' } as const
  const pictures = await runPictures(reader, run, stored)
  const file = benchOfRun(run.header.bench)
  const { budget } = run.header.arguments as CalibrateArguments
  // What an AWGR core plays depends on what it finds, and so do some steps of a mesh read by intensity.
  const depending = readsIntensity(file) ? ['columns', 'settings'] : []
  const steps = file.kind === 'mesh' ? estimateFor(file, budget ?? undefined).steps : []
  const page = reportPage({
    ...{ run, pictures, journal, calibration, bench: file.name },
    steps: await reader.readSteps(run.id),
    vectors: new Map(steps.filter(({ name }) => !depending.includes(name)).map(({ name, vectors }) => [name, vectors])),
    findings: findingsOf(calibration.record),
    more: await moreOf(reader, run, calibration.record),
    oracle: await oracleOf(file, run, calibration.record, signal),
  })
  const plots = await writePictures(pictures, into, 'png')
  const report = join(into.folder, 'report.md')
  await writing(into, () => writeFile(report, page))
  return { file: report, pictures: plots }
}

/**
 * Undefined where nobody knows the truth, or no model of it: hardware, other cores, twins of other versions, which may be
 * other chips.
 */
async function oracleOf(
  file: BenchFile,
  { header: { seed, versions, arguments: asked } }: RunRecord,
  record: Calibration,
  signal: AbortSignal,
): Promise<Verification | undefined> {
  const isKnown = seed !== null && versions['fringe'] === packageVersion()
  if (!isKnown || file.kind !== 'mesh' || !isMeshRecord(record)) return undefined
  const { ageS } = asked as { readonly ageS: number | null }
  return await oracleVerification(file, { seed, ageS: ageS ?? 0 }, record, signal)
}

function findingsOf(record: Calibration): Findings {
  if (isMeshRecord(record)) return meshFindings(record)
  return isIntensityRecord(record) ? intensityFindings(record) : awgrFindings(record)
}

/** What steps found beside the record. */
async function moreOf(reader: JournalReader, run: RunRecord, record: Calibration): Promise<readonly ReportSection[]> {
  const findings = await readFindings(reader, run, LIGHT_STEPS)
  const lanes = laneSections(findings)
  if (!isMeshRecord(record)) return lanes
  return [...detectorSections(findings, record, requireKind(benchOfRun(run.header.bench), 'mesh')), ...lanes]
}

function requireMade(
  { id, kind, status }: RunRecord,
  stored: CalibrationRecord | undefined,
): Omit<CalibrationRecord, 'record'> & { readonly record: Calibration } {
  const refused = (why: string): BenchError => new BenchError('CALL_INVALID', why, { context: { run: id } })
  if (kind !== 'calibrate') {
    const used = stored === undefined ? '' : `; the calibration that it used was made by run ${stored.run}: report that`
    throw refused(`run ${id} (${kind}) made no calibration, so there is nothing to report${used}`)
  }
  if (stored === undefined) throw refused(`run ${id} (${status}) has made no calibration: there is nothing to report`)
  const record = knownCalibration(stored.record)
  if (record === undefined) throw refused(`${stored.id} was made by another version of Fringe: calibrate again`)
  return { ...stored, record }
}
