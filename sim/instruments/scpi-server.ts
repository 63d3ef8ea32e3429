import { ScpiExchange, ScpiInterpreter } from '../protocols/scpi-interpreter.ts'
import type { ScpiModel } from '../protocols/scpi-interpreter.ts'
import { ScpiParser } from '../protocols/scpi-parser.ts'
import type { MessageClient, MessageInstrument, MessageSession } from '../ports/message-instrument.ts'
import type { WireConnection, WireInstrument } from '../ports/wire-instrument.ts'
import { ScpiConversation } from './scpi-conversation.ts'

export interface ScpiServerOptions {
  /**
   * What a message does that arrives on a raw socket while an answer is awaited: it waits its turn, or the answer is
   * given up with -410.
   */
  readonly whileAnswering: 'queue' | 'interrupt'
}

/**
 * A SCPI instrument behind a raw socket or a message-based wire: each connection has its own input buffer, all share
 * the instrument.
 *
 * Commands are never answered; several questions in one message get one line.
 */
export class ScpiServer implements WireInstrument, MessageInstrument {
  readonly #model: ScpiModel
  readonly #interpreter: ScpiInterpreter
  readonly #options: ScpiServerOptions

  constructor(model: ScpiModel, options: ScpiServerOptions) {
    this.#model = model
    this.#interpreter = new ScpiInterpreter(model)
    this.#options = options
  }

  open(client: MessageClient): MessageSession {
    return new ScpiConversation(this.#model, this.#interpreter, client)
  }

  attach(send: (bytes: Uint8Array) => void): WireConnection {
    const parser = new ScpiParser()
    let pending: ScpiExchange | undefined
    let attached = true

    const pump = (): void => {
      while (attached) {
        if (pending !== undefined && this.#options.whileAnswering === 'queue') return
        const message = parser.next()
        if (message === undefined) {
          if (pending === undefined) parser.messagesDone()
          return
        }
        if (pending !== undefined) {
          pending.abort()
          pending = undefined
          this.#model.status.report(-410)
        }
        const exchange = new ScpiExchange()
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
