import { BenchError } from '../core/errors.ts'
import type { Identity, Instrument } from '../core/instruments.ts'
import { benchFileInvalid } from './bench-file.ts'
import type { BenchFile } from './bench-file.ts'
import { capabilityProblems } from './check-capabilities.ts'
import { openInstruments } from './open-instruments.ts'
import type { OpenOptions } from './open-instruments.ts'
import { closeAll } from './safe-order.ts'
import type { OpenInstrument } from './safe-order.ts'

export interface InstrumentCheck {
  readonly name: string
  readonly driver: string
  readonly resource: string
  /** Absent when it did not open. */
  readonly identity?: Identity
  /** Absent when it answered by the right name and could be left safe. */
  readonly error?: BenchError
}

export interface BenchCheck {
  readonly ok: boolean
  /** In the order of the file. */
  readonly instruments: readonly InstrumentCheck[]
  /** BENCH_FILE_INVALID when the file asks for more than those that answered have. */
  readonly error?: BenchError
}

/**
 * Asks every instrument of a bench who it is.
 *
 * Outcomes: a silent or a wrong instrument is an entry of the answer. Throws only on abort.
 * Leaves: everything that answered, safe and closed.
 */
export async function checkBench(file: BenchFile, options: OpenOptions): Promise<BenchCheck> {
  const outcomes = await openInstruments(file.instruments.values(), options)
  const open: OpenInstrument[] = []
  const answered = new Map<string, Instrument>()
  for (const [name, outcome] of outcomes) {
    if (outcome.outcome === 'failed') continue
    open.push({ line: file.instruments.get(name)!, instrument: outcome.instrument })
    answered.set(name, outcome.instrument)
  }
  const problems = capabilityProblems(file, answered)
  const closed = await closeAll(open, file.wiring.safeDeadlineMs)
  options.signal.throwIfAborted()

  const unsafe = new Map(closed.instruments.map(({ name, error }) => [name, error]))
  const instruments = [...file.instruments.values()].map(({ name, driver, resource }): InstrumentCheck => {
    const outcome = outcomes.get(name)
    const error = outcome?.outcome === 'failed' ? outcome.error : unsafe.get(name)
    return {
      name,
      driver,
      resource: resource.text,
      ...(outcome?.outcome === 'open' ? { identity: outcome.instrument.identity } : {}),
      ...(error === undefined ? {} : { error }),
    }
  })
  const ok = problems.length === 0 && instruments.every(({ error }) => error === undefined)
  return { ok, instruments, ...(problems.length === 0 ? {} : { error: benchFileInvalid(file.path, problems) }) }
}
