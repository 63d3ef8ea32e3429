import { isBenchError } from '../../core/errors.ts'
import { RandomStream } from '../../core/random.ts'
import { FaultScript } from '../../sim/faults/fault-script.ts'
import type { Fault } from '../../sim/faults/fault-script.ts'
import { FaultyInstrument } from '../../sim/faults/faulty.ts'
import { CountingClock, DeadlineWire, driven } from './deadline-wire.ts'
import type { Conversation, Setup, Subject } from './subject.ts'

/** Rounds of all operations while the fault may strike. */
const ROUNDS = 4
/** Rounds until everything must be right again; the first ones may still hear of what happened. */
const RECOVERY_ROUNDS = 4
const OPENINGS = 2
/** One schedule in so many has its bad day while the driver opens. */
const OPENING_SHARE = 8

export interface Verdict {
  /** Messages that the fault struck. */
  readonly struck: number
  /** Calls that gave the right value, and calls that failed with a typed error. */
  readonly right: number
  readonly refused: number
  /** Wrong values that no driver of this protocol could have told from right ones. */
  readonly undetectable: readonly string[]
  /** Wrong values, errors without a code, calls that never ended, and a wire that did not work again. */
  readonly wrong: readonly string[]
  readonly crashes: readonly string[]
  readonly hangs: readonly string[]
  readonly stuck: readonly string[]
}

/** One bad day: opens, works through the fault, lifts it, and works again. The same seed gives the same day. */
export function runSchedule(subject: Subject, fault: Fault, seed: number): Promise<Verdict> {
  return new Schedule(subject, fault, seed).run()
}

class Schedule {
  readonly #subject: Subject
  readonly #seed: number
  readonly #script: FaultScript
  readonly #clock = new CountingClock()
  readonly #far: FaultyInstrument
  readonly #setup: Setup
  readonly #verdict = {
    right: 0,
    refused: 0,
    undetectable: [] as string[],
    wrong: [] as string[],
    crashes: [] as string[],
    hangs: [] as string[],
    stuck: [] as string[],
  }
  readonly #caller = new AbortController()
  #wire: DeadlineWire
  /** Bytes that were changed before the call under way began. */
  #alteredBefore = 0

  constructor(subject: Subject, fault: Fault, seed: number) {
    this.#subject = subject
    this.#seed = seed
    this.#script = new FaultScript(seed, fault)
    this.#setup = subject.begin(this.#clock, new RandomStream(seed, 'world'))
    this.#far = new FaultyInstrument(() => this.#setup.create(), {
      script: this.#script,
      later: (moments, action) => this.#wire.later(moments, action),
      ...(subject.greeting === undefined ? {} : { greeting: Buffer.from(subject.greeting, 'latin1') }),
      hangsUp: subject.hangsUp,
      exclusive: subject.exclusive,
      nonsense: subject.nonsense,
      question: subject.question,
    })
    this.#wire = new DeadlineWire(this.#far)
  }

  async run(): Promise<Verdict> {
    if (this.#seed % OPENING_SHARE === 0) this.#script.arm()
    let conversation = await this.#open()
    this.#script.arm()
    if (conversation !== undefined) {
      if (conversation.prepare !== undefined) await this.#call('prepare', conversation.prepare)
      for (let round = 0; round < ROUNDS; round++) await this.#round(conversation)
    }
    this.#far.lift()
    // Whoever could not open it opens it again; the first time what was late may still be on the line.
    for (let tries = 0; conversation === undefined && tries < OPENINGS; tries++) {
      conversation = await this.#open()
      if (conversation?.prepare !== undefined) await this.#call('prepare', conversation.prepare)
    }
    if (conversation === undefined) this.#verdict.stuck.push('cannot be opened once the fault is lifted')
    if (conversation !== undefined && this.#verdict.hangs.length === 0) await this.#recover(conversation)
    return { ...this.#verdict, struck: this.#far.struck }
  }

  async #open(): Promise<Conversation | undefined> {
    let opened: Conversation | undefined
    this.#wire = new DeadlineWire(this.#far)
    await this.#call('open', async (signal) => {
      opened = await this.#setup.open({ name: 'instrument', transport: this.#wire }, signal)
    })
    return opened
  }

  /** True when every call gave the right value. */
  async #round(conversation: Conversation): Promise<boolean> {
    let allRight = true
    for (const operation of conversation.operations) {
      if (this.#verdict.hangs.length > 0) return false
      const outcome = await this.#call(operation.name, (signal) => operation.run(signal))
      allRight &&= outcome === 'right'
      if (outcome === 'unconfigured' && conversation.prepare !== undefined) {
        await this.#call('prepare', conversation.prepare)
      }
    }
    return allRight
  }

  async #recover(opened: Conversation): Promise<void> {
    let conversation: Conversation | undefined = opened
    for (let round = 0; conversation !== undefined && round < RECOVERY_ROUNDS; round++) {
      const { instrument }: Conversation = conversation
      if (await this.#round(conversation)) {
        await this.#call('close', async () => {
          await instrument[Symbol.asyncDispose]()
        })
        return
      }
      if (!this.#mayBelieveDamage()) continue
      // A setting that became another stays so until it is made again; what was misheard at opening, until the next.
      if (round > 0) conversation = await this.#open()
      if (conversation?.prepare !== undefined) await this.#call('prepare', conversation.prepare)
    }
    this.#verdict.stuck.push(`not all right within ${RECOVERY_ROUNDS} rounds after the fault was lifted`)
  }

  /** Bytes were changed on a wire that cannot tell: what instrument or driver took for true may be wrong. */
  #mayBelieveDamage(): boolean {
    const { seesFlippedBits, seesGarbage } = this.#subject
    const isGuarded = this.#script.fault === 'garbage' ? seesGarbage : seesFlippedBits
    return !isGuarded && this.#far.altered > 0
  }

  async #call(
    name: string,
    work: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<'right' | 'refused' | 'unconfigured' | 'failed'> {
    const verdict = this.#verdict
    this.#alteredBefore = this.#far.altered
    const settled = await driven(this.#wire, this.#clock, work(this.#caller.signal))
    if ('hangs' in settled) {
      verdict.hangs.push(`${name} never ends`)
      this.#caller.abort()
      return 'failed'
    }
    if ('error' in settled) {
      const { error } = settled
      if (!isBenchError(error)) {
        verdict.crashes.push(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
        return 'failed'
      }
      verdict.refused++
      return isBenchError(error, 'INSTRUMENT_STATE_LOST', 'CALL_INVALID') ? 'unconfigured' : 'refused'
    }
    const { value: complaint } = settled
    if (typeof complaint !== 'string') {
      verdict.right++
      return 'right'
    }
    const kind = this.#isUndetectable() ? verdict.undetectable : verdict.wrong
    kind.push(`${name}: ${complaint}`)
    return 'failed'
  }

  #isUndetectable(): boolean {
    const { seesFlippedBits, seesGarbage } = this.#subject
    const now = this.#far.altered > this.#alteredBefore
    switch (this.#script.fault) {
      case 'flipped-reply':
        return !seesFlippedBits && now
      case 'garbage':
        return !seesGarbage && now
      case 'flipped-request':
        // A setting that became another is obeyed for as long as nobody sets it again.
        return !seesFlippedBits && this.#far.altered > 0
      default:
        return false
    }
  }
}
