import { Observable } from 'rxjs'

/**
 * Pulls from `source` and hands each item to `work`, at most `credit` of them at a time; emits what `work` made, in
 * the order of the source.
 *
 * Rate: the source is asked for the next item only when a credit is free.
 * Backpressure: nothing queues but the results that wait for an earlier one, fewer than `credit`.
 * Errors: the first error of source or work ends the stream, after the work under way has settled.
 * Cold: each subscription calls `source` again. Unsubscribing aborts the signal and returns the source.
 */
export function creditWindow<T, R>(
  source: (signal: AbortSignal) => AsyncIterable<T>,
  credit: number,
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Observable<R> {
  return new Observable<R>((subscriber) => {
    const abort = new AbortController()
    const drain = async (): Promise<void> => {
      const underWay: Promise<R>[] = []
      const emitFirst = async (): Promise<void> => {
        const result = await underWay[0]!
        void underWay.shift()
        subscriber.next(result)
      }
      try {
        for await (const item of source(abort.signal)) {
          if (subscriber.closed) return
          const result = work(item, abort.signal)
          // Looked at when its turn comes; until then a failure must not count as unhandled.
          result.catch(() => undefined)
          underWay.push(result)
          if (underWay.length >= credit) await emitFirst()
        }
        while (underWay.length > 0) await emitFirst()
      } finally {
        await Promise.allSettled(underWay)
      }
    }
    drain().then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    )
    return () => abort.abort()
  })
}
