import { ScpiCall } from './scpi-call.ts'
import { ScpiCommands } from './scpi-commands.ts'
import type { ScpiAnswer, ScpiMatch, ScpiRow } from './scpi-commands.ts'
import { ScpiFault } from './scpi-fault.ts'
import type { ScpiMessage, ScpiUnit } from './scpi-message.ts'
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

  get aborted(): boolean {
    return this.#controller?.signal.aborted === true
  }

  abort(): void {
    this.#controller ??= new AbortController()
    this.#controller.abort()
  }
}

/** The answers of one message so far. */
interface Response {
  readonly answers: Exclude<ScpiAnswer, undefined>[]
  /** The last of them can have none behind it. */
  ended: boolean
}

/**
 * Executes program messages against a command table: the path rule of `;`, common commands, errors into the queue.
 *
 * A command error ends the message; after an execution error the next unit is tried.
 * Answers of one message make one response, separated by `;` and ended by NL.
 */
export class ScpiInterpreter {
  readonly #model: ScpiModel
  readonly #commands: ScpiCommands
  /** Of the *OPC that waits for its operations. */
  #completion: AbortController | undefined

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
    return this.#from(0, '', { answers: [], ended: false }, message, exchange)
  }

  /** What *RST, *CLS and a device clear do to a *OPC that still waits. */
  cancelCompletion(): void {
    this.#completion?.abort()
    this.#completion = undefined
  }

  #from(
    index: number,
    path: string,
    response: Response,
    message: ScpiMessage,
    exchange: ScpiExchange,
  ): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const { units, fault } = message
    for (; index < units.length; index++) {
      const unit = units[index]!
      const found = this.#find(unit.header, path)
      if (typeof found === 'number') {
        this.#model.status.report(found)
        return encode(response)
      }
      if (!unit.header.startsWith('*')) path = pathBehind(unit.header, path)
      try {
        const result = this.#execute(unit, found, response, exchange)
        if (result instanceof Promise) {
          const [next, behind] = [index + 1, path]
          return result.then(
            (answer) => {
              if (exchange.aborted) return undefined
              add(answer, response)
              return this.#from(next, behind, response, message, exchange)
            },
            (error: unknown) => {
              if (exchange.aborted) return undefined
              if (this.#endsMessage(error)) return encode(response)
              return this.#from(next, behind, response, message, exchange)
            },
          )
        }
        add(result, response)
      } catch (error) {
        if (this.#endsMessage(error)) return encode(response)
      }
    }
    if (fault !== 0) this.#model.status.report(fault)
    return encode(response)
  }

  #find(header: string, path: string): ScpiMatch | number {
    if (header.startsWith(':')) return this.#commands.find(header.slice(1))
    return this.#commands.find(path === '' || header.startsWith('*') ? header : path + header)
  }

  #execute(
    { query, parameters }: ScpiUnit,
    { row, suffixes }: ScpiMatch,
    response: Response,
    exchange: ScpiExchange,
  ): ScpiAnswer | Promise<ScpiAnswer> {
    const call = new ScpiCall(suffixes, parameters, exchange)
    if (query) {
      if (row.query === undefined) throw new ScpiFault(-113)
      if (parameters.length > (row.asks ?? 0)) throw new ScpiFault(-108)
      if (response.ended) throw new ScpiFault(-440)
      if (row.endsResponse === true) response.ended = true
      if (row === this.#statusByte) return String(this.#model.status.statusByte(response.answers.length > 0))
      return row.query(call)
    }
    if (row.set === undefined) throw new ScpiFault(-113)
    if (parameters.length > (row.takes ?? 1)) throw new ScpiFault(-108)
    return row.set(call) as undefined | Promise<undefined>
  }

  /** Reports it. Command errors end the message; after others the next unit is tried. */
  #endsMessage(error: unknown): boolean {
    // Anything else is a fault of the twin itself, not of what was sent to it.
    if (!(error instanceof ScpiFault)) throw error
    this.#model.status.report(error.number, error.message)
    return error.number > -200 && error.number < 0
  }

  readonly #statusByte: ScpiRow = { header: '*STB', query: () => undefined }

  #commonRows(): readonly ScpiRow[] {
    const { status, identity } = this.#model
    const whenIdle = <T extends ScpiAnswer>(call: ScpiCall, answer: () => T): T | Promise<T> => {
      const wait = this.#model.idle?.(call.exchange.signal)
      return wait === undefined ? answer() : wait.then(answer)
    }
    return [
      { header: '*IDN', query: () => identity, endsResponse: true },
      {
        header: '*RST',
        takes: 0,
        set: () => {
          this.cancelCompletion()
          this.#model.reset()
        },
      },
      {
        header: '*CLS',
        takes: 0,
        set: () => {
          this.cancelCompletion()
          status.clear()
        },
      },
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
        set: () => {
          this.cancelCompletion()
          const completion = (this.#completion = new AbortController())
          const wait = this.#model.idle?.(completion.signal)
          if (wait === undefined) status.complete()
          else
            void wait.then(
              () => {
                if (!completion.signal.aborted) status.complete()
              },
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

function add(answer: ScpiAnswer, response: Response): void {
  if (answer === undefined) return
  response.answers.push(answer)
  if (typeof answer === 'object' && 'indefinite' in answer) response.ended = true
}

function encode({ answers }: Response): Uint8Array | undefined {
  if (answers.length === 0) return undefined
  if (answers.every((answer) => typeof answer === 'string')) return Buffer.from(`${answers.join(';')}\n`, 'latin1')
  const parts: Uint8Array[] = []
  for (const answer of answers) {
    if (parts.length > 0) parts.push(SEPARATOR)
    if (typeof answer === 'string') parts.push(Buffer.from(answer, 'latin1'))
    else if ('indefinite' in answer) parts.push(INDEFINITE, answer.indefinite)
    else parts.push(blockHeader(answer.length), answer)
  }
  parts.push(LINE_END)
  return Buffer.concat(parts)
}

const SEPARATOR = Buffer.from(';')
const LINE_END = Buffer.from('\n')
const INDEFINITE = Buffer.from('#0')

function blockHeader(length: number): Uint8Array {
  const digits = String(length)
  return Buffer.from(`#${digits.length}${digits}`, 'latin1')
}
