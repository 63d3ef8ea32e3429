import { VirtualClock } from '../../core/clock.ts'
import type { BenchError } from '../../core/errors.ts'
import type { ByteReceiver, ByteTransport } from '../../core/transport.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'
import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'

/** A virtual clock that shows whether anybody still comes back to it. */
export class CountingClock extends VirtualClock {
  sleeps = 0

  override sleep(durationMs: number, signal: AbortSignal): Promise<void> {
    this.sleeps++
    return super.sleep(durationMs, signal)
  }
}

/**
 * A pipe to a simulated instrument on which time is up when nothing moves any more: every wait in vain ends at once,
 * and in the same order in every run.
 */
export class DeadlineWire implements ByteTransport {
  readonly resource = 'SIM::INSTR'
  readonly keepsDeadlines = true
  /** Grows with everything that happens on the wire. */
  activity = 0
  readonly #pipe: BytePipe
  readonly #held: { moments: number; readonly action: () => void }[] = []
  #receiver: ByteReceiver | undefined

  constructor(instrument: WireInstrument) {
    this.#pipe = new BytePipe(this.resource, (send, hangUp) => instrument.attach(send, hangUp))
  }

  connect(receiver: ByteReceiver): void {
    this.#receiver = receiver
    this.#pipe.connect({
      onBytes: (bytes) => this.#act(() => receiver.onBytes(bytes)),
      onEnd: () => receiver.onEnd(),
      onLost: (error: BenchError) => this.#act(() => receiver.onLost(error)),
      onDeadline: () => undefined,
    })
  }

  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#act(() => this.#pipe.write(bytes, signal))
  }

  resynchronise(signal: AbortSignal): Promise<void> {
    return this.#act(() => this.#pipe.resynchronise(signal))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pipe[Symbol.asyncDispose]()
  }

  /** Each wait in vain has two moments: its end, and when everybody has gone on after it. */
  readonly later = (moments: number, action: () => void): void => {
    this.#held.push({ moments, action })
  }

  /** Ends the wait under way. */
  expire(): void {
    this.#receiver?.onDeadline()
    this.tick()
  }

  /** A moment passes: what is due arrives. */
  tick(): void {
    for (const held of [...this.#held]) {
      if (--held.moments > 0) continue
      this.#held.splice(this.#held.indexOf(held), 1)
      held.action()
    }
  }

  #act<T>(work: () => T): T {
    this.activity++
    return work()
  }
}

/** Waits in vain that one call may need; more is a call that never ends. */
const MOST_WAITS = 200
const WAIT_NS = 60e6

export type Settled<T> =
  { readonly value: T } | { readonly error: unknown } | { readonly hangs: true; readonly waits: number }

/** Runs one call to its end: whenever nothing moves, time is up for whoever waits. */
export async function driven<T>(wire: DeadlineWire, clock: CountingClock, work: Promise<T>): Promise<Settled<T>> {
  const end: { settled?: Settled<T> } = {}
  work.then(
    (value) => (end.settled = { value }),
    (error: unknown) => (end.settled = { error }),
  )
  for (let waits = 0; waits < MOST_WAITS; waits++) {
    await still(wire, clock, end)
    if (end.settled !== undefined) return end.settled
    // No wait is shorter than what instruments take for the end of a frame.
    clock.moveTo(clock.monotonicNs() + WAIT_NS)
    wire.expire()
    await still(wire, clock, end)
    wire.tick()
  }
  await still(wire, clock, end)
  return end.settled ?? { hangs: true, waits: MOST_WAITS }
}

/** Until nothing has happened for two turns of the event loop. */
async function still(wire: DeadlineWire, clock: CountingClock, end: { readonly settled?: unknown }): Promise<void> {
  for (let quietTurns = 0, before = -1; quietTurns < 2 && end.settled === undefined;) {
    await new Promise((resolve) => setImmediate(resolve))
    const now = wire.activity + clock.sleeps
    quietTurns = now === before ? quietTurns + 1 : 0
    before = now
  }
}
