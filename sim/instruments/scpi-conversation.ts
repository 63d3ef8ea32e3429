import type { MessageClient, MessageSession } from '../ports/message-instrument.ts'
import { ScpiExchange } from '../protocols/scpi-interpreter.ts'
import type { ScpiInterpreter, ScpiModel } from '../protocols/scpi-interpreter.ts'
import { ScpiParser } from '../protocols/scpi-parser.ts'
import type { ScpiMessage } from '../protocols/scpi-parser.ts'

/** Room for the answers of one message with several questions. Assumption: no maker states it. */
const OUTPUT_QUEUE_BYTES = 65_536
const REQUEST_FOR_SERVICE = 0x40
const TRIGGER: ScpiMessage = { units: [{ header: '*TRG', query: false, parameters: [] }], fault: 0 }

/**
 * One client of a SCPI instrument on a message-based wire: an input buffer, and an output queue that waits to be read.
 *
 * Errors: -410 for a message that comes before the answer was read, -420 for reading what nobody asked for, -430 for
 * a message whose questions fill the output queue before it has ended, -211 for a trigger that nothing waits for.
 * Source: IEEE 488.2 message exchange as summarised in Keysight "B2900 SCPI Command Reference" ch. 1 and 5.
 */
export class ScpiConversation implements MessageSession {
  readonly #model: ScpiModel
  readonly #interpreter: ScpiInterpreter
  readonly #client: MessageClient
  readonly #parser = new ScpiParser({ marksEnds: true })
  readonly #unwatch: () => void
  /** Whole messages that wait for the one under way. */
  readonly #waiting: ScpiMessage[] = []
  /** The message under way, when it takes time. */
  #pending: { readonly exchange: ScpiExchange; readonly asks: boolean } | undefined
  #answer: Uint8Array | undefined
  #read = 0
  #midMessage = false
  /** Bit 6 of *STB?, by which a rise is known. */
  #summary = false
  #wantsService = false

  constructor(model: ScpiModel, interpreter: ScpiInterpreter, client: MessageClient) {
    this.#model = model
    this.#interpreter = interpreter
    this.#client = client
    this.#unwatch = model.status.watch(() => this.#watchSummary())
  }

  get owesAnswer(): boolean {
    return this.#answer !== undefined || this.#pending?.asks === true || this.#waiting.some(asks)
  }

  receive(bytes: Uint8Array, end: boolean): void {
    if (!this.#midMessage) this.#interruptAnswer()
    this.#midMessage = !end
    this.#parser.push(bytes)
    for (let message = this.#parser.next(); message !== undefined; message = this.#parser.next()) this.#take(message)
    const rest = end ? this.#parser.end() : undefined
    if (rest !== undefined) this.#take(rest)
  }

  read(maxBytes: number): { readonly bytes: Uint8Array; readonly end: boolean } | undefined {
    if (this.#answer === undefined) return undefined
    const bytes = this.#answer.subarray(this.#read, this.#read + maxBytes)
    this.#read += bytes.length
    const end = this.#read === this.#answer.length
    if (end) this.#setAnswer(undefined)
    return { bytes, end }
  }

  readUnasked(): void {
    this.#model.status.report(-420)
  }

  answerIgnored(): void {
    this.#model.status.report(-410)
  }

  clear(): void {
    this.#parser.clear()
    this.#midMessage = false
    this.#giveUp()
  }

  trigger(): void {
    if (this.#interpreter.knows('*TRG')) this.#take(TRIGGER)
    else this.#model.status.report(-211)
  }

  poll(messageAvailable = this.#answer !== undefined): number {
    const byte = this.#model.status.statusByte(messageAvailable) & ~REQUEST_FOR_SERVICE
    const request = this.#wantsService ? REQUEST_FOR_SERVICE : 0
    this.#wantsService = false
    return byte | request
  }

  close(): void {
    this.#unwatch()
    this.#giveUp()
  }

  #take(message: ScpiMessage): void {
    // A line end may part messages that came as one.
    this.#interruptAnswer()
    if (this.#pending === undefined) this.#run(message)
    else this.#waiting.push(message)
  }

  #run(message: ScpiMessage): void {
    const exchange = new ScpiExchange()
    const answer = this.#interpreter.run(message, exchange)
    if (!(answer instanceof Promise)) {
      this.#finish(message, answer)
      return
    }
    const pending = { exchange, asks: asks(message) }
    this.#pending = pending
    void answer.then((late) => {
      if (this.#pending !== pending) return
      this.#pending = undefined
      this.#finish(message, late)
      this.#runWaiting()
      if (late === undefined) this.#client.onNoAnswer?.()
    })
  }

  #runWaiting(): void {
    while (this.#pending === undefined) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#take(next)
    }
  }

  #finish(message: ScpiMessage, answer: Uint8Array | undefined): void {
    if (answer === undefined) return
    if (answer.length > OUTPUT_QUEUE_BYTES && message.units.filter(({ query }) => query).length > 1) {
      this.#model.status.report(-430)
      return
    }
    this.#setAnswer(answer)
    queueMicrotask(() => {
      if (this.#answer === answer) this.#client.onAnswer()
    })
  }

  #interruptAnswer(): void {
    if (this.#answer === undefined && this.#pending?.asks !== true) return
    this.#giveUp()
    this.#model.status.report(-410)
    queueMicrotask(() => this.#client.onInterrupted())
  }

  #giveUp(): void {
    this.#pending?.exchange.abort()
    this.#pending = undefined
    this.#waiting.length = 0
    this.#setAnswer(undefined)
  }

  #setAnswer(answer: Uint8Array | undefined): void {
    this.#answer = answer
    this.#read = 0
    this.#watchSummary()
  }

  #watchSummary(): void {
    const byte = this.#model.status.statusByte(this.#answer !== undefined)
    const summary = (byte & REQUEST_FOR_SERVICE) !== 0
    const rises = summary && !this.#summary
    this.#summary = summary
    if (!rises) return
    this.#wantsService = true
    queueMicrotask(() => this.#client.onServiceRequest(byte))
  }
}

const asks = ({ units }: ScpiMessage): boolean => units.some(({ query }) => query)
