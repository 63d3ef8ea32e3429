import type { BenchError } from '../../core/errors.ts'
import type { ByteReceiver, ByteTransport, WireTap } from '../../core/transport.ts'

const text = new TextEncoder()
const LOST = text.encode('lost')
const END = text.encode('end')

/** A transport whose bytes all pass a tap, both ways, before any parser sees them. */
export class TappedTransport implements ByteTransport {
  readonly #inner: ByteTransport
  readonly #tap: WireTap
  readonly pull?: (timeoutMs: number) => void
  readonly inquire?: (bytes: Uint8Array, timeoutMs: number, signal: AbortSignal) => Promise<void>

  constructor(inner: ByteTransport, tap: WireTap) {
    this.#inner = inner
    this.#tap = tap
    if (inner.pull !== undefined) this.pull = (timeoutMs) => inner.pull?.(timeoutMs)
    const inquire = inner.inquire?.bind(inner)
    if (inquire === undefined) return
    this.inquire = (bytes, timeoutMs, signal) => {
      tap.record('tx', bytes)
      return inquire(bytes, timeoutMs, signal)
    }
  }

  get resource(): string {
    return this.#inner.resource
  }

  connect(receiver: ByteReceiver): void {
    this.#inner.connect({
      onBytes: (bytes) => {
        this.#tap.record('rx', bytes)
        receiver.onBytes(bytes)
      },
      onEnd: () => {
        this.#tap.record('ctl', END)
        receiver.onEnd()
      },
      onLost: (error: BenchError) => {
        this.#tap.record('err', LOST)
        receiver.onLost(error)
      },
      onDeadline: () => receiver.onDeadline(),
    })
  }

  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    this.#tap.record('tx', bytes)
    return this.#inner.write(bytes, signal)
  }

  resynchronise(signal: AbortSignal): Promise<void> {
    return this.#inner.resynchronise(signal)
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#inner[Symbol.asyncDispose]()
  }
}
