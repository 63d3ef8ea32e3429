import { createHash } from 'node:crypto'
import { AccuracySum, rangeOf } from '../core/accuracy.ts'
import { SystemClock } from '../core/clock.ts'
import { BenchError } from '../core/errors.ts'
import { DenseArray, matrixShape } from '../orchestrator/arrays/dense-array.ts'
import type { Block } from '../orchestrator/arrays/dense-array.ts'
import { partOfArray } from '../orchestrator/arrays/part-of-array.ts'
import { exactResult, productJob } from '../orchestrator/jobs/product-job.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { RunHeader, RunRecord } from '../orchestrator/journal/records.ts'
import { sumAccounts } from '../orchestrator/ledger/sum-accounts.ts'
import { DEFAULT_SCALING } from '../orchestrator/numerics/choose-numerics.ts'
import { NumericsSum } from '../orchestrator/numerics/numerics-sum.ts'
import type { BenchChoice, StoredCalibration } from './calibrate-job.ts'
import type { JobContext, JobVoice } from './command-context.ts'
import { JobFailure, leavesOf, saysNotSafe } from './explain-error.ts'
import { JournalClock } from './journal-clock.ts'
import { factorNote, jsonOf, keptBytesOf, matmulJob, PAPER, recordSha256, shapeNote } from './matmul-job.ts'
import type { MatmulArguments, MatmulDocument, MatmulRecord, MatmulRequest } from './matmul-job.ts'
import { openTarget } from './product-target.ts'
import { failRun, finisherOf, firstHeader } from './run-job.ts'

/** One core of a split job, and the part of C that it computes. */
export interface CorePart {
  readonly choice: BenchChoice
  readonly stored: StoredCalibration
  readonly part: Block
}

/** What a core did for a split job. */
export interface CoreNote {
  readonly core: string
  /** Its run, with all its wires. */
  readonly run: string
  readonly calibration: string
  readonly part: Block
  readonly effectiveBits: number | null
  readonly frames: number
  /** On its own clock; cores run side by side. */
  readonly benchSeconds: number
}

/** The header's `arguments` of the run that several cores did together. */
export interface SplitArguments extends Omit<MatmulArguments, 'calibrationSha256' | 'part'> {
  readonly cores: readonly { readonly core: string; readonly calibrationSha256: string; readonly part: Block }[]
}

export interface SplitRecord extends MatmulRecord {
  readonly cores: readonly CoreNote[]
}

/** True for the run that holds what several cores did together. */
export const isSplit = ({ header: { arguments: asked } }: Pick<RunRecord, 'header'>): boolean =>
  (asked as Partial<SplitArguments>).cores !== undefined

/** What `fringe matmul --json` says of a split job. Documented by docs/schemas/matmul.schema.json. */
export interface SplitDocument extends SplitRecord {
  readonly run: string
  readonly seconds: number
  readonly layer: string | null
  readonly output: string | null
}

/**
 * Multiplies on several cores at once: each computes its part of C in a run of its own, on its own wires and clock, and
 * one more run holds the whole.
 *
 * C does not depend on who is done first: parts were cut before, and each core is as it would be alone.
 * Throws: JobFailure with what went wrong on any core; the others are then stopped, and made safe.
 */
export async function splitJob(
  { output, signal }: JobContext,
  cores: readonly CorePart[],
  { a, b, output: cPath, dtype, memoryBytes, bits, scaling = DEFAULT_SCALING, layer }: MatmulRequest,
): Promise<SplitDocument> {
  const startedMs = performance.now()
  const { file, twin, journal: path } = cores[0]!.choice
  const job = productJob(a.array, b.array)
  const { shape, isComplex } = job
  await using target = await openTarget({
    ...{ shape, isComplex, path: cPath, numbers: dtype },
    keptBytes: keptBytesOf(memoryBytes),
  })
  const asked: SplitArguments = {
    ...{ command: 'matmul', a: factorNote(a), b: factorNote(b), output: cPath ?? null },
    ...{ watchS: null, bits: bits ?? null, scaling, dtype, memoryBytes, ...(layer !== undefined && { layer }) },
    cores: cores.map(({ choice, stored, part }) => ({
      ...{ core: choice.file.core!, calibrationSha256: recordSha256(stored.calibration), part },
    })),
  }
  const calibrations = cores.map(({ stored }) => stored.id)
  const first = await firstHeader({ file, twin, calibrations, arguments: { ...asked } })
  const hash = createHash('sha256')
    .update(cores.map(({ choice }) => choice.file.hash).join(' '))
    .digest('hex')
  // Instruments are those of the cores' own runs.
  const header: RunHeader = { ...first, bench: { path: file.path, text: file.text, hash }, instruments: [] }
  await using journal = await Journal.open(path, { clock: new JournalClock(new SystemClock()), mode: 'write' })
  const run = await journal.startRun({ kind: 'matmul', header })
  const finish = finisherOf(run, () => header)
  const seconds = (): number => (performance.now() - startedMs) / 1e3
  let stage: JobFailure['stage'] = 'work'
  try {
    output.progress.begin('multiplying')
    for (const { blob } of [a, b]) if (blob !== undefined) run.blob(blob)
    for (const core of asked.cores) run.step('core', core)
    const voices = voicesFor(output, cores.length)
    const request = { a, b, output: undefined, dtype: 'float64', memoryBytes, bits, scaling } as const
    const parts = await sideBySide(cores, signal, (core, signal, index) =>
      matmulJob({ output: voices[index]!, signal }, core.choice, { ...request, part: core.part }, core.stored),
    )
    stage = 'keep'
    const whole = new DenseArray('C', shape, isComplex)
    for (const [index, { product }] of parts.entries()) await placePart(whole, product!, cores[index]!.part)
    const { matrices } = matrixShape(shape)
    const all = { firstRow: 0, ...matrixShape(shape), firstColumn: 0 }
    for (let matrix = 0; matrix < matrices; matrix++) {
      await target.sink.writeBlock(matrix, all, await whole.readBlock(matrix, all))
    }
    const exact = await exactResult(job)
    for (const factor of [a, b]) await factor.requireUnchanged()
    const kept = { ...shapeNote(shape, isComplex), ...(await target.keep(run)) }
    const record = await splitRecord(
      cores,
      parts.map(({ document }) => document),
      { whole, exact, kept },
    )
    await finish('done', { ...record, safe: true, stage: 'done', seconds: seconds() })
    return { run: run.id, ...record, seconds: seconds(), layer: layer ?? null, output: cPath ?? null }
  } catch (error) {
    return await failRun(run.id, finish, {
      ...{ why: error, isInterrupted: signal.aborted, safe: !saysNotSafe(error) },
      ...{ stage, seconds: seconds() },
    })
  }
}

/** All at once; the first that fails stops the others. Throws when all have come to their end. */
async function sideBySide<Result>(
  cores: readonly CorePart[],
  signal: AbortSignal,
  work: (core: CorePart, signal: AbortSignal, index: number) => Promise<Result>,
): Promise<readonly Result[]> {
  const others = new AbortController()
  const settled = await Promise.allSettled(
    cores.map(async (core, index) => {
      try {
        return await work(core, AbortSignal.any([signal, others.signal]), index)
      } catch (error) {
        const { core: name } = core.choice.file
        const why = `stopped, because core "${name!}" failed`
        others.abort(new BenchError('TRANSPORT_ABORTED', why, { context: { stoppedFor: name } }))
        throw error
      }
    }),
  )
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  if (failures.length === 0) return settled.map((one) => (one as PromiseFulfilledResult<Result>).value)
  // Why the others ended is no news, unless something of theirs is not safe.
  const causes = failures.flatMap(leavesOf)
  const news = causes.filter((cause) => !(cause instanceof BenchError && 'stoppedFor' in cause.context))
  throw news.length === 1 ? news[0] : new AggregateError(news, 'several cores failed')
}

/** Progress of several cores as that of one job. */
function voicesFor(voice: JobVoice, count: number): readonly JobVoice[] {
  const far = Array.from({ length: count }, () => ({ done: 0, total: 0 }))
  return far.map((mine) => ({
    progress: {
      begin: () => undefined,
      onEvent: (event) => {
        if (event.kind !== 'progress' || event.name !== 'multiply') return
        Object.assign(mine, { done: event.done, total: event.total })
        const sum = (key: 'done' | 'total'): number => far.reduce((all, each) => all + each[key], 0)
        voice.progress.onEvent({ ...event, done: sum('done'), total: sum('total') })
      },
    },
  }))
}

/** Puts one core's part of C where it belongs. */
export async function placePart(whole: DenseArray, product: DenseArray, part: Block): Promise<void> {
  const { rows, columns, matrices } = matrixShape(product.shape)
  const all = { firstRow: 0, rows, firstColumn: 0, columns }
  for (let matrix = 0; matrix < matrices; matrix++) {
    await whole.writeBlock(matrix, part, await product.readBlock(matrix, all))
  }
}

/** What all cores together came to. */
async function splitRecord(
  cores: readonly CorePart[],
  documents: readonly MatmulDocument[],
  { whole, exact, kept }: { whole: DenseArray; exact: DenseArray; kept: MatmulRecord['product'] },
): Promise<SplitRecord> {
  const accuracy = new AccuracySum()
  for (let i = 0; i < exact.data.length; i++) accuracy.add(exact.data[i]!, whole.data[i]! - exact.data[i]!)
  const sum = (of: (document: MatmulDocument) => number): number =>
    documents.reduce((all, document) => all + of(document), 0)
  const foretold = new NumericsSum()
  for (const [index, { predictedBits, frames, numerics }] of documents.entries()) {
    const { scaling, predictedSeconds: benchSeconds, ...remedy } = numerics
    const { rows, columns, data } = await blockOf(exact, cores[index]!.part)
    foretold.add(
      { scaling, remedy, predicted: { effectiveBits: predictedBits, frames, benchSeconds } },
      { rows, columns, data },
    )
  }
  const { min, max } = rangeOf(exact.data)
  const frames = sum((document) => document.frames)
  const energies = documents.map(({ energy }, index) => ({ core: cores[index]!.choice.file.core!, energy }))
  return jsonOf({
    product: kept,
    ...accuracy.accuracy,
    predictedBits: foretold.of(max - min).predicted.effectiveBits,
    numerics: {
      ...documents[0]!.numerics,
      predictedSeconds: Math.max(...documents.map(({ numerics }) => numerics.predictedSeconds)),
    },
    frames,
    repeatedFrames: sum((document) => document.repeatedFrames),
    dimmedFrames: sum((document) => document.dimmedFrames),
    // Every frame has as many probes.
    probeError: Math.sqrt(sum((document) => document.frames * document.probeError ** 2) / Math.max(1, frames)),
    panels: sum((document) => document.panels),
    looks: null,
    refinement: null,
    energy: { ...sumAccounts(energies), reference: PAPER },
    cores: documents.map(({ run, calibration, effectiveBits, frames, energy }, index) => ({
      ...{ core: cores[index]!.choice.file.core!, run, calibration, part: cores[index]!.part },
      ...{ effectiveBits, frames, benchSeconds: energy.benchSeconds },
    })),
  })
}

/** The same block of all matrices of an array, below each other. */
async function blockOf(array: DenseArray, part: Block): Promise<{ rows: number; columns: number; data: Float64Array }> {
  const { matrices } = matrixShape(array.shape)
  const { signal } = new AbortController()
  const cut = partOfArray(array, part)
  const all = { firstRow: 0, rows: part.rows, firstColumn: 0, columns: part.columns }
  const blocks = await Promise.all(Array.from({ length: matrices }, (_, matrix) => cut.readBlock(matrix, all, signal)))
  const columns = part.columns * (array.isComplex ? 2 : 1)
  const data = new Float64Array(matrices * part.rows * columns)
  for (const [matrix, block] of blocks.entries()) data.set(block, matrix * part.rows * columns)
  return { rows: matrices * part.rows, columns, data }
}
