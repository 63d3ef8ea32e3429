import type { ByteReceiver, ByteTransport } from '../../core/transport.ts'
import { isMessageInstrument } from '../../sim/ports/message-instrument.ts'
import type { MessageSession } from '../../sim/ports/message-instrument.ts'
import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'

const NL = 0x0a

/**
 * A message-based wire without a carrier: the far end speaks when it is asked to, and every message has an end.
 *
 * `bare`: answers come without the line end that some instruments leave out, so that nothing but the mark ends them.
 */
export class MessageWire implements ByteTransport {
  readonly resource = 'message wire'
  /** One entry a message. */
  readonly sent: Uint8Array[] = []
  readonly #session: MessageSession
  readonly #piece: number
  readonly #bare: boolean
  #receiver: ByteReceiver | undefined
  #pulled = false

  constructor(instrument: WireInstrument, { piece = 7, bare = false } = {}) {
    if (!isMessageInstrument(instrument)) throw new Error('this instrument holds no conversations')
    this.#piece = piece
    this.#bare = bare
    this.#session = instrument.open({
      onAnswer: () => this.#deliver(),
      onInterrupted: () => undefined,
      onServiceRequest: () => undefined,
    })
  }

  connect(receiver: ByteReceiver): void {
    this.#receiver = receiver
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.sent.push(bytes.slice())
    this.#session.receive(bytes.slice(), true)
  }

  pull(): void {
    this.#pulled = true
    this.#deliver()
  }

  async resynchronise(): Promise<void> {
    this.#session.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.close()
  }

  #deliver(): void {
    if (!this.#pulled) return
    for (;;) {
      const part = this.#session.read(this.#piece)
      if (part === undefined) return
      const bare = this.#bare && part.end && part.bytes.at(-1) === NL
      const bytes = (bare ? part.bytes.subarray(0, -1) : part.bytes).slice()
      if (part.end) this.#pulled = false
      queueMicrotask(() => {
        if (bytes.length > 0) this.#receiver?.onBytes(bytes)
        if (part.end) this.#receiver?.onEnd()
      })
      if (part.end) return
    }
  }
}
