import type { FaultScript } from './fault-script.ts'

/** Runs `action` after so many moments of whoever gives the time: waits that ended in vain, or milliseconds. */
export type Later = (moments: number, action: () => void) => void

const MOST_MOMENTS = 8

/** What one client is still to receive: bytes leave in order, and behind those that are held back. */
export class HeldReplies {
  readonly #send: (bytes: Uint8Array) => void
  readonly #later: Later
  readonly #queue: Uint8Array[] = []
  /** Held until: a moment that `later` knows, the next request, or the next reply. */
  #until: 'later' | 'request' | 'reply' | undefined
  #closed = false

  constructor(send: (bytes: Uint8Array) => void, later: Later) {
    this.#send = send
    this.#later = later
  }

  send(bytes: Uint8Array): void {
    if (this.#closed) return
    this.#queue.push(bytes)
    if (this.#until === undefined) this.release()
    else if (this.#until === 'reply') this.#releaseJoined()
  }

  /** Comes some moments later, or with the next request. */
  hold(bytes: Uint8Array, script: FaultScript): void {
    if (this.#closed) return
    this.#queue.push(bytes)
    const moments = script.draw(MOST_MOMENTS + 1)
    if (this.#until !== undefined) return
    this.#until = moments === 0 ? 'request' : 'later'
    if (moments > 0) this.#later(moments, () => this.release())
  }

  join(bytes: Uint8Array): void {
    if (this.#closed) return
    this.#queue.push(bytes)
    this.#until ??= 'reply'
  }

  onRequest(): void {
    if (this.#until === 'request') this.release()
  }

  release(): void {
    this.#until = undefined
    for (const bytes of this.#queue.splice(0)) this.#emit(bytes)
  }

  /** Nothing more arrives here. */
  close(): void {
    this.#closed = true
    this.#queue.length = 0
  }

  #releaseJoined(): void {
    this.#until = undefined
    this.#emit(Buffer.concat(this.#queue.splice(0)))
  }

  #emit(bytes: Uint8Array): void {
    if (!this.#closed && bytes.length > 0) this.#send(bytes)
  }
}
