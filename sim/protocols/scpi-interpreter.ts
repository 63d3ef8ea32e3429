import { ScpiCall } from './scpi-call.ts'
import { ScpiCommands } from './scpi-commands.ts'
import type { ScpiAnswer, ScpiMatch, ScpiRow } from './scpi-commands.ts'
import { ScpiFault } from './scpi-fault.ts'
import type { ScpiMessage, ScpiUnit } from './scpi-parser.ts'
import { ScpiStatus } from './scpi-status.ts'

export interface ScpiModel {
  /** Answer to *IDN?. */
  readonly identity: string
  readonly rows: readonly ScpiRow[]
  readonly status: ScpiStatus
  /** *RST */
  reset(): void
  /** Resolves when nothing is under way; undefined when that is now. For *OPC, *OPC? and *WAI. */
  idle?(signal: AbortSignal): Promise<void> | undefined
}

/** Who asked: aborted when the answer is no longer wanted. */
export class ScpiExchange {
  #controller: AbortController | undefined

  /** Most messages are answered at once and never need a signal. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  abort(): void {
    this.#controller ??= new AbortController()
    this.#controller.abort()
  }
}

type Answers = (string | Uint8Array)[]

/**
 * Executes program messages against a command table: the path rule of `;`, common commands, errors into the queue.
 *
 * A command error ends the message; after an execution error the next unit is tried.
 * Answers of one message make one response, separated by `;` and ended by NL.
 */
export class ScpiInterpreter {
  readonly #model: ScpiModel
  readonly #commands: ScpiCommands

  constructor(model: ScpiModel) {
    this.#model = model
    this.#commands = new ScpiCommands([...model.rows, ...this.#commonRows()])
  }

  /** Whether a command by this header exists. */
  knows(header: string): boolean {
    return typeof this.#commands.find(header) !== 'number'
  }

  /** The response, if there is one; a promise only where a handler made one. */
  run(message: ScpiMessage, exchange: ScpiExchange): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    return this.#from(0, '', [], message, exchange)
  }

  #from(
    index: number,
    path: string,
    answers: Answers,
    message: ScpiMessage,
    exchange: ScpiExchange,
  ): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const { units, fault } = message
    for (; index < units.length; index++) {
      const unit = units[index]!
      const found = this.#find(unit.header, path)
      if (typeof found === 'number') {
        this.#model.status.report(found)
        return response(answers)
      }
      if (!unit.header.startsWith('*')) path = pathBehind(unit.header, path)
      try {
        const result = this.#execute(unit, found, answers, exchange)
        if (result instanceof Promise) {
          const [next, behind] = [index + 1, path]
          return result.then(
            (answer) => {
              if (answer !== undefined) answers.push(answer)
              return this.#from(next, behind, answers, message, exchange)
            },
            (error: unknown) => {
              if (exchange.signal.aborted) return undefined
              this.#report(error)
              return this.#from(next, behind, answers, message, exchange)
            },
          )
        }
        if (result !== undefined) answers.push(result)
      } catch (error) {
        this.#report(error)
        if (error instanceof ScpiFault && error.number > -200 && error.number < 0) return response(answers)
      }
    }
    if (fault !== 0) this.#model.status.report(fault)
    return response(answers)
  }

  #find(header: string, path: string): ScpiMatch | number {
    if (header.startsWith(':')) return this.#commands.find(header.slice(1))
    return this.#commands.find(path === '' || header.startsWith('*') ? header : path + header)
  }

  #execute(
    { query, parameters }: ScpiUnit,
    { row, suffixes }: ScpiMatch,
    answers: Answers,
    exchange: ScpiExchange,
  ): ScpiAnswer | Promise<ScpiAnswer> {
    const call = new ScpiCall(suffixes, parameters, exchange)
    if (query) {
      if (row.query === undefined) throw new ScpiFault(-113)
      if (parameters.length > (row.asks ?? 0)) throw new ScpiFault(-108)
      if (row === this.#statusByte) return String(this.#model.status.statusByte(answers.length > 0))
      // The answer to *IDN? may hold anything, so nothing can follow it.
      if (answers.at(-1) === this.#model.identity) throw new ScpiFault(-440)
      return row.query(call)
    }
    if (row.set === undefined) throw new ScpiFault(-113)
    if (parameters.length > (row.takes ?? 1)) throw new ScpiFault(-108)
    return row.set(call) as undefined | Promise<undefined>
  }

  #report(error: unknown): void {
    // Anything else is a fault of the twin itself, not of what was sent to it.
    if (!(error instanceof ScpiFault)) throw error
    this.#model.status.report(error.number, error.message)
  }

  readonly #statusByte: ScpiRow = { header: '*STB', query: () => undefined }

  #commonRows(): readonly ScpiRow[] {
    const { status, identity } = this.#model
    const whenIdle = <T extends ScpiAnswer>(call: ScpiCall, answer: () => T): T | Promise<T> => {
      const wait = this.#model.idle?.(call.exchange.signal)
      return wait === undefined ? answer() : wait.then(answer)
    }
    return [
      { header: '*IDN', query: () => identity },
      { header: '*RST', takes: 0, set: () => this.#model.reset() },
      { header: '*CLS', takes: 0, set: () => status.clear() },
      {
        header: '*ESE',
        set: (call) => void (status.eventEnable = call.integer(0, 255)),
        query: () => String(status.eventEnable),
      },
      { header: '*ESR', query: () => String(status.takeEvents()) },
      {
        header: '*SRE',
        set: (call) => void (status.serviceEnable = call.integer(0, 255)),
        query: () => String(status.serviceEnable),
      },
      this.#statusByte,
      {
        header: '*OPC',
        takes: 0,
        // Does not hold up what follows: the bit is set when it is set.
        set: (call) => {
          const wait = this.#model.idle?.(call.exchange.signal)
          if (wait === undefined) status.complete()
          else
            void wait.then(
              () => status.complete(),
              () => undefined,
            )
        },
        query: (call) => whenIdle(call, () => '1'),
      },
      { header: '*WAI', takes: 0, set: (call) => whenIdle(call, () => undefined) },
      { header: '*TST', query: () => '0' },
      { header: ':SYSTem:ERRor[:NEXT]', query: () => status.takeError() },
    ]
  }
}

/** Everything up to the last colon: what the next unit is appended to. */
function pathBehind(header: string, path: string): string {
  const end = header.lastIndexOf(':')
  if (header.startsWith(':')) return end <= 0 ? '' : header.slice(1, end + 1)
  return end < 0 ? path : path + header.slice(0, end + 1)
}

function response(answers: Answers): Uint8Array | undefined {
  const [first] = answers
  if (first === undefined) return undefined
  if (answers.every((answer) => typeof answer === 'string')) return Buffer.from(`${answers.join(';')}\n`, 'latin1')
  const parts: Uint8Array[] = []
  for (const answer of answers) {
    if (parts.length > 0) parts.push(SEPARATOR)
    if (typeof answer === 'string') parts.push(Buffer.from(answer, 'latin1'))
    else parts.push(blockHeader(answer.length), answer)
  }
  parts.push(LINE_END)
  return Buffer.concat(parts)
}

const SEPARATOR = Buffer.from(';')
const LINE_END = Buffer.from('\n')

function blockHeader(length: number): Uint8Array {
  const digits = String(length)
  return Buffer.from(`#${digits.length}${digits}`, 'latin1')
}
