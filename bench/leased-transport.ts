import type { ByteReceiver, ByteTransport, MessageControls } from '../core/transport.ts'

/** A wire that is let go of when it closes, even if closing failed. */
export class LeasedTransport implements ByteTransport {
  readonly #inner: ByteTransport
  readonly #lease: AsyncDisposable
  readonly controls?: MessageControls
  readonly pull?: (timeoutMs: number) => void
  readonly inquire?: (bytes: Uint8Array, timeoutMs: number, signal: AbortSignal) => Promise<void>

  constructor(inner: ByteTransport, lease: AsyncDisposable) {
    this.#inner = inner
    this.#lease = lease
    if (inner.controls !== undefined) this.controls = inner.controls
    const [pull, inquire] = [inner.pull?.bind(inner), inner.inquire?.bind(inner)]
    if (pull !== undefined) this.pull = pull
    if (inquire !== undefined) this.inquire = inquire
  }

  get resource(): string {
    return this.#inner.resource
  }

  get keepsDeadlines(): boolean {
    return this.#inner.keepsDeadlines === true
  }

  connect(receiver: ByteReceiver): void {
    this.#inner.connect(receiver)
  }

  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#inner.write(bytes, signal)
  }

  resynchronise(signal: AbortSignal): Promise<void> {
    return this.#inner.resynchronise(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _lease = this.#lease
    await this.#inner[Symbol.asyncDispose]()
  }
}
