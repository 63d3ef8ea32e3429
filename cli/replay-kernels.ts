import { benchOfRun } from '../bench/bench-file.ts'
import { openProductTwin } from '../bench/product-twin.ts'
import { BenchError, isBenchError } from '../core/errors.ts'
import { DenseArray } from '../orchestrator/arrays/dense-array.ts'
import { decodeArray } from '../orchestrator/arrays/npy.ts'
import { noSink, productJob } from '../orchestrator/jobs/product-job.ts'
import type { JournalReader } from '../orchestrator/journal/reader.ts'
import type { RunRecord } from '../orchestrator/journal/records.ts'
import { kernelsProduct, kernelsRecord } from './kernels-job.ts'
import type { KernelsArguments, KernelsRecord } from './kernels-job.ts'
import { differenceOf, json, ReplayLog } from './replay-log.ts'
import {
  factorAgain,
  firstDifference,
  firstElement,
  isTampering,
  placeIn,
  requireEnded,
  tampering,
} from './replay-run.ts'
import type { ReplayOptions, ReplayVerdict } from './replay-run.ts'
import { sealOf } from './run-job.ts'
import type { RunOutcome } from './run-job.ts'

/** Whether kernels computed a run, so that it has no wires and is computed again. */
export const isByKernels = ({ kind, header }: RunRecord): boolean =>
  kind === 'matmul' && (header.arguments as { readonly sim?: unknown }).sim === 'kernels'

/**
 * A product of the kernels again, from its header and factors: steps, checks of blocks, C and account must be the same.
 *
 * Throws: CALL_INVALID for a run without a product, for factors that nobody kept, and for another engine than then, whose
 * last bits would differ.
 */
export async function replayKernels(
  journal: JournalReader,
  record: RunRecord,
  options: ReplayOptions,
): Promise<ReplayVerdict> {
  requireEnded(record)
  const verdict = { run: record.id, record, wires: 0, wireRecords: 0 }
  try {
    return { ...verdict, ...(await computedAgain(journal, record, options)) }
  } catch (error) {
    if (isBenchError(error, 'REPLAY_DIVERGED')) return { ...verdict, divergence: error, steps: 0 }
    if (isTampering(error)) return { ...verdict, divergence: tampering(record.id, error), steps: 0 }
    throw error
  }
}

async function computedAgain(
  journal: JournalReader,
  record: RunRecord,
  { signal, onEvent }: ReplayOptions,
): Promise<Pick<ReplayVerdict, 'divergence' | 'steps'>> {
  const { id, header } = record
  const outcome = (record.result ?? {}) as Partial<RunOutcome & KernelsRecord>
  const seal = sealOf(header, outcome)
  if (outcome.seal !== seal) {
    const what = 'the header or the result of the run, which was changed'
    return { divergence: differenceOf(id, undefined, what, outcome.seal, seal), steps: 0 }
  }
  if (outcome.stage === 'work') {
    const why = `run ${id} failed (${outcome.error?.message ?? 'no reason given'}) and has no product to compare with`
    throw new BenchError('CALL_INVALID', `${why}: repeat the job itself`)
  }
  const asked = header.arguments as KernelsArguments
  const file = benchOfRun(header.bench)
  const log = await ReplayLog.open(journal, id, () => false)
  await using core = openProductTwin(file, { seed: header.seed ?? 0, engine: asked.engine })
  const then = header.engines['twin'] ?? ''
  if (withoutThreads(core.engine) !== withoutThreads(then)) {
    throw new BenchError(
      'CALL_INVALID',
      `run ${id} was computed by ${then}, and here there is ${core.engine}: last bits would differ; replay it where it was made`,
    )
  }
  await using a = await factorAgain(journal, id, asked.a, signal)
  await using b = await factorAgain(journal, id, asked.b, signal)
  const { shape, isComplex } = productJob(a.array, b.array)
  const was = outcome.product
  // What the journal does not hold is compared by the checks of its blocks and by its range.
  const product = was === undefined || was.kept !== undefined ? undefined : new DenseArray('C', shape, isComplex)
  const again = await kernelsProduct(core, a, b, product ?? noSink, log, signal, onEvent)
  log.finish()
  if (log.difference !== undefined) return { divergence: log.difference, steps: log.steps }
  // A run that failed only when its result was stored has said nothing of it.
  const divergence =
    was === undefined ? undefined : await differenceIn(journal, id, outcome, kernelsRecord(again, was), product)
  return { divergence, steps: log.steps }
}

const withoutThreads = (engine: string): string => engine.replace(/, \d+ threads?$/, '')

async function differenceIn(
  journal: JournalReader,
  run: string,
  was: Partial<KernelsRecord>,
  now: KernelsRecord,
  product: DenseArray | undefined,
): Promise<BenchError | undefined> {
  if (product !== undefined) {
    const expected = decodeArray(await journal.readBlob(now.product.sha256), 'C').data
    const at = firstElement(expected, product.data)
    if (at !== undefined) {
      return differenceOf(run, undefined, `C[${placeIn(product, at)}]`, expected[at], product.data[at])
    }
  }
  const { engine: _, ...actual } = json(now) as KernelsRecord
  const same = Object.fromEntries(Object.keys(actual).map((key) => [key, was[key as keyof KernelsRecord]]))
  return firstDifference(run, 'result', same, actual)
}
