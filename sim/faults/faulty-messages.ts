import type { MessageClient, MessageInstrument, MessageSession } from '../ports/message-instrument.ts'
import type { Later } from './held-replies.ts'
import type { FaultScript } from './fault-script.ts'

export interface FaultyMessagesOptions {
  readonly script: FaultScript
  readonly later: Later
  /** A command that leaves an error behind, for a full error queue. */
  readonly nonsense: Uint8Array
  /** Ends the connections, as a restart does where nothing lies between them and the instrument. Default: they stay. */
  readonly hangUp?: () => void
}

const FILLS_ANY_QUEUE = 64
const MOST_MOMENTS = 8
const NOBODY: MessageClient = {
  onAnswer: () => undefined,
  onInterrupted: () => undefined,
  onServiceRequest: () => undefined,
}

/**
 * A message-based instrument on a bad day, for servers of VXI-11, HiSLIP and USBTMC.
 *
 * Faults of the bytes and of the instrument strike here: silence, delay, garbage, a flipped bit, a restart, a full
 * error queue, busy for ever. Those of the connection belong to the server that holds it.
 */
export class FaultyMessages implements MessageInstrument {
  readonly #create: () => MessageInstrument
  readonly #options: FaultyMessagesOptions
  readonly #sessions = new Set<FaultySession>()
  #instrument: MessageInstrument
  busy = false

  constructor(create: () => MessageInstrument, options: FaultyMessagesOptions) {
    this.#create = create
    this.#options = options
    this.#instrument = create()
  }

  open(client: MessageClient): MessageSession {
    const session = new FaultySession(this, client, this.#options, this.#instrument)
    this.#sessions.add(session)
    return session
  }

  lift(): void {
    this.#options.script.lift()
    this.busy = false
  }

  /** Clients that are not hung up on go on talking, to an instrument that has forgotten everything. */
  restart(): void {
    this.#instrument = this.#create()
    for (const session of this.#sessions) session.reopen(this.#instrument)
    this.#options.hangUp?.()
  }

  fillErrorQueue(): void {
    const somebody = this.#instrument.open(NOBODY)
    for (let command = 0; command < FILLS_ANY_QUEUE; command++) somebody.receive(this.#options.nonsense, true)
    somebody.close()
  }

  closed(session: FaultySession): void {
    this.#sessions.delete(session)
  }
}

/** One client's session. What is not struck goes straight through. */
class FaultySession implements MessageSession {
  readonly #far: FaultyMessages
  readonly #client: MessageClient
  readonly #options: FaultyMessagesOptions
  #inner: MessageSession
  /** The answer is held back. */
  #held = false

  constructor(
    far: FaultyMessages,
    client: MessageClient,
    options: FaultyMessagesOptions,
    instrument: MessageInstrument,
  ) {
    this.#far = far
    this.#client = client
    this.#options = options
    this.#inner = this.#openOn(instrument)
  }

  get owesAnswer(): boolean {
    return this.#inner.owesAnswer
  }

  receive(bytes: Uint8Array, end: boolean): void {
    const { script } = this.#options
    if (this.#far.busy) return
    switch (script.fault) {
      case 'flipped-request':
        return this.#inner.receive(script.strikes() ? script.flipped(bytes) : bytes, end)
      case 'restart':
        if (script.strikes()) return this.#far.restart()
        break
      case 'busy':
        if (script.strikes()) {
          this.#far.busy = true
          return
        }
        break
      case 'full-error-queue':
        if (script.strikes()) this.#far.fillErrorQueue()
        break
      default:
    }
    this.#inner.receive(bytes, end)
  }

  read(maxBytes: number): { readonly bytes: Uint8Array; readonly end: boolean } | undefined {
    if (this.#held) return undefined
    const answer = this.#inner.read(maxBytes)
    if (answer === undefined || answer.bytes.length === 0) return answer
    const { script } = this.#options
    const { bytes, end } = answer
    if (script.fault === 'flipped-reply' && script.strikes()) return { bytes: script.flipped(bytes), end }
    if (script.fault === 'garbage' && script.strikes()) return { bytes: script.bytes(bytes.length), end }
    return answer
  }

  readUnasked(): void {
    this.#inner.readUnasked()
  }

  clear(): void {
    this.#held = false
    this.#inner.clear()
  }

  trigger(): void {
    this.#inner.trigger()
  }

  poll(messageAvailable?: boolean): number {
    return this.#inner.poll(messageAvailable)
  }

  close(): void {
    this.#far.closed(this)
    this.#inner.close()
  }

  reopen(instrument: MessageInstrument): void {
    this.#inner.close()
    this.#held = false
    this.#inner = this.#openOn(instrument)
  }

  #openOn(instrument: MessageInstrument): MessageSession {
    return instrument.open({
      onAnswer: () => this.#onAnswer(),
      onInterrupted: () => this.#client.onInterrupted(),
      onServiceRequest: (statusByte) => this.#client.onServiceRequest(statusByte),
    })
  }

  #onAnswer(): void {
    const { script, later } = this.#options
    const delays = script.fault === 'silence' || script.fault === 'late-reply'
    if (!delays || !script.strikes()) return this.#client.onAnswer()
    if (script.fault === 'silence') return this.#inner.clear()
    this.#held = true
    later(1 + script.draw(MOST_MOMENTS), () => {
      if (!this.#held) return
      this.#held = false
      this.#client.onAnswer()
    })
  }
}
