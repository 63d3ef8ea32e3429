import { VirtualClock } from '../../core/clock.ts'
import { simN7745 } from '../../sim/instruments/sim-n7745.ts'
import { isMessageInstrument } from '../../sim/ports/message-instrument.ts'
import type { MessageClient, MessageInstrument, MessageSession } from '../../sim/ports/message-instrument.ts'
import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'
import { bytesOf, latin1 } from './manual-transport.ts'

/** A simulated eight-port power meter in 1 mW of light, for message-based wires. */
export function simulatedMeter(): MessageInstrument & WireInstrument {
  const light = {
    powerMw: () => 1,
    captureMw: (_: number, points: number) => new Float64Array(points).fill(1),
    onTrigger: () => undefined,
  }
  const meter = simN7745.create(light, { name: 'meter', seed: 1, clock: new VirtualClock(), settings: {} })
  if (!isMessageInstrument(meter)) throw new Error('the simulated meter cannot be put behind a message-based wire')
  return meter
}

/** A message-based instrument for tests: it keeps what it hears, and answers what the test or `reply` tells it to. */
export class TestMessageInstrument implements MessageInstrument {
  /** One entry a session, in the order in which they were opened. */
  readonly sessions: TestMessageSession[] = []
  /** Answers a whole message; undefined: not yet. */
  reply: (message: Uint8Array) => Uint8Array | undefined = (message) => bytesOf(`re:${latin1(message)}`)
  #listeners: (() => void)[] = []

  open(client: MessageClient): MessageSession {
    const session = new TestMessageSession(this, client, () => this.#changed())
    this.sessions.push(session)
    this.#changed()
    return session
  }

  /** Resolves once `condition` holds; looks whenever something happens in a session. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#listeners.push(resolve))
  }

  #changed(): void {
    for (const listener of this.#listeners.splice(0)) listener()
  }
}

export class TestMessageSession implements MessageSession {
  readonly client: MessageClient
  /** Pieces as they came, of the message under way and before. */
  readonly pieces: Uint8Array[] = []
  /** `clear`, `trigger`, `poll`, `read unasked`, `close`, and whole messages. */
  readonly events: string[] = []
  statusByte = 0
  readonly #instrument: TestMessageInstrument
  readonly #changed: () => void
  #message: Uint8Array[] = []
  #asked = false
  #answer: Uint8Array | undefined

  constructor(instrument: TestMessageInstrument, client: MessageClient, changed: () => void) {
    this.#instrument = instrument
    this.client = client
    this.#changed = changed
  }

  get owesAnswer(): boolean {
    return this.#asked || this.#answer !== undefined
  }

  receive(bytes: Uint8Array, end: boolean): void {
    this.pieces.push(bytes.slice())
    this.#message.push(bytes)
    if (end) this.#take(Buffer.concat(this.#message.splice(0)))
  }

  read(maxBytes: number): { readonly bytes: Uint8Array; readonly end: boolean } | undefined {
    if (this.#answer === undefined) return undefined
    const bytes = this.#answer.subarray(0, maxBytes)
    const rest = this.#answer.subarray(maxBytes)
    this.#answer = rest.length === 0 ? undefined : rest
    return { bytes, end: rest.length === 0 }
  }

  /** The answer that was owed, whenever the test likes. */
  answer(bytes: Uint8Array): void {
    this.#asked = false
    this.#answer = bytes
    this.client.onAnswer()
  }

  readUnasked(): void {
    this.#note('read unasked')
  }

  clear(): void {
    this.#message = []
    this.#asked = false
    this.#answer = undefined
    this.#note('clear')
  }

  trigger(): void {
    this.#note('trigger')
  }

  poll(): number {
    this.#note('poll')
    return this.statusByte
  }

  close(): void {
    this.#note('close')
  }

  #take(message: Uint8Array): void {
    this.#answer = this.#instrument.reply(message)
    this.#asked = this.#answer === undefined
    this.#note(latin1(message.subarray(0, 64)))
  }

  #note(event: string): void {
    this.events.push(event)
    this.#changed()
  }
}
