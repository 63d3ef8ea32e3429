import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import type { Identity, PhaseShifterBank } from '../../core/instruments.ts'
import { requireInRange } from '../../core/range.ts'
import type { Range } from '../../core/range.ts'
import {
  CHANNELS,
  FIRMWARE,
  FULL_MA,
  FULL_V,
  QontrolOutputs,
  moduleSerial,
  readingText,
} from '../instruments/qontrol-outputs.ts'
import type { HeaterPort } from '../optics/world-ports.ts'
import type { Refusal } from '../protocols/qontrol-commands.ts'
import type { SimContext } from '../sim-entry.ts'
import { numberSetting } from './direct-entry.ts'
import type { DirectEntry } from './direct-entry.ts'
import { requireLive, wait } from './turns.ts'

/** Settings are written with so many decimals. */
const VOLT_DECIMALS = 5
const MILLIAMP_DECIMALS = 4
/** The read-back is a measurement with an offset of some millivolts. */
const SAFE_V = 0.05
const SETTLE_MS = 5
const SAFE_READINGS = 4
const SAFE_BUDGET_MS = 10_000

const MEANINGS: Readonly<Record<number, string>> = { 1: 'over-voltage', 2: 'over-current' }

/**
 * A chain of Qontrol Q8iv modules: 16 bits of 12 V, readings of 0.1 mV and 0.1 µA.
 *
 * What a module reports after a setting makes the next call fail, as on its wire: INSTRUMENT_REFUSED.
 * Leaves: every output at 0 V.
 */
export class DirectPhaseShifterBank implements PhaseShifterBank {
  readonly identity: Identity
  readonly channelCount: number
  readonly voltageRangeV: Range
  readonly #outputs: QontrolOutputs
  readonly #name: string
  readonly #clock: Clock
  /** What modules said after a setting, and nobody was told yet. */
  #unreported: Refusal[] = []
  #open = true

  constructor(port: HeaterPort, context: SimContext) {
    const { name, seed, clock, settings } = context
    const modules = numberSetting(context, 'modules')
    const serials = Array.from({ length: modules }, (_, place) => moduleSerial(place, name, seed))
    this.identity = { maker: 'Qontrol', model: 'Q8iv', serial: serials.join(', '), firmware: FIRMWARE }
    this.channelCount = modules * CHANNELS
    this.voltageRangeV = { min: 0, max: Math.min(numberSetting(context, 'limitV'), FULL_V) }
    this.#outputs = new QontrolOutputs(port, this.channelCount, name, seed)
    this.#name = name
    this.#clock = clock
    if (settings['limitMa'] === undefined) return
    const limitMa = numberSetting(context, 'limitMa')
    requireInRange(`${name}: limitMa`, limitMa, { min: 0, max: FULL_MA })
    this.#outputs.maxMa.fill(Number(limitMa.toFixed(MILLIAMP_DECIMALS)))
  }

  async setVoltagesV(first: number, voltagesV: Float64Array, signal: AbortSignal): Promise<void> {
    const count = voltagesV.length
    if (!Number.isInteger(first) || first < 0 || first + count > this.channelCount) {
      throw new BenchError(
        'RANGE_EXCEEDED',
        `channels ${first} to ${first + count - 1} are not all among 0 to ${this.channelCount - 1}`,
        { context: { first, count, channelCount: this.channelCount } },
      )
    }
    for (let index = 0; index < count; index++) {
      requireInRange(`voltage of channel ${first + index}`, voltagesV[index]!, this.voltageRangeV)
    }
    for (let at = 0; at < count;) {
      this.#look(signal)
      for (const end = at + commandSize(first + at, count - at); at < end; at++) this.#setV(first + at, voltagesV[at]!)
    }
  }

  async readVoltagesV(signal: AbortSignal): Promise<Float64Array> {
    this.#look(signal)
    return this.#readV()
  }

  async readPowersMw(signal: AbortSignal): Promise<Float64Array> {
    this.#look(signal)
    const powersMw = this.#readV()
    for (let channel = 0; channel < powersMw.length; channel++) {
      powersMw[channel] = powersMw[channel]! * asWritten(this.#outputs.readMa(channel))
    }
    return powersMw
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    let hot: readonly number[] = []
    let readingsV: Float64Array = new Float64Array()
    try {
      requireLive(this.#name, signal)
      for (let channel = 0; channel < this.channelCount; channel++) this.#setV(channel, 0)
      for (let reading = 0; reading < SAFE_READINGS; reading++) {
        await wait(this.#name, this.#clock, SETTLE_MS, signal)
        readingsV = this.#readV()
        hot = [...readingsV.keys()].filter((channel) => Math.abs(readingsV[channel]!) >= SAFE_V)
        if (hot.length === 0) return
      }
    } catch (cause) {
      throw new BenchError('SAFE_STATE_UNVERIFIED', `heaters should be within ${SAFE_V} V of 0, and none was read`, {
        cause,
        context: { expectedV: 0 },
      })
    }
    const what = `heaters should be within ${SAFE_V} V of 0, channels ${hot.join(', ')} are not`
    throw new BenchError('SAFE_STATE_UNVERIFIED', what, {
      context: { channels: hot, readingsV: hot.map((channel) => readingsV[channel]), expectedV: 0 },
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await this.makeSafe(AbortSignal.timeout(SAFE_BUDGET_MS))
  }

  #setV(channel: number, voltageV: number): void {
    const notice = this.#outputs.setV(channel, Number(voltageV.toFixed(VOLT_DECIMALS)))
    if (notice !== undefined) this.#unreported.push(notice)
  }

  #readV(): Float64Array {
    const voltagesV = new Float64Array(this.channelCount)
    for (let channel = 0; channel < voltagesV.length; channel++) {
      voltagesV[channel] = asWritten(this.#outputs.readV(channel))
    }
    return voltagesV
  }

  /** Throws what modules said since the last call. */
  #look(signal: AbortSignal): void {
    const unreported = this.#unreported
    if (unreported.length > 0) {
      this.#unreported = []
      throw new BenchError('INSTRUMENT_REFUSED', `${this.#name}: ${unreported.map(described).join('; ')}`, {
        context: { name: this.#name, errors: unreported, ...unreported[0] },
      })
    }
    requireLive(this.#name, signal)
  }
}

/** A reading of −0.0000 is plain zero. */
const asWritten = (value: number): number => Number(readingText(value)) + 0

/** A module that is covered whole is set by one command, a single channel by another. */
function commandSize(channel: number, left: number): number {
  return channel % CHANNELS === 0 && left >= CHANNELS ? CHANNELS : 1
}

function described({ code, detail }: Refusal): string {
  const line = `E${String(code).padStart(2, '0')}:${String(detail).padStart(2, '0')}`
  return `${line}, ${MEANINGS[code] ?? 'an error'} on channel ${detail} of a module`
}

export const directQontrol: DirectEntry<'phase-shifter-bank'> = {
  kind: 'phase-shifter-bank',
  open: async (port, context) => new DirectPhaseShifterBank(port, context),
}
