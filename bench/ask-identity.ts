import type { Clock } from '../core/clock.ts'
import { BenchError, isBenchError } from '../core/errors.ts'
import type { BenchErrorCode } from '../core/errors.ts'
import type { Identity } from '../core/instruments.ts'
import { SCPI_WIRES } from '../drivers/driver-entry.ts'
import type { IdentityQuestion, SerialLine } from '../drivers/driver-entry.ts'
import { askScpiIdentity } from '../drivers/transports/scpi-session.ts'
import type { Connect } from './connect.ts'
import type { Drivers } from './instrument-list.ts'
import { serialLineText } from './resource.ts'
import type { Resource } from './resource.ts'

export interface AskOptions {
  readonly connect: Connect
  readonly clock: Clock
  readonly drivers: Drivers
  /** Longest silence before an answer. Default: what each driver thinks right. */
  readonly timeoutMs?: number
}

export interface Answered {
  /** As a bench file names it. */
  readonly resource: string
  readonly identity: Identity
  /** Name of the driver that speaks to it; undefined when there is none yet. */
  readonly driver: string | undefined
}

/** One way to ask at one place, and who would speak to whoever answers. */
interface Question {
  readonly ask: IdentityQuestion['ask']
  readonly resource: Resource
  readonly line: SerialLine | undefined
  readonly drivers: readonly { readonly name: string; readonly identity: IdentityQuestion }[]
}

/** An address that Modbus instruments have when nobody set another. */
const USUAL_UNIT = 1

/** The place itself is out of reach: nobody there will answer another question, either. */
const GIVES_UP: readonly BenchErrorCode[] = ['TRANSPORT_OPEN_FAILED', 'TRANSPORT_LOCKED', 'TRANSPORT_ABORTED']

/**
 * Asks whoever is at one place who it is, in every speech that a driver of ours has for such a wire.
 *
 * On a serial port each speech is tried at the settings of its driver, one after the other, with silence between.
 * Throws: why nobody could be identified there.
 */
export async function askIdentity(resource: Resource, options: AskOptions, signal: AbortSignal): Promise<Answered> {
  const questions = questionsFor(resource, options.drivers)
  const failures: { readonly question: Question; readonly error: BenchError }[] = []
  for (const question of questions) {
    try {
      const identity = await askOnce(question, failures.length > 0, options, signal)
      return { resource: question.resource.text, identity, driver: driverFor(question, identity) }
    } catch (error) {
      if (!isBenchError(error) || GIVES_UP.includes(error.code)) throw error
      failures.push({ question, error })
    }
  }
  throw nobodyKnown(resource, failures)
}

/** The driver that speaks to an instrument which said, elsewhere, who it is. */
export function fittingDriver(resource: Resource, identity: Identity, drivers: Drivers): string | undefined {
  return questionsFor(resource, drivers)
    .map((question) => driverFor(question, identity))
    .find((driver) => driver !== undefined)
}

function driverFor({ drivers }: Question, identity: Identity): string | undefined {
  return drivers.find((driver) => driver.identity.fits(identity))?.name
}

async function askOnce(
  { ask, resource, line }: Question,
  isFollowUp: boolean,
  { connect, clock, timeoutMs }: AskOptions,
  signal: AbortSignal,
): Promise<Identity> {
  const wire = await connect(resource.text, resource, line, signal)
  try {
    // A late answer to the question before must not answer this one. Other wires begin with a new connection.
    if (isFollowUp && 'path' in resource) await wire.transport.resynchronise(signal)
    const where = { clock, ...('unit' in resource ? { unit: resource.unit } : {}) }
    return await ask(wire, timeoutMs === undefined ? where : { ...where, timeoutMs }, signal)
  } finally {
    await wire.transport[Symbol.asyncDispose]()
  }
}

/** Those first to whom the speech of others could look like a command. */
function questionsFor(resource: Resource, drivers: Drivers): readonly Question[] {
  const questions = new Map<string, Question>()
  const keys = new Map<IdentityQuestion['ask'], number>()
  const add = (question: Question): void => {
    if (!keys.has(question.ask)) keys.set(question.ask, keys.size)
    const key = `${keys.get(question.ask)} ${question.resource.text} ${JSON.stringify(question.line)}`
    const known = questions.get(key)?.drivers ?? []
    questions.set(key, { ...question, drivers: [...known, ...question.drivers] })
  }
  for (const [name, { identity, wires, serialLine: line }] of Object.entries(drivers)) {
    if (identity === undefined) continue
    const { ask } = identity
    const asked = [{ name, identity }]
    const set = resource.wire === 'serial' ? (resource.line ?? line) : line
    if (wires.includes(resource.wire)) add({ ask, resource, line: set, drivers: asked })
    // Where the name sets the line, it says that no Modbus is meant: that has names of its own.
    const isPlainPort = resource.wire === 'serial' && resource.line === undefined && wires.includes('modbus-serial')
    if (isPlainPort && line !== undefined) add({ ask, resource: modbusAt(resource.path, line), line, drivers: asked })
  }
  if (SCPI_WIRES.includes(resource.wire)) add({ ask: askScpiIdentity, resource, line: undefined, drivers: [] })
  const isFragile = ({ drivers: those }: Question): boolean => those.some(({ identity }) => identity.fragile === true)
  const all = [...questions.values()]
  return [...all.filter(isFragile), ...all.filter((question) => !isFragile(question))]
}

function modbusAt(path: string, line: SerialLine): Resource {
  const text = `MODBUS::${path}::${serialLineText(line)}::${USUAL_UNIT}`
  return { wire: 'modbus-serial', text, path, line, unit: USUAL_UNIT }
}

function nobodyKnown(
  resource: Resource,
  failures: readonly { readonly question: Question; readonly error: BenchError }[],
): BenchError {
  const [only] = failures
  if (only === undefined) {
    return new BenchError('CALL_INVALID', `${resource.text}: no driver knows how to ask there who it is`)
  }
  if (failures.length === 1) return only.error
  // Who said something, but not in the right words, tells more than silence.
  const spoke = failures.find(({ error }) => error.code !== 'TRANSPORT_TIMEOUT')
  const tried = failures.map(({ question: { drivers, resource: asked, line } }) => {
    const names = drivers.map(({ name }) => name).join(' or ')
    const settings = asked.wire === 'modbus-serial' ? asked.line : line
    return settings === undefined ? names : `${names} at ${serialLineText(settings)}`
  })
  const code = spoke?.error.code ?? 'TRANSPORT_TIMEOUT'
  const what = spoke === undefined ? 'nobody answers' : `somebody answers whom no driver knows (${spoke.error.message})`
  return new BenchError(code, `${resource.text}: ${what}; tried ${tried.join(', ')}`, {
    cause: new AggregateError(failures.map(({ error }) => error)),
    context: { resource: resource.text, tried },
  })
}
