import { SystemClock } from '../core/clock.ts'
import { BenchError, isBenchError } from '../core/errors.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { JournalReader } from '../orchestrator/journal/reader.ts'
import { PUBLISHED_FIGURES } from '../orchestrator/ledger/published-figures.ts'
import type { CalibrationRecord, RunRecord } from '../orchestrator/journal/records.ts'
import type { RunEnergy } from '../orchestrator/ledger/energy.ts'
import { calibrationQuality } from './calibration-report.ts'
import { identityText } from './identity-text.ts'
import type { CommandContext } from './command-context.ts'
import type { Calibration } from './core-kind.ts'
import { energyTable, publishedTable, runEnergyText } from './energy-table.ts'
import type { StoredEnergy } from './energy-table.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import type { KernelsRecord } from './kernels-job.ts'
import { kernelsQuality } from './kernels-report.ts'
import { coresText } from './matmul-report.ts'
import { isSplit } from './split-job.ts'
import type { SplitRecord } from './split-job.ts'
import { sizeText } from './matmul-job.ts'
import type { MatmulArguments, MatmulRecord } from './matmul-job.ts'
import { measured, moment, seconds } from './numbers.ts'
import { ageText, DEFAULT_SEED } from './options.ts'
import type { ShowFlags } from './options.ts'
import type { RunOutcome } from './run-job.ts'
import type { ReportOrder, WrittenReport } from './report.ts'
import { writePictures } from './run-picture.ts'
import type { PictureFormat, Plot } from './run-picture.ts'
import { summarise } from './step-summary.ts'
import type { StepSummary } from './step-summary.ts'
import { textTable } from './text-table.ts'

/** `fringe show`: a run, or the chip of a twin. Throws: CALL_INVALID for neither, for both, and for what belongs to the other. */
export async function show(
  context: CommandContext,
  run: string | undefined,
  { journal, plot, format, report, follow, chip, core, seed }: ShowFlags,
): Promise<ExitCode> {
  if (format !== undefined && plot === undefined) {
    throw callInvalid('--format says what --plot writes: add --plot, or leave it out')
  }
  if (chip !== undefined) {
    if (run !== undefined) throw callInvalid(`--chip shows no run: leave out "${run}"`)
    if (plot !== undefined) throw callInvalid('--plot draws a run, and --chip shows none: leave out one of them')
    if (report !== undefined) throw callInvalid('--report tells of a run, and --chip shows none: leave out one of them')
    if (follow === true) throw callInvalid('--follow watches a run, and --chip shows none: leave out one of them')
    return (await import('./show-chip.ts')).showChip(context, chip, seed ?? DEFAULT_SEED, core)
  }
  if (run === undefined && follow !== true) {
    const folders = Object.entries({ plot, report }).filter(([, folder]) => typeof folder === 'string')
    const taken = folders
      .map(([option, folder]) => `; "${folder}" is the folder of --${option}, so write the run before it`)
      .join('')
    throw callInvalid(`say which run to show, or whose chip with --chip BENCH${taken}; see: fringe show --help`)
  }
  if (core !== undefined) throw callInvalid('--core chooses whose chip --chip BENCH shows; a run has its own')
  if (seed !== undefined) throw callInvalid('--seed chooses the chip that --chip BENCH shows; a run has its own')
  const pictures = plot === undefined ? undefined : { folder: plot, format: format ?? 'svg' }
  const wish = { pictures, report }
  if (follow !== true) return showRun(context, run!, journal, wish)
  context.output.progress.clear()
  const { followFile } = await import('./follow.ts')
  const ended = await followFile(journal, run ?? 'last', process.stderr)
  await showRun(context, ended.run.id, journal, wish)
  return ended.run.status === 'done' ? EXIT.done : EXIT.workFailed
}

const callInvalid = (message: string): BenchError => new BenchError('CALL_INVALID', message)

interface PlotWish {
  readonly folder: string | true
  readonly format: PictureFormat
}

/** One run, in the journal's own words. */
async function showRun(
  { output, signal }: CommandContext,
  name: string,
  journal: string,
  wish: { readonly pictures: PlotWish | undefined; readonly report: ShowFlags['report'] },
): Promise<ExitCode> {
  await using opened = await Journal.open(journal, { clock: new SystemClock(), mode: 'read' })
  const record = await opened.readRun(name)
  const steps = summarise(await opened.readSteps(record.id))
  const { heads } = await opened.readWires(record.id)
  const wires = [...heads].map(([wire, { records }]) => ({ wire, records }))
  const calibration = await calibrationOf(opened, record)
  const outcome = (record.result ?? {}) as Partial<RunOutcome>
  const plots = wish.pictures === undefined ? [] : await plotRun(opened, record, calibration, wish.pictures)
  const report = await reportOf(opened, record, calibration, { journal, wish: wish.report, signal })
  output.say(
    ...summaryText(record, outcome),
    ...qualityText(record),
    ...(isSplit(record) && record.status === 'done' ? coresText(record.result as SplitRecord) : []),
    ...(calibration === undefined ? [] : calibrationText(calibration)),
    ...instrumentsText(record, heads),
    ...stepsText(steps),
    ...(plots.length === 0 ? [] : ['', ...plots.map(({ file }) => `picture ${file}`)]),
    ...(report === null ? [] : ['', `report ${report.file}`]),
  )
  output.document({
    run: record.id,
    kind: record.kind,
    status: record.status,
    startedAt: new Date(record.startedMs).toISOString(),
    endedAt: record.endedMs === null ? null : new Date(record.endedMs).toISOString(),
    safe: outcome.safe ?? null,
    header: record.header,
    result: record.result,
    steps,
    wires,
    calibration: calibration === undefined ? null : calibrationDocument(calibration),
    published: record.kind === 'matmul' ? PUBLISHED_FIGURES : null,
    plots,
    report,
  })
  return EXIT.done
}

/** Pictures are drawn only when somebody asks for them: so is what draws them loaded. */
async function plotRun(
  journal: JournalReader,
  record: RunRecord,
  calibration: CalibrationRecord | undefined,
  { folder, format }: PlotWish,
): Promise<readonly Plot[]> {
  const { runPictures } = await import('./run-plots.ts')
  const pictures = await runPictures(journal, record, calibration)
  const into = { folder: folder === true ? `${record.id}-plots` : folder, option: '--plot' } as const
  return writePictures(pictures, into, format)
}

async function reportOf(
  journal: JournalReader,
  record: RunRecord,
  calibration: CalibrationRecord | undefined,
  { wish, ...order }: Omit<ReportOrder, 'wish'> & { readonly wish: ShowFlags['report'] },
): Promise<WrittenReport | null> {
  if (wish === undefined) return null
  const { writeReport } = await import('./report.ts')
  return writeReport(journal, record, calibration, { ...order, wish })
}

/** The one that a run made, or the one that it used. */
async function calibrationOf(
  journal: JournalReader,
  { kind, header, result }: RunRecord,
): Promise<CalibrationRecord | undefined> {
  const made = (result as { readonly calibration?: string } | null)?.calibration
  const id = kind === 'calibrate' ? made : header.calibrations[0]
  if (id === undefined) return undefined
  try {
    return await journal.readCalibration(id)
  } catch (error) {
    // Deleted since: the rest of the run is still worth seeing.
    if (isBenchError(error, 'CALIBRATION_MISSING')) return undefined
    throw error
  }
}

const SAFETY = new Map([
  [true, 'safe, read back'],
  [false, 'NOT KNOWN TO BE SAFE'],
])

function summaryText(record: RunRecord, { safe, seconds: took, error }: Partial<RunOutcome>): string[] {
  const { id, kind, status, startedMs, header } = record
  const versions = Object.entries(header.versions).map(([name, version]) => `${name} ${version}`)
  const engines = Object.entries(header.engines).map(([who, engine]) => `${who}: ${engine}`)
  const asked = header.arguments as Partial<MatmulArguments> & { readonly ageS?: number | null; readonly sim?: unknown }
  const old = (asked.ageS ?? 0) === 0 ? '' : `, ${ageText(asked.ageS ?? 0)} old`
  const chip = header.seed === null ? 'hardware' : `twin, chip ${header.seed}${old}`
  return [
    `run ${id}: ${kind}, ${status}`,
    `  started ${moment(startedMs)}${took === undefined ? '' : `, took ${seconds(took)}`}`,
    `  bench ${header.bench.path}${header.bench.core === undefined ? '' : `, core ${header.bench.core}`} (${header.bench.hash.slice(0, 12)}), ${chip}`,
    `  ${engines.join('; ')}`,
    `  ${versions.join(', ')}, commit ${header.commit?.slice(0, 12) ?? 'unknown'}`,
    ...(asked.a === undefined || asked.b === undefined
      ? []
      : [
          `  A ${asked.a.path} (${sizeText(asked.a)}), B ${asked.b.path} (${sizeText(asked.b)}), C ${asked.output ?? 'in the journal only'}`,
        ]),
    ...(asked.layer === undefined ? [] : [`  layer ${asked.layer}: "fringe energy" sums its runs`]),
    `  bench at the end: ${asked.sim === 'kernels' ? 'none was opened' : safe === undefined ? 'unknown, nobody was left to say' : (SAFETY.get(safe) ?? '')}`,
    ...(error === undefined ? [] : [`  error: ${error.code} ${error.message}`]),
  ]
}

function qualityText({ kind, result }: RunRecord): string[] {
  const record = (result ?? {}) as Partial<Omit<MatmulRecord, 'energy'> & { energy: StoredEnergy | RunEnergy }>
  const { effectiveBits, nrmse, frames, repeatedFrames, probeError, energy } = record
  if (energy === undefined) return []
  if ('idealised' in record) return kernelsQuality(record as unknown as KernelsRecord)
  if (kind !== 'matmul' || !('boundaries' in energy))
    return 'headings' in energy ? runEnergyText(energy as RunEnergy) : []
  const bits =
    effectiveBits === null || effectiveBits === undefined ? 'exact' : `${effectiveBits.toFixed(2)} effective bits`
  return [
    `quality: ${bits}, NRMSE ${measured(nrmse ?? null)}; ${frames} frames, ${repeatedFrames} repeated, probes off by ${measured(100 * (probeError ?? 0), 2)} %`,
    ...energyTable(energy),
    ...publishedTable(),
  ]
}

function calibrationText({ id, run, record }: CalibrationRecord): string[] {
  return [`calibration ${id}, made by run ${run}`, ...calibrationQuality(record as Calibration)]
}

function calibrationDocument({ id, chip, createdMs, run, record }: CalibrationRecord): object {
  const { fit, verification } = record as Calibration
  return { id, chip, createdAt: new Date(createdMs).toISOString(), run, fit, verification }
}

function instrumentsText({ header }: RunRecord, heads: ReadonlyMap<string, { readonly records: number }>): string[] {
  const rows = header.instruments.map(({ name, driver, resource, identity }) => [
    name,
    driver,
    resource,
    identityText(identity),
    String(heads.get(name)?.records ?? 0),
  ])
  const titles = [
    ...['instrument', 'driver', 'resource', 'answered as'].map((title) => ({ title })),
    { title: 'wire records', align: 'right' } as const,
  ]
  return ['', ...textTable(titles, rows)]
}

function stepsText(steps: readonly StepSummary[]): string[] {
  const rows = steps.map(({ step, name, startSeconds, seconds, inner }) => [
    String(step),
    inner === 0 ? name : `${name} (${inner} inside)`,
    startSeconds.toFixed(3),
    seconds === null ? '' : seconds.toFixed(3),
  ])
  const right = { align: 'right' } as const
  const titles = [
    { title: 'step', ...right },
    { title: 'what' },
    { title: 'at s', ...right },
    { title: 'took s', ...right },
  ]
  return ['', ...textTable(titles, rows)]
}
