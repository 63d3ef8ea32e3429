import type { Clock } from '../../core/clock.ts'
import { BenchError, isBenchError } from '../../core/errors.ts'
import { itlaRead, itlaRefusal, itlaReply, itlaWrite, requestWasDamaged } from '../protocols/itla.ts'
import type { ItlaReply } from '../protocols/itla.ts'
import type { RawWire } from '../transports/session-options.ts'
import type { WireSession } from '../transports/session.ts'
import { openSession } from '../transports/wire.ts'
import type { Wire } from '../transports/wire.ts'

/** Register numbers by their names in the agreement. */
const REGISTERS = {
  NOP: 0x00,
  DevTyp: 0x01,
  MFGR: 0x02,
  Model: 0x03,
  SerNo: 0x04,
  Release: 0x06,
  'AEA-EAR': 0x0b,
  StatusW: 0x21,
  Channel: 0x30,
  PWR: 0x31,
  ResEna: 0x32,
  GRID: 0x34,
  FCF1: 0x35,
  FCF2: 0x36,
  LF1: 0x40,
  LF2: 0x41,
  OOP: 0x42,
  OPSL: 0x50,
  OPSH: 0x51,
  LFL1: 0x52,
  LFL2: 0x53,
  LFH1: 0x54,
  LFH2: 0x55,
  FTF: 0x62,
  FCF3: 0x67,
  LF3: 0x68,
  LFL3: 0x69,
  LFH3: 0x6a,
} as const

export type ItlaRegister = keyof typeof REGISTERS

export interface ItlaTiming {
  /** Longest silence before a reply. */
  readonly replyMs: number
  /** Silence after which nothing more comes of an old reply. */
  readonly quietMs: number
}

/** Thresholds and masks, 0x22 to 0x2A: reading them changes nothing, and nothing else here asks for them. */
const PROOFS = [0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a]

const REFUSAL_MASK = 0x000f
const MODULE_READY = 0x0010
const NOT_IMPLEMENTED = 0x1
const BUSY_REFUSALS: readonly number[] = [0x4, 0x5]
const POLL_MS = 100
/** The longest string the laser may announce; more is a misread length. */
const MAX_TEXT_BYTES = 256
const MOST_HEARD_BYTES = 4096

/**
 * The registers of one ITLA laser, over its serial line.
 *
 * Throws: INSTRUMENT_REFUSED with the laser's own reason; INSTRUMENT_NOT_SETTLED when an operation stays pending;
 * PROTOCOL_CHECKSUM when a reply, or a request twice in a row, was damaged.
 */
export class ItlaRegisters implements AsyncDisposable {
  readonly name: string
  readonly #session: WireSession
  readonly #clock: Clock
  readonly #settleTimeoutMs: number

  constructor(wire: Wire, clock: Clock, settleTimeoutMs: number, timing: ItlaTiming, resynchronise = realigner()) {
    this.name = wire.name
    this.#clock = clock
    this.#settleTimeoutMs = settleTimeoutMs
    this.#session = openSession(wire, {
      timeoutMs: timing.replyMs,
      resynchronise: (raw, signal) => resynchronise(raw, timing.quietMs, signal),
    })
  }

  /** First words on the line. Resolves when the laser has started up. */
  async wake(signal: AbortSignal): Promise<void> {
    try {
      await this.#lastRefusal(signal)
      // A laser in the middle of a frame may take zeros and answer them; only the reply to another register tells.
      await this.read('StatusW', signal)
    } catch (error) {
      // Whoever had the line before may have left half a request or half a reply. The next exchange realigns the laser.
      if (!isBenchError(error, 'TRANSPORT_TIMEOUT', 'PROTOCOL_CHECKSUM', 'PROTOCOL_UNEXPECTED_REPLY')) throw error
    }
    await this.untilIdle(signal)
  }

  async read(register: ItlaRegister, signal: AbortSignal): Promise<number> {
    const reply = await this.#exchange(register, itlaRead(REGISTERS[register]), signal)
    if (reply.status === 'done') return reply.data
    if (reply.status === 'execution-error') throw this.#refused(`read ${register}`, await this.#lastRefusal(signal))
    throw this.#unexpected(register, reply)
  }

  /** Undefined where the laser follows an agreement older than the register. */
  async readIfImplemented(register: ItlaRegister, signal: AbortSignal): Promise<number | undefined> {
    const reply = await this.#exchange(register, itlaRead(REGISTERS[register]), signal)
    if (reply.status === 'done') return reply.data
    if (reply.status !== 'execution-error') throw this.#unexpected(register, reply)
    const refusal = await this.#lastRefusal(signal)
    if (refusal === NOT_IMPLEMENTED) return undefined
    throw this.#refused(`read ${register}`, refusal)
  }

  /** Empty where the laser does not keep this text. */
  async readText(register: ItlaRegister, signal: AbortSignal): Promise<string> {
    const reply = await this.#exchange(register, itlaRead(REGISTERS[register]), signal)
    if (reply.status === 'execution-error') {
      const refusal = await this.#lastRefusal(signal)
      if (refusal === NOT_IMPLEMENTED) return ''
      throw this.#refused(`read ${register}`, refusal)
    }
    if (reply.status !== 'extended' || reply.data > MAX_TEXT_BYTES) throw this.#unexpected(register, reply)
    const bytes: number[] = []
    while (bytes.length < reply.data) {
      const word = await this.read('AEA-EAR', signal)
      bytes.push(word >> 8, word & 0xff)
    }
    const text = Buffer.from(bytes.slice(0, reply.data)).toString('latin1')
    const end = text.indexOf('\0')
    const shown = end < 0 ? text : text.slice(0, end)
    if (/^[\x20-\x7e]*$/.test(shown)) return shown.trim()
    throw new BenchError('PROTOCOL_UNEXPECTED_REPLY', `${this.name}: ${register} is not text`, {
      context: { device: this.name, register, reply: Buffer.from(bytes).toString('hex') },
    })
  }

  /** Resolves once the laser has carried it out, however long the operation stays pending. */
  async write(register: ItlaRegister, data: number, signal: AbortSignal): Promise<void> {
    const startNs = this.#clock.monotonicNs()
    for (;;) {
      const reply = await this.#exchange(register, itlaWrite(REGISTERS[register], data), signal)
      if (reply.status === 'done') return
      if (reply.status === 'pending') return this.untilIdle(signal)
      if (reply.status === 'extended') throw this.#unexpected(register, reply)
      const refusal = await this.#lastRefusal(signal)
      // An operation that an earlier caller gave up still runs: its end is worth waiting for.
      if (!BUSY_REFUSALS.includes(refusal) || this.#isOver(startNs)) {
        throw this.#refused(`set ${register} to 0x${(data & 0xffff).toString(16).padStart(4, '0')}`, refusal)
      }
      await this.#clock.sleep(POLL_MS, signal)
      await this.untilIdle(signal)
    }
  }

  /** Throws: INSTRUMENT_NOT_SETTLED when something is still pending at the deadline. */
  async untilIdle(signal: AbortSignal): Promise<void> {
    await this.until('the pending operation is done', signal, async () => {
      const nop = await this.#exchange('NOP', itlaRead(REGISTERS.NOP), signal)
      const pending = nop.data >> 8
      return nop.status !== 'pending' && pending === 0 && (nop.data & MODULE_READY) !== 0
    })
  }

  /** Asks until the answer is yes. */
  async until(what: string, signal: AbortSignal, isSo: () => Promise<boolean>): Promise<void> {
    const startNs = this.#clock.monotonicNs()
    for (;;) {
      // Before the question: an answer that is long under way tells of the moment at which it was given.
      const isLast = this.#isOver(startNs)
      if (await isSo()) return
      if (isLast) {
        throw new BenchError(
          'INSTRUMENT_NOT_SETTLED',
          `${this.name}: waited ${this.#settleTimeoutMs} ms until ${what}, in vain`,
          { context: { device: this.name, settleTimeoutMs: this.#settleTimeoutMs } },
        )
      }
      await this.#clock.sleep(POLL_MS, signal)
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#session[Symbol.asyncDispose]()
  }

  async #exchange(register: ItlaRegister, request: Uint8Array, signal: AbortSignal): Promise<ItlaReply> {
    const ask = (): Promise<ItlaReply> => this.#session.ask(request, itlaReply(REGISTERS[register]), signal)
    try {
      return await ask()
    } catch (error) {
      // The laser did nothing, so asking once more is safe for every register.
      if (!requestWasDamaged(error)) throw error
      return await ask()
    }
  }

  /** Why the last command failed. Reading it may clear it. */
  async #lastRefusal(signal: AbortSignal): Promise<number> {
    const nop = await this.#exchange('NOP', itlaRead(REGISTERS.NOP), signal)
    return nop.data & REFUSAL_MASK
  }

  #isOver(startNs: number): boolean {
    return this.#clock.monotonicNs() - startNs >= this.#settleTimeoutMs * 1e6
  }

  #refused(action: string, refusal: number): BenchError {
    const reason = itlaRefusal(refusal)
    return new BenchError('INSTRUMENT_REFUSED', `${this.name}: the laser refused to ${action}: ${reason}`, {
      context: { device: this.name, action, refusal: reason },
    })
  }

  #unexpected(register: ItlaRegister, reply: ItlaReply): BenchError {
    return new BenchError(
      'PROTOCOL_UNEXPECTED_REPLY',
      `${this.name}: ${register} answered ${reply.status}, 0x${reply.data.toString(16)}`,
      { context: { device: this.name, register, reply } },
    )
  }
}

/**
 * Brings laser and line back to the start of a frame: zero bytes, one at a time, complete whatever the laser holds of
 * a request that was cut short, until it answers. A reply that was still on its way looks like that answer and leaves
 * the laser in the middle of a frame, so a question follows whose reply names its register: another one each time,
 * because the reply to an earlier attempt may still come.
 */
function realigner(): (raw: RawWire, quietMs: number, signal: AbortSignal) => Promise<void> {
  let attempts = 0
  const nextProof = (): number => PROOFS[attempts++ % PROOFS.length]!
  return (raw, quietMs, signal) => realign(raw, nextProof, quietMs, signal)
}

async function realign(raw: RawWire, nextProof: () => number, quietMs: number, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt++) {
    let answered = false
    for (let zeros = 0; zeros < 4 && !answered; zeros++) {
      await raw.write(Uint8Array.of(0), signal)
      answered = (await nextFrame(raw, quietMs, signal)).length === 4
    }
    if (!answered) continue
    const proof = nextProof()
    await raw.write(itlaRead(proof), signal)
    if (isReplyTo(proof, await nextFrame(raw, quietMs, signal))) return
  }
  const { resource } = raw.transport
  throw new BenchError('TRANSPORT_TIMEOUT', `${resource}: the laser does not answer; is it powered, and at 9600 Bd?`, {
    context: { resource },
  })
}

/** For who may only ask: hears the line out, and leaves the laser where it stands in a frame. */
export async function hearOut(raw: RawWire, quietMs: number, signal: AbortSignal): Promise<void> {
  for (let heard = 0; heard <= MOST_HEARD_BYTES;) {
    const bytes = await raw.nextBytes(quietMs, signal)
    if (bytes === undefined) return
    heard += bytes.length
  }
  const { resource } = raw.transport
  throw new BenchError('TRANSPORT_TIMEOUT', `${resource}: the line never falls silent`, { context: { resource } })
}

/** Four bytes, or fewer when the line falls silent before. */
async function nextFrame(raw: RawWire, quietMs: number, signal: AbortSignal): Promise<Uint8Array> {
  let frame = Buffer.alloc(0)
  while (frame.length < 4) {
    const bytes = await raw.nextBytes(quietMs, signal)
    if (bytes === undefined) break
    frame = Buffer.concat([frame, bytes])
  }
  return frame
}

function isReplyTo(register: number, frame: Uint8Array): boolean {
  try {
    return frame.length === 4 && itlaReply(register)(frame) !== undefined
  } catch (error) {
    if (isBenchError(error)) return false
    throw error
  }
}
