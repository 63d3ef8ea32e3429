import type { MessageClient, MessageSession } from '../ports/message-instrument.ts'
import { ScpiExchange } from '../protocols/scpi-interpreter.ts'
import type { ScpiInterpreter, ScpiModel } from '../protocols/scpi-interpreter.ts'
import { ScpiParser } from '../protocols/scpi-parser.ts'
import type { ScpiMessage } from '../protocols/scpi-message.ts'

/** Room for the answers of one message with several questions. Assumption: no maker states it. */
const OUTPUT_QUEUE_BYTES = 65_536
/** Messages that may wait for the one under way; more than any client has reason to send. */
const MOST_WAITING = 256
const REQUEST_FOR_SERVICE = 0x40
const TRIGGER: ScpiMessage = { units: [{ header: '*TRG', query: false, parameters: [] }], fault: 0 }

/** A message that takes time. */
interface Pending {
  readonly exchange: ScpiExchange
  /** Somebody wants its answer. */
  wanted: boolean
}

/**
 * One client of a SCPI instrument on a message-based wire: an input buffer, and an output queue that waits to be read.
 *
 * A message that comes before an answer was read is executed all the same, after the one that made the answer: only
 * the answer is lost.
 * Errors: -105 for a trigger inside a message, -211 for one that nothing waits for, -363 for too many messages,
 * -410 for a message that comes before the answer was read, -420 for reading what nobody asked for, -430 for
 * a message whose questions fill the output queue before it has ended.
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
  #pending: Pending | undefined
  #answer: Uint8Array | undefined
  #read = 0
  #midMessage = false
  /** Bits of the status byte that ask for service: each that rises is a new reason. */
  #reasons: number
  #wantsService = false
  #open = true

  constructor(model: ScpiModel, interpreter: ScpiInterpreter, client: MessageClient) {
    this.#model = model
    this.#interpreter = interpreter
    this.#client = client
    this.#reasons = model.status.reasonsForService(false)
    this.#unwatch = model.status.watch(() => this.#watchReasons())
  }

  get owesAnswer(): boolean {
    return this.#answer !== undefined || this.#pending?.wanted === true || this.#waiting.some(asks)
  }

  receive(bytes: Uint8Array, end: boolean): void {
    if (!this.#midMessage && bytes.length > 0) this.#interruptAnswer()
    this.#midMessage = !end
    this.#parser.push(bytes)
    for (let message = this.#parser.next(); message !== undefined; message = this.#parser.next()) this.#take(message)
    const rest = end ? this.#parser.end() : undefined
    if (rest !== undefined) this.#take(rest)
    if (this.#pending === undefined) this.#parser.messagesDone()
  }

  read(maxBytes: number): { readonly bytes: Uint8Array; readonly end: boolean } | undefined {
    if (this.#answer === undefined) return undefined
    const bytes = this.#answer.subarray(this.#read, this.#read + maxBytes)
    this.#read += bytes.length
    const end = this.#read === this.#answer.length
    if (end) this.#setAnswer(undefined)
    return { bytes, end }
  }

  /** Half a message that was read behind is no message any more. */
  readUnasked(): void {
    this.#forgetInput()
    this.#model.status.report(-420)
  }

  answerIgnored(): void {
    this.#model.status.report(-410)
  }

  clear(): void {
    this.#forgetInput()
    this.#giveUp()
    this.#interpreter.cancelCompletion()
  }

  trigger(): void {
    if (this.#midMessage) this.#model.status.report(-105)
    else if (this.#interpreter.knows('*TRG')) this.#take(TRIGGER)
    else this.#model.status.report(-211)
  }

  poll(messageAvailable = this.#answer !== undefined): number {
    const byte = this.#model.status.statusByte(messageAvailable) & ~REQUEST_FOR_SERVICE
    const request = this.#wantsService ? REQUEST_FOR_SERVICE : 0
    this.#wantsService = false
    return byte | request
  }

  close(): void {
    this.#open = false
    this.#unwatch()
    this.#giveUp()
  }

  #take(message: ScpiMessage): void {
    // A line end may part messages that came as one.
    this.#interruptAnswer()
    if (this.#pending === undefined) this.#run(message)
    else if (this.#waiting.length < MOST_WAITING) this.#waiting.push(message)
    else this.#model.status.report(-363)
  }

  #run(message: ScpiMessage): void {
    const exchange = new ScpiExchange()
    const answer = this.#interpreter.run(message, exchange)
    if (!(answer instanceof Promise)) {
      this.#finish(message, answer)
      return
    }
    const pending: Pending = { exchange, wanted: asks(message) }
    this.#pending = pending
    void answer.then((late) => {
      if (this.#pending !== pending) return
      this.#pending = undefined
      if (pending.wanted) this.#finish(message, late)
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

  /** The answer that waits, or is being made, goes to nobody. */
  #interruptAnswer(): void {
    if (this.#answer === undefined && this.#pending?.wanted !== true) return
    if (this.#pending !== undefined) this.#pending.wanted = false
    this.#setAnswer(undefined)
    this.#model.status.report(-410)
    queueMicrotask(() => {
      if (this.#open) this.#client.onInterrupted()
    })
  }

  #forgetInput(): void {
    this.#parser.clear()
    this.#midMessage = false
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
    this.#watchReasons()
  }

  #watchReasons(): void {
    const { status } = this.#model
    const reasons = status.reasonsForService(this.#answer !== undefined)
    const rises = (reasons & ~this.#reasons) !== 0
    this.#reasons = reasons
    // A request whose reasons are gone is withdrawn.
    if (reasons === 0) this.#wantsService = false
    if (!rises || !this.#open) return
    this.#wantsService = true
    const byte = status.statusByte(this.#answer !== undefined)
    queueMicrotask(() => {
      if (this.#open) this.#client.onServiceRequest(byte)
    })
  }
}

const asks = ({ units }: ScpiMessage): boolean => units.some(({ query }) => query)
