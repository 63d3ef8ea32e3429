import type { BenchError } from '../../core/errors.ts'
import type { ByteReceiver, ByteTransport, MessageControls, WireTap } from '../../core/transport.ts'

const text = new TextEncoder()
const LOST = text.encode('lost')
const END = text.encode('end')
const POLL = text.encode('poll')
const NO_STATUS = text.encode('no status')
const TRIGGER = text.encode('trigger')
const SERVICE_REQUEST = text.encode('service request')

/** A transport whose bytes all pass a tap, both ways, before any parser sees them. */
export class TappedTransport implements ByteTransport {
  readonly #inner: ByteTransport
  readonly #tap: WireTap
  readonly pull?: (timeoutMs: number) => void
  readonly controls?: MessageControls
  readonly inquire?: (bytes: Uint8Array, timeoutMs: number, signal: AbortSignal) => Promise<void>

  constructor(inner: ByteTransport, tap: WireTap) {
    this.#inner = inner
    this.#tap = tap
    if (inner.pull !== undefined) this.pull = (timeoutMs) => inner.pull?.(timeoutMs)
    if (inner.controls !== undefined) this.controls = tapped(inner.controls, tap)
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

function tapped(controls: MessageControls, tap: WireTap): MessageControls {
  return {
    readStatusByte: async (signal) => {
      tap.record('ctl', POLL)
      try {
        const statusByte = await controls.readStatusByte(signal)
        tap.record('ctl', text.encode(`status ${statusByte}`))
        return statusByte
      } catch (error) {
        tap.record('err', NO_STATUS)
        throw error
      }
    },
    trigger: (signal) => {
      tap.record('ctl', TRIGGER)
      return controls.trigger(signal)
    },
    onServiceRequest: (listener, signal) => {
      const heard = (): void => {
        tap.record('ctl', SERVICE_REQUEST)
        listener()
      }
      return controls.onServiceRequest(heard, signal)
    },
  }
}
