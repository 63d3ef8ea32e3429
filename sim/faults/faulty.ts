import type { WireConnection, WireInstrument } from '../ports/wire-instrument.ts'
import { HeldReplies } from './held-replies.ts'
import type { Later } from './held-replies.ts'
import type { FaultScript } from './fault-script.ts'

export interface FaultyOptions {
  readonly script: FaultScript
  readonly later: Later
  /** What the instrument says of its own accord when it comes up again. */
  readonly greeting?: Uint8Array
  /** Hangs up its clients when it restarts, as network instruments do; a serial line stays. */
  readonly hangsUp: boolean
  /** One client at a time: whoever comes takes the session from the one before. */
  readonly exclusive: boolean
  /** Commands that leave errors behind, for a full error queue. */
  readonly nonsense: Uint8Array
  /** A question somebody else asks. */
  readonly question: Uint8Array
}

const NOTHING = new Uint8Array(0)
const FILLS_ANY_QUEUE = 64

/**
 * A simulated instrument on a bad day: the script says which of its replies are struck, and how.
 *
 * Each `send` of the instrument is one reply, each piece that arrives one request. What is late stays in order, as on
 * any wire, and is lost with its connection.
 */
export class FaultyInstrument implements WireInstrument {
  readonly #create: () => WireInstrument
  readonly #options: FaultyOptions
  readonly #clients = new Set<Client>()
  #instrument: WireInstrument
  #busy = false
  #taken = false
  #altered = 0

  /** `create` makes it as it comes out of its box; a restart makes it anew. */
  constructor(create: () => WireInstrument, options: FaultyOptions) {
    this.#create = create
    this.#options = options
    this.#instrument = create()
  }

  /** Messages that were struck so far. */
  get struck(): number {
    return this.#options.script.struck
  }

  /** Messages whose bytes were changed or invented. */
  get altered(): number {
    return this.#altered
  }

  /** The bad day is over; what was held back arrives. */
  lift(): void {
    this.#options.script.lift()
    this.#busy = this.#taken = false
    for (const client of this.#clients) client.held.release()
  }

  attach(send: (bytes: Uint8Array) => void, hangUp: () => void = () => undefined): WireConnection {
    const client: Client = {
      held: new HeldReplies(send, this.#options.later),
      inner: undefined,
      hangUp: () => {
        this.#drop(client)
        hangUp()
      },
      reply: (bytes) => this.#reply(client, bytes),
    }
    this.#clients.add(client)
    // Somebody else holds the one session there is.
    if (this.#taken) client.hangUp()
    else client.inner = this.#instrument.attach(client.reply)
    return { receive: (bytes) => this.#receive(client, bytes), detach: () => this.#drop(client) }
  }

  #receive(client: Client, bytes: Uint8Array): void {
    client.held.onRequest()
    const { script } = this.#options
    if (this.#busy) return
    switch (script.fault) {
      case 'flipped-request':
        return client.inner?.receive(this.#alters() ? script.flipped(bytes) : bytes)
      case 'restart':
        return script.strikes() ? this.#restart() : client.inner?.receive(bytes)
      case 'busy':
        if (script.strikes()) this.#busy = true
        else client.inner?.receive(bytes)
        return
      case 'full-error-queue':
        if (script.strikes()) this.#fillErrorQueue()
        break
      case 'second-client':
        if (script.strikes()) this.#letSomebodyIn(client)
        break
      case 'drop-before':
        if (script.strikes()) return client.hangUp()
        break
      default:
    }
    client.inner?.receive(bytes)
  }

  #reply(client: Client, bytes: Uint8Array): void {
    const { script } = this.#options
    const { held } = client
    switch (script.fault) {
      case 'silence':
        return script.strikes() ? undefined : held.send(bytes)
      case 'late-reply':
        return script.strikes() ? held.hold(bytes, script) : held.send(bytes)
      case 'joined-reply':
        return script.strikes() ? held.join(bytes) : held.send(bytes)
      case 'cut-reply': {
        if (!script.strikes() || bytes.length < 2) return held.send(bytes)
        const cut = 1 + script.draw(bytes.length - 1)
        held.send(bytes.subarray(0, cut))
        return script.draw(2) === 0 ? held.send(bytes.subarray(cut)) : held.hold(bytes.subarray(cut), script)
      }
      case 'garbage': {
        if (!this.#alters()) return held.send(bytes)
        const garbage = script.bytes(1 + script.draw(12))
        const [before, reply, behind] = [
          [garbage, bytes, NOTHING],
          [NOTHING, bytes, garbage],
          [garbage, NOTHING, NOTHING],
        ][script.draw(3)] as [Uint8Array, Uint8Array, Uint8Array]
        return held.send(Buffer.concat([before, reply, behind]))
      }
      case 'flipped-reply':
        return held.send(this.#alters() ? script.flipped(bytes) : bytes)
      case 'drop-within':
        if (!script.strikes()) return held.send(bytes)
        held.send(bytes.subarray(0, script.draw(bytes.length)))
        return client.hangUp()
      case 'drop-after':
        held.send(bytes)
        if (script.strikes()) client.hangUp()
        return
      default:
        held.send(bytes)
    }
  }

  #alters(): boolean {
    const strikes = this.#options.script.strikes()
    if (strikes) this.#altered++
    return strikes
  }

  #restart(): void {
    this.#instrument = this.#create()
    for (const client of [...this.#clients]) {
      client.inner?.detach()
      if (this.#options.hangsUp) client.hangUp()
      else {
        client.inner = this.#instrument.attach(client.reply)
        if (this.#options.greeting !== undefined) client.held.send(this.#options.greeting)
      }
    }
  }

  #fillErrorQueue(): void {
    const somebody = this.#instrument.attach(() => undefined)
    for (let command = 0; command < FILLS_ANY_QUEUE; command++) somebody.receive(this.#options.nonsense)
    somebody.detach()
  }

  #letSomebodyIn(client: Client): void {
    if (this.#options.exclusive) {
      this.#taken = true
      client.hangUp()
    }
    const somebody = this.#instrument.attach(() => undefined)
    somebody.receive(this.#options.question)
    somebody.detach()
  }

  #drop(client: Client): void {
    this.#clients.delete(client)
    client.held.close()
    client.inner?.detach()
    client.inner = undefined
  }
}

interface Client {
  readonly held: HeldReplies
  inner: WireConnection | undefined
  readonly hangUp: () => void
  readonly reply: (bytes: Uint8Array) => void
}
