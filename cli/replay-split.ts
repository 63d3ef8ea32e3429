import { BenchError } from '../core/errors.ts'
import { DenseArray } from '../orchestrator/arrays/dense-array.ts'
import { decodeArray } from '../orchestrator/arrays/npy.ts'
import { productParts } from '../orchestrator/jobs/product-parts.ts'
import type { JournalReader } from '../orchestrator/journal/reader.ts'
import type { RunRecord } from '../orchestrator/journal/records.ts'
import { sumAccounts } from '../orchestrator/ledger/sum-accounts.ts'
import { PAPER } from './matmul-job.ts'
import type { MatmulRecord } from './matmul-job.ts'
import { differenceOf, json } from './replay-log.ts'
import { firstDifference, firstElement, placeIn, replayRun, requireEnded } from './replay-run.ts'
import type { ReplayOptions, ReplayVerdict } from './replay-run.ts'
import { sealOf } from './run-job.ts'
import type { RunOutcome } from './run-job.ts'
import type { SplitArguments, SplitRecord } from './split-job.ts'

/**
 * The replay of a split job: that of each core's run, then their parts and their joules put together again.
 *
 * Throws: CALL_INVALID for one that failed: what its cores did are runs of their own.
 */
export async function replaySplit(
  journal: JournalReader,
  record: RunRecord,
  options: ReplayOptions,
): Promise<ReplayVerdict> {
  const { id, status, result, header } = record
  requireEnded(record)
  if (status !== 'done') {
    const why = `run ${id} was split over cores and ${status}: replay the runs of its cores, which "fringe runs" lists`
    throw new BenchError('CALL_INVALID', why, { context: { run: id } })
  }
  const { cores, product: was, energy } = result as SplitRecord
  const sum = { steps: 0, wires: 0, wireRecords: 0 }
  const verdict = { run: id, record }
  const { seal: sealed } = result as RunOutcome
  const seal = sealOf(header, result as RunOutcome)
  if (sealed !== seal) {
    const what = 'the header or the result of the run, which was changed'
    return { ...verdict, ...sum, divergence: differenceOf(id, undefined, what, sealed, seal) }
  }
  const energies = []
  const whole = new DenseArray('C', [...(was.leading ?? []), was.rows, was.columns], was.complex === true)
  const cut = productParts(whole.shape, (header.arguments as SplitArguments).command === 'convolve')
  for (const { core, run, part } of cores) {
    const one = await replayRun(journal, run, options)
    sum.steps += one.steps
    sum.wires += one.wires
    sum.wireRecords += one.wireRecords
    if (one.divergence !== undefined) return { ...verdict, ...sum, divergence: one.divergence }
    const did = (await journal.readRun(run)).result as MatmulRecord
    await cut.place(whole, decodeArray(await journal.readBlob(did.product.sha256), 'C'), part)
    energies.push({ core, energy: did.energy })
  }
  const expected = decodeArray(await journal.readBlob(was.sha256), 'C').data
  const at = firstElement(expected, whole.data)
  const divergence =
    at === undefined
      ? firstDifference(id, 'result.energy', energy, json({ ...sumAccounts(energies), reference: PAPER }))
      : differenceOf(id, undefined, `C[${placeIn(whole, at)}]`, expected[at], whole.data[at])
  return { ...verdict, ...sum, divergence }
}
