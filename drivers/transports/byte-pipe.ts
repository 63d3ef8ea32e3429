import { BenchError } from '../../core/errors.ts'
import type { ByteReceiver, ByteTransport } from '../../core/transport.ts'

/** The far end of a pipe: takes a sender, and what ends the connection from there; returns where to put bytes. */
export type PipeEnd = (
  send: (bytes: Uint8Array) => void,
  hangUp: () => void,
) => {
  receive(bytes: Uint8Array): void
  detach(): void
}

/**
 * A wire inside this process: the same bytes as on a real one, without a kernel between.
 *
 * Bytes are handed over in a later microtask, never inside `write`, as on any other wire.
 */
export class BytePipe implements ByteTransport {
  readonly resource: string
  readonly #attach: PipeEnd
  #far: ReturnType<PipeEnd> | undefined
  #receiver: ByteReceiver | undefined
  #hungUp = false

  constructor(resource: string, attach: PipeEnd) {
    this.resource = resource
    this.#attach = attach
  }

  connect(receiver: ByteReceiver): void {
    this.#receiver = receiver
    this.#open()
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const far = this.#far
    if (this.#hungUp) throw lost(this.resource)
    const copy = new Uint8Array(bytes)
    queueMicrotask(() => {
      if (far === this.#far) far?.receive(copy)
    })
  }

  async resynchronise(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await this[Symbol.asyncDispose]()
    this.#open()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#far?.detach()
    this.#far = undefined
  }

  #open(): void {
    // What an earlier connection still sends is dropped, like the bytes of a closed socket.
    const later = (act: () => void): void => {
      queueMicrotask(() => {
        if (far === this.#far) act()
      })
    }
    const far = this.#attach(
      (bytes) => {
        const copy = new Uint8Array(bytes)
        later(() => this.#receiver?.onBytes(copy))
      },
      () => later(() => this.#lose()),
    )
    this.#far = far
    this.#hungUp = false
  }

  #lose(): void {
    this.#far?.detach()
    this.#far = undefined
    this.#hungUp = true
    this.#receiver?.onLost(lost(this.resource))
  }
}

function lost(resource: string): BenchError {
  return new BenchError('TRANSPORT_LOST', `${resource}: the far end hung up`, { context: { resource } })
}
