import { ScpiInterpreter } from '../protocols/scpi-interpreter.ts'
import type { ScpiExchange, ScpiModel } from '../protocols/scpi-interpreter.ts'
import { ScpiParser } from '../protocols/scpi-parser.ts'
import type { WireConnection, WireInstrument } from '../ports/wire-instrument.ts'

export interface ScpiServerOptions {
  /**
   * What a message does that arrives while an answer is awaited: it waits its turn, or the answer is given up
   * with -410.
   */
  readonly whileAnswering: 'queue' | 'interrupt'
}

/**
 * A SCPI instrument behind a raw socket: each connection has its own input buffer, all share the instrument.
 *
 * Commands are never answered; several questions in one message get one line.
 */
export class ScpiServer implements WireInstrument {
  readonly #model: ScpiModel
  readonly #interpreter: ScpiInterpreter
  readonly #options: ScpiServerOptions

  constructor(model: ScpiModel, options: ScpiServerOptions) {
    this.#model = model
    this.#interpreter = new ScpiInterpreter(model)
    this.#options = options
  }

  attach(send: (bytes: Uint8Array) => void): WireConnection {
    const parser = new ScpiParser()
    let pending: Exchange | undefined
    let attached = true

    const pump = (): void => {
      while (attached) {
        if (pending !== undefined && this.#options.whileAnswering === 'queue') return
        const message = parser.next()
        if (message === undefined) return
        if (pending !== undefined) {
          pending.abort()
          pending = undefined
          this.#model.status.report(-410)
        }
        const exchange = new Exchange()
        const answer = this.#interpreter.run(message, exchange)
        if (answer instanceof Promise) {
          pending = exchange
          void answer.then((late) => {
            if (pending !== exchange) return
            pending = undefined
            if (late !== undefined && attached) send(late)
            pump()
          })
        } else if (answer !== undefined) send(answer)
      }
    }

    return {
      receive: (bytes) => {
        parser.push(bytes)
        pump()
      },
      detach: () => {
        attached = false
        pending?.abort()
      },
    }
  }
}

/** Most messages are answered at once and never need a signal. */
class Exchange implements ScpiExchange {
  #controller: AbortController | undefined

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  abort(): void {
    this.#controller ??= new AbortController()
    this.#controller.abort()
  }
}
