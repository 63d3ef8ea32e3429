import { z } from 'zod'
import { Cleanup } from '../../core/cleanup.ts'
import type { Clock } from '../../core/clock.ts'
import { BenchError, isBenchError } from '../../core/errors.ts'
import type { Identity, PhaseShifterBank } from '../../core/instruments.ts'
import { requireInRange } from '../../core/range.ts'
import type { Range } from '../../core/range.ts'
import type { DriverEntry, IdentityQuestion } from '../driver-entry.ts'
import {
  CHANNELS_PER_MODULE,
  UNKNOWN_COMMAND,
  parseChainLine,
  parseMilliamps,
  parseModule,
  parseOk,
  parseVolts,
  query,
  restartEnumeration,
  setCurrentLimit,
  setModule,
  setVoltage,
  unexpected,
} from '../protocols/qontrol-lines.ts'
import type { QontrolModule } from '../protocols/qontrol-lines.ts'
import type { Wire } from '../transports/wire.ts'
import { QONTROL_TIMING, QontrolConversation } from './qontrol-conversation.ts'
import type { QontrolTiming } from './qontrol-conversation.ts'

const settings = z.strictObject({
  /** Modules in the chain, all of 8 channels. */
  modules: z.number().int().min(1).max(64),
  /** Highest voltage that this bench may ask for. */
  limitV: z.number().min(0).max(12).default(12),
  /** Programmed into the modules as each channel's current limit when the chain is opened. */
  limitMa: z.number().positive().optional(),
})

export type QontrolQ8Settings = z.infer<typeof settings>

const IDENTIFY_TRIES = 3
/** The read-back is a measurement with an offset of some millivolts. */
const SAFE_V = 0.05
/** Outputs settle in about a millisecond, and the converter needs a few more to see it. */
const SETTLE_MS = 5
const SAFE_READINGS = 4
const SAFE_BUDGET_MS = 10_000

/**
 * A chain of Qontrol Q8 modules (Q8iv, Q8b, Q8a, Q8bi): eight voltage outputs each, 16 bits, channels counted along
 * the chain from 0.
 *
 * A whole module is set by one `vVEC` command, at once; the start of a vector elsewhere than at a module's first
 * channel is documented nowhere, so single channels are set by `v` commands, one after the other.
 *
 * Units: volts and milliamperes, here and on the wire.
 * Throws: RANGE_EXCEEDED before a byte is sent. A module reports over-voltage, over-current and power failures when
 * they happen: with the reply to another command, which then fails, or between two, and then the next one fails
 * (INSTRUMENT_REFUSED; INSTRUMENT_STATE_LOST when it lost power).
 * Leaves: every output at 0 V.
 * Source: takeqontrol/api, qontrol.py 1.1.20 and recorded traffic (progs/).
 */
export class QontrolQ8 implements PhaseShifterBank {
  readonly identity: Identity
  readonly channelCount: number
  readonly voltageRangeV: Range
  readonly #conversation: QontrolConversation
  readonly #clock: Clock
  #open = true

  private constructor(
    conversation: QontrolConversation,
    clock: Clock,
    identity: Identity,
    channelCount: number,
    highestV: number,
  ) {
    this.#conversation = conversation
    this.#clock = clock
    this.identity = identity
    this.channelCount = channelCount
    this.voltageRangeV = { min: 0, max: highestV }
  }

  static async open(
    wire: Wire,
    settings: QontrolQ8Settings,
    clock: Clock,
    signal: AbortSignal,
    timing: QontrolTiming = QONTROL_TIMING,
  ): Promise<QontrolQ8> {
    await using opened = new Cleanup()
    const conversation = opened.use(new QontrolConversation(wire, timing))
    await identify(conversation, wire.name, timing, signal)
    conversation.identified()
    await conversation.ask(restartEnumeration(), parseOk, signal)
    const chain = await readChain(conversation, wire.name, settings.modules, signal)
    const fullScaleV = await conversation.askOne(query('vfull'), (line) => parseAfterChain(line, parseVolts), signal)
    const more = conversation.strayLines.find((line) => parseChainLine(line) !== undefined)
    if (more !== undefined) throw wrongChain(wire.name, `${more} is in the chain, too`, settings.modules)
    const firmware = await conversation.askOne(query('firmware'), (line) => line, signal)
    const channelCount = settings.modules * CHANNELS_PER_MODULE
    if (settings.limitMa !== undefined) {
      const fullScaleMa = await conversation.askOne(query('ifull'), parseMilliamps, signal)
      requireInRange(`${wire.name}: limitMa`, settings.limitMa, { min: 0, max: fullScaleMa })
      for (let channel = 0; channel < channelCount; channel++)
        await conversation.tell(setCurrentLimit(channel, settings.limitMa), signal)
    }
    opened.move()
    return new QontrolQ8(
      conversation,
      clock,
      {
        maker: 'Qontrol',
        model: [...new Set(chain.map(({ type }) => type))].join(', '),
        serial: chain.map(({ serial }) => serial).join(', '),
        firmware,
      },
      channelCount,
      Math.min(settings.limitV, fullScaleV),
    )
  }

  async setVoltagesV(first: number, voltagesV: Float64Array, signal: AbortSignal): Promise<void> {
    if (!Number.isInteger(first) || first < 0 || first + voltagesV.length > this.channelCount)
      throw new BenchError(
        'RANGE_EXCEEDED',
        `channels ${first} to ${first + voltagesV.length - 1} are not all among 0 to ${this.channelCount - 1}`,
        { context: { first, count: voltagesV.length, channelCount: this.channelCount } },
      )
    voltagesV.forEach((voltageV, index) =>
      requireInRange(`voltage of channel ${first + index}`, voltageV, this.voltageRangeV),
    )
    // All commands before the first await: the array is the caller's.
    for (const command of commandsFor(first, voltagesV)) await this.#conversation.tell(command, signal)
  }

  async readVoltagesV(signal: AbortSignal): Promise<Float64Array> {
    const { channelCount: count } = this
    return Float64Array.from(await this.#conversation.ask(query('vall'), parseVolts, signal, { count }))
  }

  async readPowersMw(signal: AbortSignal): Promise<Float64Array> {
    const { channelCount: count } = this
    const voltagesV = await this.readVoltagesV(signal)
    const currentsMa = await this.#conversation.ask(query('iall'), parseMilliamps, signal, { count })
    return voltagesV.map((voltageV, channel) => voltageV * currentsMa[channel]!)
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    const failures: unknown[] = []
    const zeros = new Float64Array(this.channelCount)
    // A module that refuses must not keep the others hot.
    for (const command of commandsFor(0, zeros))
      await this.#conversation.askRegardless(command, parseOk, signal).catch((error: unknown) => failures.push(error))
    let hot: readonly number[] = [...zeros.keys()]
    let readings: readonly number[] = []
    for (let reading = 0; reading < SAFE_READINGS && hot.length > 0; reading++) {
      try {
        await this.#clock.sleep(SETTLE_MS, signal)
        readings = await this.#conversation.askRegardless(query('vall'), parseVolts, signal, this.channelCount)
        hot = [...readings.keys()].filter((channel) => Math.abs(readings[channel] ?? NaN) >= SAFE_V)
      } catch (error) {
        failures.push(error)
      }
    }
    if (hot.length === 0) return
    const seen = readings.length === 0 ? 'and none can be read' : `channels ${hot.join(', ')} are not`
    throw new BenchError('SAFE_STATE_UNVERIFIED', `heaters should be within ${SAFE_V} V of 0, ${seen}`, {
      cause: failures[0],
      context: { channels: hot, readingsV: hot.map((channel) => readings[channel]), expectedV: 0 },
    })
  }

  /** Cold first; then the wire closes, even if that failed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await using closing = new Cleanup()
    closing.use(this.#conversation)
    // A fresh deadline: the caller's signal is often why we are here.
    await this.makeSafe(AbortSignal.timeout(SAFE_BUDGET_MS))
  }
}

/** The first module of the chain answers for all of them. */
const askIdentity: IdentityQuestion['ask'] = async (wire, { timeoutMs = QONTROL_TIMING.identifyMs }, signal) => {
  const timing = { ...QONTROL_TIMING, identifyMs: timeoutMs }
  await using conversation = new QontrolConversation(wire, timing)
  const { type, serial } = await identify(conversation, wire.name, timing, signal)
  return { maker: 'Qontrol', model: type, serial, firmware: '' }
}

export const qontrolQ8: DriverEntry<QontrolQ8Settings, QontrolQ8> = {
  kind: 'phase-shifter-bank',
  wires: ['serial'],
  serialLine: { baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 },
  settings,
  identity: { ask: askIdentity, fits: () => true },
  open: (wire, values, clock, signal) => QontrolQ8.open(wire, values, clock, signal),
}

/** A vector for each module that is covered whole, single commands for what is left over. */
function commandsFor(first: number, voltagesV: Float64Array): readonly Uint8Array[] {
  const commands: Uint8Array[] = []
  for (let at = 0; at < voltagesV.length;) {
    const channel = first + at
    const whole = channel % CHANNELS_PER_MODULE === 0 && at + CHANNELS_PER_MODULE <= voltagesV.length
    const count = whole ? CHANNELS_PER_MODULE : 1
    commands.push(
      whole ? setModule(channel, voltagesV.subarray(at, at + count)) : setVoltage(channel, voltagesV[at] ?? NaN),
    )
    at += count
  }
  return commands
}

/** The first `id?` after a port was opened often gets no answer, or that of a line begun before. */
async function identify(
  conversation: QontrolConversation,
  name: string,
  timing: QontrolTiming,
  signal: AbortSignal,
): Promise<QontrolModule> {
  for (let tries = 1; ; tries++) {
    try {
      const parse = (line: string): QontrolModule => {
        const module = parseModule(line)
        if (module === undefined) throw unexpected(line, 'an identity such as Q8iv-00F2')
        return module
      }
      const module = await conversation.askOne(query('id'), parse, signal, timing.identifyMs)
      if (module.type.startsWith('Q8')) return module
      throw wrongIdentity(name, `${module.type}-${module.serial} answered`)
    } catch (error) {
      const again = isBenchError(
        error,
        'TRANSPORT_TIMEOUT',
        'PROTOCOL_UNEXPECTED_REPLY',
        'INSTRUMENT_REFUSED',
        'INSTRUMENT_STATE_LOST',
      )
      if (again && tries < IDENTIFY_TRIES) continue
      if (isBenchError(error, 'PROTOCOL_UNEXPECTED_REPLY'))
        throw wrongIdentity(name, `${JSON.stringify(error.context['reply'])} answered`, error)
      throw error
    }
  }
}

async function readChain(
  conversation: QontrolConversation,
  name: string,
  modules: number,
  signal: AbortSignal,
): Promise<readonly QontrolModule[]> {
  const seen = new Map<number, QontrolModule>()
  const parse = (line: string): true | undefined => {
    // Each module acknowledges the enumeration, the last ones late.
    if (line === 'OK') return undefined
    const module = parseChainLine(line)
    if (module === undefined) throw unexpected(line, 'a module and its place, such as Q8iv-00F2: 0')
    seen.set(module.place, module)
    return true
  }
  try {
    try {
      await conversation.ask(query('nupall'), parse, signal, { count: modules })
    } catch (error) {
      if (!isBenchError(error, 'INSTRUMENT_REFUSED') || error.context['code'] !== UNKNOWN_COMMAND) throw error
      // Older firmware knows this form only.
      await conversation.ask(query('nup'), parse, signal, { count: modules })
    }
  } catch (error) {
    if (!isBenchError(error, 'TRANSPORT_TIMEOUT') || seen.size === 0) throw error
    throw wrongChain(name, `the chain has ${seen.size}`, modules, error)
  }
  const chain = [...seen.keys()].sort((left, right) => left - right).map((place) => seen.get(place) as QontrolModule)
  const places = [...seen.keys()].sort((left, right) => left - right).join(', ')
  if (chain.length !== modules || !seen.has(0) || !seen.has(modules - 1))
    throw wrongChain(name, `the chain has places ${places}`, modules)
  const other = chain.find(({ type }) => !type.startsWith('Q8'))
  if (other !== undefined) throw wrongIdentity(name, `${other.type}-${other.serial} is in the chain`)
  return chain
}

/** The chain's lines end before the reply to the next question: one more of them is a module too many. */
function parseAfterChain<T>(line: string, parse: (line: string) => T): T | undefined {
  if (line === 'OK') return undefined
  if (parseChainLine(line) !== undefined)
    throw new BenchError('INSTRUMENT_WRONG_IDENTITY', `the chain is longer than the bench file says: ${line}`, {
      context: { reply: line },
    })
  return parse(line)
}

const wrongIdentity = (name: string, got: string, cause?: unknown): BenchError =>
  new BenchError('INSTRUMENT_WRONG_IDENTITY', `${name}: ${got}, expected a Qontrol Q8 module`, {
    cause,
    context: { name, got, expected: 'Q8iv, Q8b, Q8a or Q8bi' },
  })

const wrongChain = (name: string, got: string, modules: number, cause?: unknown): BenchError =>
  new BenchError('INSTRUMENT_WRONG_IDENTITY', `${name}: ${got}, the bench file says modules: ${modules}`, {
    cause,
    context: { name, got, expected: modules },
  })
