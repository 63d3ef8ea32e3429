import type { Clock } from '../core/clock.ts'
import { BenchError, isBenchError } from '../core/errors.ts'
import type { Instrument } from '../core/instruments.ts'
import type { Connect } from './connect.ts'
import type { BenchInstrument } from './instrument-list.ts'

/** Opens one instrument that has no wire. */
export type OpenDirect = (instrument: BenchInstrument, signal: AbortSignal) => Promise<Instrument>

/** How instruments come about: from drivers on wires, or without either. */
export type Plug = { readonly connect: Connect } | { readonly direct: OpenDirect }

export type OpenOptions = Plug & {
  readonly clock: Clock
  readonly signal: AbortSignal
}

export type OpenOutcome =
  | { readonly outcome: 'open'; readonly instrument: Instrument }
  | { readonly outcome: 'failed'; readonly error: BenchError }

/**
 * Plugs in every instrument and asks who it is, all at the same time.
 *
 * Each wire carries only its own exchanges, in the order of its driver, so what is on a wire does not depend on
 * the others. Outcomes: one for each instrument, in the order of the file; never throws for an instrument's sake.
 */
export async function openInstruments(
  instruments: Iterable<BenchInstrument>,
  options: OpenOptions,
): Promise<ReadonlyMap<string, OpenOutcome>> {
  const outcomes = await Promise.all(
    [...instruments].map(async (instrument) => [instrument.name, await openOne(instrument, options)] as const),
  )
  return new Map(outcomes)
}

async function openOne(instrument: BenchInstrument, options: OpenOptions): Promise<OpenOutcome> {
  // One of its own: dozens of instruments that listen to one signal look like a leak to Node, which says so.
  const signal = AbortSignal.any([options.signal])
  try {
    const opened = 'direct' in options ? options.direct(instrument, signal) : byDriver(instrument, options, signal)
    return { outcome: 'open', instrument: await opened }
  } catch (error) {
    const gaveUp = signal.aborted && (!isBenchError(error) || error.code === 'TRANSPORT_OPEN_FAILED')
    const why = gaveUp
      ? new BenchError('TRANSPORT_ABORTED', 'given up while it was being opened', { cause: error })
      : error
    return { outcome: 'failed', error: named(instrument, why) }
  }
}

async function byDriver(
  { name, entry, resource, settings }: BenchInstrument,
  { connect, clock }: { readonly connect: Connect; readonly clock: Clock },
  signal: AbortSignal,
): Promise<Instrument> {
  const wire = await connect(name, resource, entry.serialLine, signal)
  try {
    return await entry.open(wire, settings, clock, signal)
  } catch (error) {
    // A driver that refuses closes its session; one that fell over before it had one leaves the port to us.
    await wire.transport[Symbol.asyncDispose]()
    throw error
  }
}

/** The same fault, saying at which instrument. */
export function named({ name, driver, resource }: BenchInstrument, error: unknown): BenchError {
  const said = error instanceof Error ? error.message : String(error)
  // Drivers and transports begin with their own name for it.
  const message = [name, resource.text].reduce((text, prefix) => withoutPrefix(text, prefix), said)
  const code = error instanceof BenchError ? error.code : 'TRANSPORT_OPEN_FAILED'
  const context = error instanceof BenchError ? error.context : {}
  return new BenchError(code, `${name} (${driver} at ${resource.text}): ${message}`, {
    cause: error,
    context: { ...context, instrument: name, driver, resource: resource.text },
  })
}

function withoutPrefix(text: string, prefix: string): string {
  return text.startsWith(`${prefix}: `) ? text.slice(prefix.length + 2) : text
}
