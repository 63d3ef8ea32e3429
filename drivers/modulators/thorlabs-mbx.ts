import { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import type { BiasController, Identity } from '../../core/instruments.ts'
import type { DriverEntry, IdentityQuestion } from '../driver-entry.ts'
import type { Framer } from '../protocols/framer.ts'
import { printable } from '../transports/session-errors.ts'
import type { RawWire } from '../transports/session-options.ts'
import type { WireSession } from '../transports/session.ts'
import { openSession } from '../transports/wire.ts'
import type { Wire } from '../transports/wire.ts'

const settings = z.strictObject({
  /** The controller whose identification contains this serial number and no other. */
  serial: z.string().min(1).optional(),
  /** Longest time to find and lock the null. Calibrations take seconds to a minute. */
  lockTimeoutMs: z.number().positive().default(90_000),
})

export type ThorlabsMbxSettings = z.infer<typeof settings>

export interface MbxTiming {
  /** Longest silence before a reply. */
  readonly replyMs: number
  /** Silence after which nothing more comes of an old reply. */
  readonly quietMs: number
}

const TIMING: MbxTiming = { replyMs: 1000, quietMs: 250 }
const POLL_MS = 250
const SAFE_BUDGET_MS = 10_000

const MODE = { off: '0', null: '2' } as const

const CR = 0x0d
const LF = 0x0a
const MAX_LINE_BYTES = 256
/** A command gives at most one line before the identification that ends the exchange; two more are patience enough. */
const MAX_ANSWERS = 3

/**
 * Bias controller of one Mach–Zehnder modulator, Thorlabs MBX series (and MX transmitters, which contain one).
 *
 * Units: the wire carries volts for the electrode.
 * Leaves: the bias off.
 * Source: Thorlabs TTN116413-D04, Remote Control User Guide MX/MBX/TLX, chapter 2, as far as it is public;
 * pymeasure thorlabsmbxseries.py.
 */
export class ThorlabsMbx implements BiasController {
  readonly identity: Identity
  readonly #name: string
  readonly #session: WireSession
  readonly #clock: Clock
  readonly #identification: string
  readonly #lockTimeoutMs: number

  private constructor(
    wire: Wire,
    session: WireSession,
    settings: ThorlabsMbxSettings,
    clock: Clock,
    identification: string,
  ) {
    this.#name = wire.name
    this.#session = session
    this.#clock = clock
    this.#lockTimeoutMs = settings.lockTimeoutMs
    this.#identification = identification
    this.identity = parseIdentification(identification)
  }

  static async open(
    wire: Wire,
    settings: ThorlabsMbxSettings,
    clock: Clock,
    signal: AbortSignal,
    timing: MbxTiming = TIMING,
  ): Promise<ThorlabsMbx> {
    let identification: string | undefined
    const session = openSession(wire, {
      timeoutMs: timing.replyMs,
      resynchronise: (raw, abort) => catchUp(raw, identification, timing.quietMs, abort),
    })
    try {
      identification = await session.ask(WHO_IS_THERE, firstPlainLine, signal)
      requireIdentity(wire.name, identification, settings.serial)
      // By these words every command is known to be over, and no check sum guards them: heard twice, they are right.
      const again = await session.ask(line('*IDN?'), oneLine, signal)
      if (again !== identification) throw unsteadyIdentity(wire.name, identification, again)
      return new ThorlabsMbx(wire, session, settings, clock, identification)
    } catch (error) {
      await session[Symbol.asyncDispose]()
      throw error
    }
  }

  async lockNull(signal: AbortSignal): Promise<void> {
    const startNs = this.#clock.monotonicNs()
    await this.#setMode('null', signal)
    let isLast: boolean
    do {
      // Not before a while: right after a change of mode the controller may still report the lock of the old one.
      await this.#clock.sleep(POLL_MS, signal)
      // Before the question: an answer that is long under way tells of the moment at which it was given.
      isLast = this.#clock.monotonicNs() - startNs >= this.#lockTimeoutMs * 1e6
      if (await this.readLocked(signal)) return
    } while (!isLast)
    throw new BenchError(
      'INSTRUMENT_NOT_SETTLED',
      `${this.#name}: no lock on the null within ${this.#lockTimeoutMs} ms; it needs light through the modulator`,
      { context: { device: this.#name, lockTimeoutMs: this.#lockTimeoutMs } },
    )
  }

  async readLocked(signal: AbortSignal): Promise<boolean> {
    if (await this.#readFlag('MZM:CALIBRATING?', signal)) return false
    return this.#readFlag('MZM:SETPOINT?', signal)
  }

  async readBiasV(signal: AbortSignal): Promise<number> {
    const reply = await this.#ask('MZM:VOLTAGE?', signal)
    if (/^[+-]?(\d+\.?\d*|\.\d+)(E[+-]?\d+)?$/i.test(reply)) return Number(reply)
    throw this.#unexpected('MZM:VOLTAGE?', reply, 'a number of volts')
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    try {
      await this.#setMode('off', signal)
    } catch (error) {
      throw new BenchError(
        'SAFE_STATE_UNVERIFIED',
        `${this.#name}: the bias was told to switch off and that was not confirmed; it may still be driven`,
        { cause: error, context: { device: this.#name } },
      )
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _session = this.#session
    // A fresh deadline. The caller's signal is often why we are here, and already aborted.
    await this.makeSafe(AbortSignal.timeout(SAFE_BUDGET_MS))
  }

  async #setMode(mode: keyof typeof MODE, signal: AbortSignal): Promise<void> {
    await this.#command(`MZM:MODE: ${MODE[mode]}`, signal)
    const reply = await this.#ask('MZM:MODE?', signal)
    if (reply !== MODE[mode]) throw this.#unexpected('MZM:MODE?', reply, `mode ${MODE[mode]}, which was just set`)
  }

  /**
   * Sends a setting. Depending on firmware and command it answers `1`, or nothing, so that waiting for an answer may
   * wait for ever and not waiting may leave a `1` for the next question. The identification, asked for in the same
   * breath, ends the exchange in either case.
   */
  async #command(command: string, signal: AbortSignal): Promise<void> {
    const request = Buffer.concat([line(command), line('*IDN?')])
    const answers = await this.#session.ask(request, linesUntil(this.#identification), signal)
    const refusal = answers.find((answer) => answer !== '1')
    if (refusal !== undefined) throw this.#refused(command, refusal)
  }

  async #ask(question: string, signal: AbortSignal): Promise<string> {
    const reply = await this.#session.ask(line(question), oneLine, signal)
    if (isError(reply)) throw this.#refused(question, reply)
    return reply
  }

  async #readFlag(question: string, signal: AbortSignal): Promise<boolean> {
    const reply = await this.#ask(question, signal)
    if (reply === '1' || reply === '0') return reply === '1'
    throw this.#unexpected(question, reply, '0 or 1')
  }

  #refused(request: string, reply: string): BenchError {
    return new BenchError('INSTRUMENT_REFUSED', `${this.#name}: "${request}" was answered "${reply}"`, {
      context: { device: this.#name, request, reply },
    })
  }

  #unexpected(request: string, reply: string, expected: string): BenchError {
    return new BenchError(
      'PROTOCOL_UNEXPECTED_REPLY',
      `${this.#name}: "${request}" was answered "${reply}", expected ${expected}`,
      { context: { device: this.#name, request, reply } },
    )
  }
}

function requireIdentity(device: string, identification: string, serial: string | undefined): void {
  const isController = /\b(MBX|MX\d)/i.test(identification)
  if (isController && identification.includes(serial ?? '')) return
  const wanted = serial === undefined ? '' : ` with serial number ${serial}`
  throw new BenchError(
    'INSTRUMENT_WRONG_IDENTITY',
    `${device}: expected a Thorlabs MBX bias controller${wanted}, found "${identification}"`,
    { context: { device, identification, expectedSerial: serial } },
  )
}

function parseIdentification(identification: string): Identity {
  const [maker = '', model = '', serial = '', ...firmware] = identification.split(',').map((field) => field.trim())
  return { maker, model, serial, firmware: firmware.join(',') }
}

const unsteadyIdentity = (device: string, first: string, second: string): BenchError =>
  new BenchError('PROTOCOL_UNEXPECTED_REPLY', `${device} identifies itself as "${first}" and then as "${second}"`, {
    context: { device, reply: second, expected: first },
  })

const line = (text: string): Uint8Array => Buffer.from(`${text}\r`, 'latin1')

/** The line end before it makes a command of whatever was left behind, so that the question stands alone. */
const WHO_IS_THERE = line('\r*IDN?')

const isError = (reply: string): boolean => /^err/i.test(reply)

const endsLine = (byte: number | undefined): boolean => byte === CR || byte === LF

/** CR after one source, LF after the other: any run of them ends a line, and none makes an empty one. */
const oneLine: Framer<string> = (bytes) => {
  let start = 0
  while (endsLine(bytes[start])) start++
  let end = start
  while (end < bytes.length && !endsLine(bytes[end])) end++
  if (end === bytes.length && end - start <= MAX_LINE_BYTES) return undefined
  const text = Buffer.from(bytes.subarray(start, end)).toString('latin1')
  if (end === bytes.length || !/^[\x20-\x7e]*$/.test(text)) {
    const reply = printable(bytes.subarray(start, Math.min(end, start + MAX_LINE_BYTES)))
    throw new BenchError('PROTOCOL_UNEXPECTED_REPLY', `expected a line of text, received ${reply}`, {
      context: { reply },
    })
  }
  let used = end
  while (endsLine(bytes[used])) used++
  return { message: text.trim(), used }
}

/** A line cut short by whoever had the wire before is answered with an error first. */
const firstPlainLine: Framer<string> = (bytes) => {
  const first = oneLine(bytes)
  if (first === undefined || !isError(first.message)) return first
  const second = oneLine(bytes.subarray(first.used))
  return second && { message: second.message, used: first.used + second.used }
}

/** The lines before `last`. */
function linesUntil(last: string): Framer<readonly string[]> {
  return (bytes) => {
    const before: string[] = []
    let used = 0
    for (;;) {
      const next = oneLine(bytes.subarray(used))
      if (next === undefined) return undefined
      used += next.used
      if (next.message === last) return { message: before, used }
      before.push(next.message)
      if (before.length <= MAX_ANSWERS) continue
      throw new BenchError('PROTOCOL_UNEXPECTED_REPLY', `expected "${last}", received ${before.length} other lines`, {
        context: { reply: before },
      })
    }
  }
}

/**
 * Ends a command that was cut short, asks who is there and hears everything out: replies come in the order of the
 * questions, so nothing older can follow that answer.
 */
async function catchUp(
  raw: RawWire,
  identification: string | undefined,
  quietMs: number,
  signal: AbortSignal,
): Promise<void> {
  await raw.write(WHO_IS_THERE, signal)
  const answer = await untilQuiet(raw, quietMs, signal)
  const lines = answer.split(/[\r\n]+/).filter((one) => one.trim() !== '')
  if (lines.at(-1)?.trim() === identification) return
  const { resource } = raw.transport
  throw new BenchError('TRANSPORT_TIMEOUT', `${resource}: the bias controller does not say any more who it is`, {
    context: { resource, expected: identification, received: answer.slice(0, MAX_LINE_BYTES) },
  })
}

async function untilQuiet(raw: RawWire, quietMs: number, signal: AbortSignal): Promise<string> {
  let text = ''
  // Something that never stops talking is no bias controller; its identification will not come last.
  while (text.length < 16 * MAX_LINE_BYTES) {
    const bytes = await raw.nextBytes(quietMs, signal)
    if (bytes === undefined) break
    text += Buffer.from(bytes).toString('latin1')
  }
  return text
}

/**
 * Asks who is there, with no line end in front: one would carry out what somebody else may have left half written.
 * With the question behind it, it is an error, and the second question stands alone.
 */
const askIdentity: IdentityQuestion['ask'] = async (wire, { timeoutMs = TIMING.replyMs }, signal) => {
  await using session = openSession(wire, { timeoutMs })
  const first = await session.ask(line('*IDN?'), oneLine, signal)
  const identification = isError(first) ? await session.ask(line('*IDN?'), oneLine, signal) : first
  requireIdentity(wire.name, identification, undefined)
  return parseIdentification(identification)
}

export const thorlabsMbx: DriverEntry<ThorlabsMbxSettings, ThorlabsMbx> = {
  kind: 'bias-controller',
  wires: ['serial'],
  serialLine: { baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 },
  settings,
  identity: { ask: askIdentity, fits: () => true },
  open: (wire, settings, clock, signal) => ThorlabsMbx.open(wire, settings, clock, signal),
}
