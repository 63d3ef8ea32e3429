import type { BenchError } from '../../core/errors.ts'
import type { ByteReceiver, ByteTransport } from '../../core/transport.ts'

/** What a fault does to one message on its way to the instrument: loses it, or answers in the instrument's place. */
export type Tampering = (request: Uint8Array) => 'pass' | 'lose' | Uint8Array

/** A wire that remembers what was sent, and on which a test can lose, forge and delay bytes. */
export class TamperedWire implements ByteTransport {
  readonly sent: Uint8Array[] = []
  readonly #inner: ByteTransport
  #tamper: Tampering = () => 'pass'
  #held: Uint8Array[] | undefined
  #receiver: ByteReceiver | undefined
  closed = false

  constructor(inner: ByteTransport) {
    this.#inner = inner
  }

  get resource(): string {
    return this.#inner.resource
  }

  /** From now on, until the next call. */
  tamper(tampering: Tampering): void {
    this.#tamper = tampering
  }

  /** Keeps replies back until `release`. */
  holdReplies(): void {
    this.#held = []
  }

  /** What was held arrives now, in a later microtask, as bytes on any wire do. */
  async release(): Promise<void> {
    const held = this.#held ?? []
    this.#held = undefined
    await Promise.resolve()
    for (const bytes of held) this.#receiver?.onBytes(bytes)
  }

  connect(receiver: ByteReceiver): void {
    this.#receiver = receiver
    this.#inner.connect({
      onBytes: (bytes) => {
        if (this.#held === undefined) receiver.onBytes(bytes)
        else this.#held.push(bytes)
      },
      onEnd: () => receiver.onEnd(),
      onLost: (error: BenchError) => receiver.onLost(error),
      onDeadline: () => receiver.onDeadline(),
    })
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.sent.push(bytes.slice())
    const fate = this.#tamper(bytes)
    if (fate === 'pass') return this.#inner.write(bytes, signal)
    if (fate !== 'lose') queueMicrotask(() => this.#receiver?.onBytes(fate))
  }

  resynchronise(signal: AbortSignal): Promise<void> {
    return this.#inner.resynchronise(signal)
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    this.closed = true
    return this.#inner[Symbol.asyncDispose]()
  }
}

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
