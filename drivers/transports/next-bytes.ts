import type { WireTap } from '../../core/transport.ts'
import { aborted } from './session-errors.ts'
import { ABORTED, SILENCE } from './session-words.ts'

const SILENCE_TURNS = 4

/** Waits for whatever comes next on a wire, or for silence. */
export class NextBytes {
  readonly #resource: string
  readonly #tap: WireTap | undefined
  readonly #keepsTime: boolean
  #waiting: ((bytes: Uint8Array | undefined) => void) | undefined

  /** `keepsTime`: silence is counted here, and not told by `take`. */
  constructor(resource: string, tap: WireTap | undefined, keepsTime: boolean) {
    this.#resource = resource
    this.#tap = tap
    this.#keepsTime = keepsTime
  }

  get areAwaited(): boolean {
    return this.#waiting !== undefined
  }

  /** Undefined: silence. */
  take(bytes: Uint8Array | undefined): void {
    this.#waiting?.(bytes)
  }

  /** Resolves with the next bytes, or with undefined after `silenceMs` without any. */
  wait(silenceMs: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearInterval(timer)
        signal.removeEventListener('abort', onAbort)
        this.#waiting = undefined
      }
      const done = (bytes: Uint8Array | undefined): void => {
        if (bytes === undefined) this.#tap?.record('ctl', SILENCE)
        settle()
        resolve(bytes)
      }
      const onAbort = (): void => {
        this.#tap?.record('err', ABORTED)
        settle()
        reject(aborted(this.#resource, signal))
      }
      let quietTurns = 0
      // In turns of the event loop: after a long computation, bytes that wait in the kernel come first.
      const turn = (): void => {
        if (++quietTurns === SILENCE_TURNS) done(undefined)
      }
      const timer = this.#keepsTime ? setInterval(turn, silenceMs / SILENCE_TURNS) : undefined
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting = done
    })
  }
}
