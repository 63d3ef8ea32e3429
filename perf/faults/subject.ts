import type { Clock } from '../../core/clock.ts'
import type { Instrument } from '../../core/instruments.ts'
import type { RandomStream } from '../../core/random.ts'
import type { Wire } from '../../drivers/transports/wire.ts'
import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'

/** What one call of a driver claimed and the world denies; undefined when it was right. */
export type Complaint = string | undefined

/** One call of a driver, and the comparison with the world behind the simulated instrument. */
export interface Operation {
  readonly name: string
  /** Throws what the driver throws. */
  run(signal: AbortSignal): Promise<Complaint>
}

/** A driver on a wire, ready to be asked. */
export interface Conversation {
  readonly instrument: Instrument
  /** What has to be done before the operations, and again once the instrument has lost its settings. */
  readonly prepare?: (signal: AbortSignal) => Promise<void>
  /** In this order, once a round. Each changes the world first, so that a stale answer is a wrong one. */
  readonly operations: readonly Operation[]
}

/** One row of the fault matrix: a driver, its simulated instrument, and a world that the test knows. */
export interface Subject {
  /** Whether a single flipped bit is always seen, by a check sum of the protocol. */
  readonly seesFlippedBits: boolean
  /** Whether invented bytes are always seen. */
  readonly seesGarbage: boolean
  /** Its connection ends when it restarts. */
  readonly hangsUp: boolean
  readonly exclusive: boolean
  readonly greeting?: string
  /** A command that leaves an error behind. */
  readonly nonsense: Uint8Array
  /** A question that another client may ask. */
  readonly question: Uint8Array
  begin(clock: Clock, random: RandomStream): Setup
}

export interface Setup {
  /** The instrument as it comes up, in the world of this set-up. */
  create(): WireInstrument
  /** `timeoutMs`: on wires whose deadlines are real, where the driver has one to set. */
  open(wire: Wire, signal: AbortSignal, timeoutMs?: number): Promise<Conversation>
}

/** Complains unless two numbers agree. */
export function agree(what: string, got: number, expected: number, tolerance: number): Complaint {
  return Math.abs(got - expected) <= tolerance ? undefined : `${what} is ${got}, in truth ${expected}`
}

export function agreeAll(
  what: string,
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: (value: number) => number,
): Complaint {
  if (got.length !== expected.length) return `${what} has ${got.length} values, in truth ${expected.length}`
  for (let at = 0; at < got.length; at++) {
    const complaint = agree(`${what} ${at}`, got[at]!, expected[at]!, tolerance(expected[at]!))
    if (complaint !== undefined) return complaint
  }
  return undefined
}
