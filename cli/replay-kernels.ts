import { benchFromText } from '../bench/bench-file.ts'
import { openProductTwin } from '../bench/product-twin.ts'
import { BenchError, isBenchError } from '../core/errors.ts'
import { decodeNpy, encodeNpy, readNpy } from '../orchestrator/arrays/npy.ts'
import type { NpyArray } from '../orchestrator/arrays/npy.ts'
import type { JournalReader } from '../orchestrator/journal/reader.ts'
import type { RunRecord } from '../orchestrator/journal/records.ts'
import { kernelsProduct, kernelsRecord } from './kernels-job.ts'
import type { KernelsArguments, KernelsRecord } from './kernels-job.ts'
import type { MatrixNote } from './matmul-job.ts'
import { differenceOf, json, ReplayLog } from './replay-log.ts'
import { firstDifference, firstElement, requireEnded } from './replay-run.ts'
import type { ReplayOptions, ReplayVerdict } from './replay-run.ts'
import { sealOf, sha256 } from './run-job.ts'
import type { RunOutcome } from './run-job.ts'

/** Whether kernels computed a run, so that it has no wires and is computed again. */
export const isByKernels = ({ kind, header }: RunRecord): boolean =>
  kind === 'matmul' && (header.arguments as { readonly sim?: unknown }).sim === 'kernels'

/**
 * A product of the kernels again, from its header and factors: steps, checks of blocks, C and account must be the same.
 *
 * Throws: CALL_INVALID for a run without a product, and for another engine than then, whose last bits would differ;
 * ARRAY_FILE_INVALID for a factor that the journal does not hold and that is no longer in its file.
 */
export async function replayKernels(
  journal: JournalReader,
  record: RunRecord,
  options: ReplayOptions,
): Promise<ReplayVerdict> {
  requireEnded(record)
  return { run: record.id, record, wires: 0, wireRecords: 0, ...(await computedAgain(journal, record, options)) }
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
  const file = benchFromText(header.bench.text, header.bench.path)
  const log = await ReplayLog.open(journal, id, () => false)
  await using core = openProductTwin(file, { seed: header.seed ?? 0, engine: asked.engine })
  const was = header.engines['twin'] ?? ''
  if (withoutThreads(core.engine) !== withoutThreads(was)) {
    throw new BenchError(
      'CALL_INVALID',
      `run ${id} was computed by ${was}, and here there is ${core.engine}: last bits would differ; replay it where it was made`,
    )
  }
  const [a, b] = [await factorOf(journal, asked.a), await factorOf(journal, asked.b)]
  const { outcome: again, product } = await kernelsProduct(core, a, b, log, signal, onEvent)
  log.finish()
  const divergence =
    log.difference ?? (await differenceIn(journal, id, outcome, kernelsRecordOf(again, product), product))
  return { divergence, steps: log.steps }
}

const withoutThreads = (engine: string): string => engine.replace(/, \d+ threads?$/, '')

const kernelsRecordOf = (outcome: Parameters<typeof kernelsRecord>[0], product: NpyArray): KernelsRecord =>
  kernelsRecord(outcome, product, sha256(encodeNpy(product)))

async function differenceIn(
  journal: JournalReader,
  run: string,
  was: Partial<KernelsRecord>,
  now: KernelsRecord,
  { data, shape: [, columns] }: NpyArray,
): Promise<BenchError | undefined> {
  // A run that failed only when its result was stored has said nothing of it.
  if (was.product === undefined) return undefined
  const recorded = await journal.readBlob(was.product.sha256).catch(() => undefined)
  const before = recorded && decodeNpy(recorded, 'C').data
  const element = before && firstElement(before, data)
  if (element !== undefined) {
    const place = `C[${Math.floor(element / columns)}, ${element % columns}]`
    return differenceOf(run, undefined, place, before![element], data[element])
  }
  const { engine: _, ...same } = Object.fromEntries(
    Object.keys(now).map((key) => [key, was[key as keyof KernelsRecord]]),
  )
  const { engine: __, ...actual } = json(now) as KernelsRecord
  return firstDifference(run, 'result', same, actual)
}

/** As the journal keeps it, or as its file still has it. */
async function factorOf(journal: JournalReader, { path, sha256: expected }: MatrixNote): Promise<NpyArray> {
  try {
    return decodeNpy(await journal.readBlob(expected), path)
  } catch (error) {
    if (!isBenchError(error, 'JOURNAL_UNREADABLE')) throw error
  }
  const array = await readNpy(path)
  if (sha256(encodeNpy(array)) === expected) return array
  throw new BenchError(
    'ARRAY_FILE_INVALID',
    `${path} has changed since the run, and the journal does not keep so much`,
    {
      context: { file: path },
    },
  )
}
