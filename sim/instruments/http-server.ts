import type { WireConnection, WireInstrument } from '../ports/wire-instrument.ts'
import { HttpCallReader, httpAnswerBytes } from '../protocols/http.ts'
import type { HttpAnswer, HttpCall } from '../protocols/http.ts'

/**
 * A simulated instrument that speaks HTTP, behind a pipe as behind a socket: each connection is answered in order.
 *
 * Every answer has a length, so that a client needs no end of the connection to know where it ends.
 */
export class HttpServer implements WireInstrument {
  readonly #answer: (call: HttpCall, signal: AbortSignal) => Promise<HttpAnswer>

  constructor(answer: (call: HttpCall, signal: AbortSignal) => Promise<HttpAnswer>) {
    this.#answer = answer
  }

  attach(send: (bytes: Uint8Array) => void): WireConnection {
    const reader = new HttpCallReader()
    const gone = new AbortController()
    const reply = (answer: HttpAnswer): void => {
      if (!gone.signal.aborted) send(httpAnswerBytes(answer))
    }
    let last = Promise.resolve()
    const serve = async (call: HttpCall | 400 | 411 | 413): Promise<void> =>
      reply(
        typeof call === 'number'
          ? { status: call, type: 'text/plain', body: '' }
          : await this.#answer(call, gone.signal),
      )
    return {
      receive: (bytes) => {
        reader.push(bytes)
        for (let call = reader.next(); call !== undefined; call = reader.next()) {
          const next = call
          // A client that leaves takes its question along.
          last = last.then(() => serve(next)).catch(() => undefined)
        }
      },
      detach: () => gone.abort(),
    }
  }
}
