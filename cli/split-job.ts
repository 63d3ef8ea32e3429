import { AccuracySum, rangeOf } from '../core/accuracy.ts'
import { SystemClock } from '../core/clock.ts'
import { DenseArray, matrixShape } from '../orchestrator/arrays/dense-array.ts'
import type { Block } from '../orchestrator/arrays/dense-array.ts'
import { exactResult, productJob } from '../orchestrator/jobs/product-job.ts'
import { productParts } from '../orchestrator/jobs/product-parts.ts'
import type { ProductParts } from '../orchestrator/jobs/product-parts.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { RunHeader, RunRecord } from '../orchestrator/journal/records.ts'
import { sumAccounts } from '../orchestrator/ledger/sum-accounts.ts'
import { DEFAULT_SCALING } from '../orchestrator/numerics/choose-numerics.ts'
import { NumericsSum } from '../orchestrator/numerics/numerics-sum.ts'
import type { BenchChoice, StoredCalibration } from './calibrate-job.ts'
import type { JobContext, JobVoice } from './command-context.ts'
import { convolutionOn } from './convolution-on.ts'
import type { Strides } from './convolution-on.ts'
import { JobFailure, saysNotSafe } from './explain-error.ts'
import { hashOfCores } from './hash-of-cores.ts'
import { JournalClock } from './journal-clock.ts'
import { factorNote, jsonOf, keptBytesOf, matmulJob, PAPER, recordSha256, shapeNote } from './matmul-job.ts'
import type { MatmulArguments, MatmulDocument, MatmulRecord, MatmulRequest } from './matmul-job.ts'
import { openTarget } from './product-target.ts'
import { refinementOf } from './refinement-note.ts'
import { failRun, finisherOf, firstHeader } from './run-job.ts'
import { sideBySide } from './side-by-side.ts'

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
  /** How often it was looked at, and what calibration it leaves; null when nobody watched it, or nothing changed. */
  readonly looks: number | null
  readonly followedBy: string | null
}

/** What is asked of several cores; whether a core convolves by itself is its own matter. */
export interface SplitRequest extends Omit<MatmulRequest, 'convolution' | 'part' | 'partOf'> {
  /** Given: A is an image, and B its kernels. */
  readonly strides?: Strides | undefined
}

/** The header's `arguments` of the run that several cores did together. */
export interface SplitArguments extends Omit<MatmulArguments, 'calibrationSha256' | 'part' | 'partOf'> {
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
  request: SplitRequest,
): Promise<{ readonly document: SplitDocument; readonly product: DenseArray }> {
  const { a, b, output: cPath, dtype, memoryBytes, bits, scaling = DEFAULT_SCALING, layer } = request
  const { strides, watchS, refine } = request
  const startedMs = performance.now()
  const { file, twin, journal: path } = cores[0]!.choice
  // By patches, which is what every core's result is compared with.
  const convolution = strides && { ...strides, circulant: null }
  const job = productJob(a.array, b.array, convolution)
  const { shape, isComplex } = job
  await using target = await openTarget({
    ...{ shape, isComplex, path: cPath, numbers: dtype },
    keptBytes: keptBytesOf(memoryBytes),
  })
  const asked: SplitArguments = {
    command: convolution === undefined ? 'matmul' : 'convolve',
    ...(convolution && { convolution }),
    ...{ a: factorNote(a), b: factorNote(b), output: cPath ?? null },
    ...{
      watchS: watchS ?? null,
      ...(refine !== undefined && refine > 0 && { refine }),
      bits: bits ?? null,
      scaling,
      dtype,
      memoryBytes,
      ...(layer !== undefined && { layer }),
    },
    cores: cores.map(({ choice, stored, part }) => ({
      ...{ core: choice.file.core!, calibrationSha256: recordSha256(stored.calibration), part },
    })),
  }
  const calibrations = cores.map(({ stored }) => stored.id)
  const first = await firstHeader({ file, twin, calibrations, arguments: { ...asked } })
  const hash = hashOfCores(cores.map(({ choice }) => choice.file))
  // Instruments are those of the cores' own runs.
  const header: RunHeader = { ...first, bench: { path: file.path, text: file.text, hash }, instruments: [] }
  await using journal = await Journal.open(path, { clock: new JournalClock(new SystemClock()), mode: 'write' })
  const run = await journal.startRun({ kind: 'matmul', header })
  const finish = finisherOf(run, () => header)
  const seconds = (): number => (performance.now() - startedMs) / 1e3
  let stage: JobFailure['stage'] = 'work'
  try {
    output.progress.begin(convolution === undefined ? 'multiplying' : 'convolving')
    for (const { blob } of [a, b]) if (blob !== undefined) run.blob(blob)
    for (const core of asked.cores) run.step('core', core)
    const voices = voicesFor(output, cores.length)
    const each = { a, b, output: undefined, dtype: 'float64', memoryBytes, bits, scaling, watchS, refine } as const
    const parts = await sideBySide(cores, signal, (core, signal, index) =>
      matmulJob(
        { output: voices[index]!, signal },
        core.choice,
        { ...each, convolution: strides && convolutionOn(core.choice.file, strides), part: core.part, partOf: run.id },
        core.stored,
      ),
    )
    stage = 'keep'
    const whole = new DenseArray('C', shape, isComplex)
    const cut = productParts(shape, convolution !== undefined)
    for (const [index, { product }] of parts.entries()) await cut.place(whole, product!, cores[index]!.part)
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
      { whole, exact, kept, cut },
    )
    await finish('done', { ...record, safe: true, stage: 'done', seconds: seconds() })
    const document = { run: run.id, ...record, seconds: seconds(), layer: layer ?? null, output: cPath ?? null }
    return { document, product: whole }
  } catch (error) {
    return await failRun(run.id, finish, {
      ...{ why: error, isInterrupted: signal.aborted, safe: !saysNotSafe(error) },
      ...{ stage, seconds: seconds() },
    })
  }
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

/** What all cores together came to. */
async function splitRecord(
  cores: readonly CorePart[],
  documents: readonly MatmulDocument[],
  {
    whole,
    exact,
    kept,
    cut,
  }: { whole: DenseArray; exact: DenseArray; kept: MatmulRecord['product']; cut: ProductParts },
): Promise<SplitRecord> {
  const accuracy = new AccuracySum()
  for (let i = 0; i < exact.data.length; i++) accuracy.add(exact.data[i]!, whole.data[i]! - exact.data[i]!)
  const sum = (of: (document: MatmulDocument) => number): number =>
    documents.reduce((all, document) => all + of(document), 0)
  const foretold = new NumericsSum()
  for (const [index, { predictedBits, predictedBitsSigma, frames, numerics }] of documents.entries()) {
    const { scaling, predictedSeconds: benchSeconds, ...remedy } = numerics
    const { rows, columns, data } = await cut.cut(exact, cores[index]!.part)
    foretold.add(
      {
        scaling,
        remedy,
        predicted: { effectiveBits: predictedBits, bitsSigma: predictedBitsSigma, frames, benchSeconds },
      },
      { rows, columns, data },
    )
  }
  const { min, max } = rangeOf(exact.data)
  const { predicted } = foretold.of(max - min)
  const frames = sum((document) => document.frames)
  const energies = documents.map(({ energy }, index) => ({ core: cores[index]!.choice.file.core!, energy }))
  return jsonOf({
    product: kept,
    ...accuracy.accuracy,
    predictedBits: predicted.effectiveBits,
    predictedBitsSigma: predicted.bitsSigma,
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
    looks: documents[0]!.looks === null ? null : sum(({ looks }) => looks ?? 0),
    refinement: refinementOf(documents.flatMap(({ refinement }) => refinement ?? [])),
    energy: { ...sumAccounts(energies), reference: PAPER },
    cores: documents.map(({ run, calibration, effectiveBits, frames, energy, looks, followedBy }, index) => ({
      ...{ core: cores[index]!.choice.file.core!, run, calibration, part: cores[index]!.part },
      ...{ effectiveBits, frames, benchSeconds: energy.benchSeconds, looks, followedBy },
    })),
  })
}
