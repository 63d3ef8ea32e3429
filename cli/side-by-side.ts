import type { BenchFile } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'
import { leavesOf } from './explain-error.ts'

/**
 * Work on several cores at once; the first that fails stops the others.
 *
 * Throws, when all have come to their end, what went wrong; that the others were stopped is no news.
 */
export async function sideBySide<Core extends { readonly choice: { readonly file: BenchFile } }, Result>(
  cores: readonly Core[],
  signal: AbortSignal,
  work: (core: Core, signal: AbortSignal, index: number) => Promise<Result>,
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
