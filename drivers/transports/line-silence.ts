import { BenchError } from '../../core/errors.ts'

/** Two characters at 1200 baud, and more than the 16 ms that USB adapters hold bytes back. */
const SILENCE_MS = 20
/** Silence is counted in turns of the event loop: after a long computation, what waits in the kernel comes first. */
const SILENCE_TURNS = 5
/** Longest wait for that silence. */
const SILENCE_LIMIT_MS = 1000

/** Resolves after about `SILENCE_MS` without a call of the listener that it hands out. */
export function silence(resource: string, signal: AbortSignal, handOut: (listener: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      clearInterval(quiet)
      clearTimeout(limit)
      signal.removeEventListener('abort', onAbort)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onAbort = (): void => settle(signal.reason as Error)
    const babble = `${resource}: the line is not silent for ${SILENCE_MS} ms within ${SILENCE_LIMIT_MS} ms`
    let quietTurns = 0
    const quiet = setInterval(() => {
      if (++quietTurns === SILENCE_TURNS) settle()
    }, SILENCE_MS / SILENCE_TURNS)
    const limit = setTimeout(
      () => settle(new BenchError('TRANSPORT_TIMEOUT', babble, { context: { resource } })),
      SILENCE_LIMIT_MS,
    )
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    handOut(() => (quietTurns = 0))
  })
}
