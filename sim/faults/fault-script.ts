import { CounterRandom } from '../../core/random.ts'

/** What a bad day does to a wire and to the instrument at its end. */
export const FAULTS = [
  /** The reply never comes. */
  'silence',
  /** The reply comes when whoever asked has given up, and so does all that follows it on this connection. */
  'late-reply',
  /** The reply comes in two pieces, the second at once or late. */
  'cut-reply',
  /** The reply waits for the next one and comes in one piece with it. */
  'joined-reply',
  /** Bytes of no meaning before, behind or instead of the reply. */
  'garbage',
  /** One bit of a request is another. */
  'flipped-request',
  /** One bit of a reply is another. */
  'flipped-reply',
  /** The connection ends before the reply, within it, or right behind it. */
  'drop-before',
  'drop-within',
  'drop-after',
  /** The instrument forgets its settings, and the request with them. */
  'restart',
  /** Somebody else has filled the error queue. */
  'full-error-queue',
  /** Nothing is answered from here on. */
  'busy',
  /** Somebody else asks in between, and takes the session where there is but one. */
  'second-client',
] as const

export type Fault = (typeof FAULTS)[number]

/** Longest run of replies that pass before the first strike. */
const LONGEST_PEACE = 12
const MOST_STRIKES = 3

/**
 * Which replies a fault strikes, and every other choice it has: all from one seed, in the order of the replies.
 *
 * Inactive until `arm`; nothing strikes any more after `lift`.
 */
export class FaultScript {
  readonly fault: Fault
  readonly #random: CounterRandom
  readonly #strikes: ReadonlySet<number>
  #draws = 0
  #replies = 0
  #struck = 0
  #active = false

  constructor(seed: number, fault: Fault) {
    this.fault = fault
    this.#random = new CounterRandom(seed, `fault/${fault}`)
    const first = this.draw(LONGEST_PEACE)
    const strikes = 1 + this.draw(MOST_STRIKES)
    this.#strikes = new Set(Array.from({ length: strikes }, (_, at) => first + (at === 0 ? 0 : at + this.draw(4))))
  }

  /** True between `arm` and `lift`. */
  get active(): boolean {
    return this.#active
  }

  /** Messages that were struck so far. */
  get struck(): number {
    return this.#struck
  }

  arm(): void {
    this.#active = true
  }

  lift(): void {
    this.#active = false
  }

  /** Whether the fault strikes the message that passes now. */
  strikes(): boolean {
    const strikes = this.#active && this.#strikes.has(this.#replies++)
    if (strikes) this.#struck++
    return strikes
  }

  /** A whole number below `limit`. */
  draw(limit: number): number {
    return Math.floor(limit * this.#random.uniform(this.#draws++))
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.draw(256))
  }

  /** A copy in which one bit is another. */
  flipped(bytes: Uint8Array): Uint8Array {
    const copy = bytes.slice()
    const at = this.draw(8 * copy.length)
    copy[at >> 3]! ^= 1 << (at & 7)
    return copy
  }
}
