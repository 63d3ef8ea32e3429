import { BenchError } from '../core/errors.ts'

/** Ctrl-C, a service manager, a terminal that was closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * From now on nothing ends this process before its bench is safe: the first signal aborts what runs, later ones
 * only hear that it is being done. A fault that nobody caught aborts as well, with itself as the reason.
 */
export function listenForInterrupts(
  note: (line: string) => void,
  stopping = 'stopping, and making the bench safe',
): AbortSignal {
  const abort = new AbortController()
  for (const name of SIGNALS) {
    process.on(name, () => {
      if (abort.signal.aborted) return note(`${name} again: still making the bench safe, please wait`)
      note(`${name}: ${stopping}`)
      abort.abort(new BenchError('TRANSPORT_ABORTED', `stopped by ${name}`, { context: { signal: name } }))
    })
  }
  process.on('uncaughtException', (error) => {
    if (!abort.signal.aborted) abort.abort(error)
  })
  return abort.signal
}
