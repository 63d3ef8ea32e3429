import type { BenchError } from '../../core/errors.ts'
import type { ByteReceiver, ByteTransport } from '../../core/transport.ts'
import { TcpTransport } from './tcp.ts'

/**
 * HTTP, a connection a request: the reply to one request can never be taken for that to another, and no server that
 * hangs up on idle clients is met half-way.
 *
 * What the far end says until it closes is one message. A write is one whole request.
 * Throws: TRANSPORT_OPEN_FAILED when nobody listens, also from `write`; TRANSPORT_LOST when the far end closes without
 * an answer, or breaks off.
 */
export class HttpTransport implements ByteTransport {
  readonly resource: string
  readonly #tcp: TcpTransport
  #receiver: ByteReceiver | undefined
  /** Connected, and nothing was said yet. */
  #fresh = true
  #heard = false

  private constructor(resource: string, tcp: TcpTransport) {
    this.resource = resource
    this.#tcp = tcp
    tcp.connect({
      onBytes: (bytes) => {
        this.#heard = true
        this.#receiver?.onBytes(bytes)
      },
      onEnd: () => undefined,
      onLost: (error) => this.#onClosed(error),
      onDeadline: () => undefined,
    })
  }

  static async open(
    resource: string,
    { host, port }: { readonly host: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<HttpTransport> {
    return new HttpTransport(resource, await TcpTransport.open(resource, host, port, signal))
  }

  connect(receiver: ByteReceiver): void {
    this.#receiver = receiver
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    if (!this.#fresh) await this.resynchronise(signal)
    this.#fresh = false
    await this.#tcp.write(bytes, signal)
  }

  async resynchronise(signal: AbortSignal): Promise<void> {
    await this.#tcp.resynchronise(signal)
    this.#fresh = true
    this.#heard = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tcp[Symbol.asyncDispose]()
  }

  #onClosed(error: BenchError): void {
    // Before the request it is no loss: the next one has a connection of its own.
    if (this.#fresh) this.#fresh = false
    else if (this.#heard && error.context['reset'] !== true) this.#receiver?.onEnd()
    else this.#receiver?.onLost(error)
  }
}
