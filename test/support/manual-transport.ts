import { BenchError } from '../../core/errors.ts'
import type { ByteReceiver, ByteTransport } from '../../core/transport.ts'

export const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
export const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))

/** A wire whose far end is the test: it sees what is sent, and says what arrives and when time is up. */
export class ManualTransport implements ByteTransport {
  readonly resource = 'TEST::INSTR'
  /** One entry a write. */
  readonly sent: string[] = []
  resynchronised = 0
  closed = false
  /** Runs in a later microtask of each write, as bytes on any wire do. */
  onSent: (text: string) => void = () => undefined
  /** Set: what the next write or resynchronisation does instead of succeeding. */
  nextWrite: ((signal: AbortSignal) => Promise<void>) | undefined
  nextResynchronisation: ((signal: AbortSignal) => Promise<void>) | undefined
  #receiver: ByteReceiver | undefined

  connect(receiver: ByteReceiver): void {
    this.#receiver = receiver
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { nextWrite } = this
    this.nextWrite = undefined
    if (nextWrite !== undefined) return nextWrite(signal)
    const text = latin1(bytes)
    this.sent.push(text)
    queueMicrotask(() => this.onSent(text))
  }

  async resynchronise(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.resynchronised++
    const { nextResynchronisation } = this
    this.nextResynchronisation = undefined
    await nextResynchronisation?.(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true
  }

  arrive(text: string): void {
    this.#receiver?.onBytes(bytesOf(text))
  }

  /** What has arrived was a whole message. */
  end(): void {
    this.#receiver?.onEnd()
  }

  lose(): void {
    this.#receiver?.onLost(lost())
  }

  /** The deadline of the exchange under way is now. */
  timeIsUp(): void {
    this.#receiver?.onDeadline()
  }
}

export const lost = (): BenchError => new BenchError('TRANSPORT_LOST', 'TEST::INSTR: unplugged by the test')

/** Until everything that waits in microtasks and for the event loop has run. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
