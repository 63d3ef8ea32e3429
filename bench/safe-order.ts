import { BenchError } from '../core/errors.ts'
import type { Instrument } from '../core/instruments.ts'
import type { DriverEntry } from '../drivers/driver-entry.ts'
import type { BenchInstrument } from './instrument-list.ts'
import { named } from './open-instruments.ts'

/** One instrument on the way out. Without an error its safe state was read back. */
export interface SafeEntry {
  readonly name: string
  readonly driver: string
  readonly resource: string
  readonly error?: BenchError
}

export interface SafeReport {
  /** True when every instrument's safe state was read back. */
  readonly verified: boolean
  /** In the order in which they were made safe. */
  readonly instruments: readonly SafeEntry[]
}

/** Light first, then what shapes it, then heat, then those that only look. All of one turn at once. */
const TURNS: Readonly<Record<DriverEntry['kind'], number>> = {
  laser: 0,
  'symbol-generator': 1,
  'bias-controller': 1,
  'phase-shifter-bank': 2,
  'source-meter': 2,
  'optical-filter': 1,
  'temperature-controller': 3,
  'power-meter': 4,
  'voltage-monitor': 4,
  'energy-meter': 4,
}
const LAST_TURN = Math.max(...Object.values(TURNS))

export interface OpenInstrument {
  readonly line: BenchInstrument
  readonly instrument: Instrument
}

/** Makes everything safe, in order. One that fails or hangs keeps none of the others from it. */
export async function makeAllSafe(
  open: readonly OpenInstrument[],
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<SafeReport> {
  return inOrder(open, deadlineMs, ({ instrument }) => {
    const deadline = AbortSignal.timeout(deadlineMs)
    return instrument.makeSafe(signal === undefined ? deadline : AbortSignal.any([signal, deadline]))
  })
}

/** Makes everything safe, in order, and lets go of every wire, whether that worked or not. */
export async function closeAll(open: readonly OpenInstrument[], deadlineMs: number): Promise<SafeReport> {
  return inOrder(open, deadlineMs, ({ instrument }) => instrument[Symbol.asyncDispose]())
}

/** Undefined when all is well. */
export function safeStateError(report: SafeReport): BenchError | undefined {
  const unsafe = report.instruments.filter(({ error }) => error !== undefined)
  if (unsafe.length === 0) return undefined
  const lines = unsafe.map(({ error }) => `  ${error?.message ?? ''}`)
  const what = unsafe.length === 1 ? 'one instrument is' : `${unsafe.length} instruments are`
  return new BenchError(
    'SAFE_STATE_UNVERIFIED',
    `NOT SAFE: ${what} not known to be dark, cold and parked; look at it before you touch the bench\n${lines.join('\n')}`,
    {
      cause: unsafe.length === 1 ? unsafe[0]?.error : new AggregateError(unsafe.map(({ error }) => error)),
      context: { unsafe: unsafe.map(({ name }) => name) },
    },
  )
}

async function inOrder(
  open: readonly OpenInstrument[],
  deadlineMs: number,
  work: (one: OpenInstrument) => PromiseLike<void>,
): Promise<SafeReport> {
  const entries: SafeEntry[] = []
  for (let turn = 0; turn <= LAST_TURN; turn++) {
    const group = open.filter(({ line }) => TURNS[line.entry.kind] === turn)
    entries.push(...(await Promise.all(group.map((one) => attempt(one, deadlineMs, work)))))
  }
  return { verified: entries.every(({ error }) => error === undefined), instruments: entries }
}

async function attempt(
  one: OpenInstrument,
  deadlineMs: number,
  work: (one: OpenInstrument) => PromiseLike<void>,
): Promise<SafeEntry> {
  const { name, driver, resource } = one.line
  const entry = { name, driver, resource: resource.text }
  try {
    await withGuard(work(one), deadlineMs)
    return entry
  } catch (error) {
    return { ...entry, error: named(one.line, error) }
  }
}

/**
 * A driver ends by its own deadline. This one is for a driver that does not: the heaters must not stay hot because
 * a laser's driver hangs.
 */
async function withGuard(work: PromiseLike<void>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const guard = new Promise<never>((_, reject) => {
    const late = (): void =>
      reject(new BenchError('SAFE_STATE_UNVERIFIED', `did not say that it is safe within ${2 * deadlineMs} ms`))
    timer = setTimeout(late, 2 * deadlineMs)
  })
  try {
    await Promise.race([work, guard])
  } finally {
    clearTimeout(timer)
  }
}
