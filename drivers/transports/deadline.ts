/** A timer this late was held up by this process itself, and so may be the reply. */
const LATE_MS = 20

/**
 * Calls `expired` after `timeoutMs` in which this process was able to listen: after a long computation the bytes that
 * wait in the kernel come before the verdict that there are none. Returns what stops it.
 */
export function startDeadline(timeoutMs: number, expired: () => void): () => void {
  let immediate: NodeJS.Immediate | undefined
  let timer: NodeJS.Timeout
  const wait = (waitMs: number): void => {
    const dueMs = performance.now() + waitMs
    timer = setTimeout(() => {
      if (performance.now() - dueMs > LATE_MS) wait(Math.min(waitMs, 10 * LATE_MS))
      else immediate = setImmediate(expired)
    }, waitMs)
  }
  wait(timeoutMs)
  return () => {
    clearTimeout(timer)
    clearImmediate(immediate)
  }
}
