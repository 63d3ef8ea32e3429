import type { Range } from '../../core/range.ts'
import type { LaserPort } from '../optics/world-ports.ts'
import type { WireConnection, WireInstrument } from '../ports/wire-instrument.ts'
import { ITLA_STATUS, formatItlaReply, parseItlaRequest } from '../protocols/itla-frames.ts'
import type { ItlaRequest } from '../protocols/itla-frames.ts'
import type { SimContext, SimEntry } from '../sim-entry.ts'
import {
  DARK_POWER,
  ENABLE_MS,
  FREQUENCY_MAX_MHZ,
  FREQUENCY_MIN_MHZ,
  POWER_RANGE_DBM,
  TRIM_MS,
  TUNE_MS,
  fabricateItla,
  lightMw,
} from './itla-module.ts'
import { ItlaRegisterFile, ITLA_REFUSAL } from './sim-itla-registers.ts'

export interface SimItlaOptions {
  /** From a new channel to a frequency that stands. */
  readonly tuneMs: number
  /** From the command to light that stands. */
  readonly enableMs: number
  /** A new power or a fine-tuning step, while lit. */
  readonly trimMs: number
  /** Silence after a module reset. Assumption. */
  readonly resetMs: number
  /** Has the MHz registers of agreement 01.3. */
  readonly resolvesMhz: boolean
  readonly powerRangeDbm: Range
}

const DEFAULTS: SimItlaOptions = {
  tuneMs: TUNE_MS,
  enableMs: ENABLE_MS,
  trimMs: TRIM_MS,
  resetMs: 1000,
  resolvesMhz: true,
  powerRangeDbm: POWER_RANGE_DBM,
}

const ENABLE = 0x0008
const SOFT_RESET = 0x0002
const MODULE_RESET = 0x0001
const ALARM_WHILE_TUNING = 0x0002

const LATCHED = { frequency: 0x0004, commReset: 0x0010, restart: 0x0020, commError: 0x0040, execError: 0x0080 } as const
const LIVE = { frequency: 0x0400, disabled: 0x1000, fatal: 0x2000, alarm: 0x4000, serviceRequest: 0x8000 } as const

type Outcome = readonly [status: number, data: number]

/** The far end of an ITLA laser's serial line. */
export class SimItla implements WireInstrument {
  readonly #port: LaserPort
  readonly #context: SimContext
  readonly #options: SimItlaOptions
  readonly #powerError: number
  readonly #partial: number[] = []
  #registers: ItlaRegisterFile
  #enabled = false
  #lit = false
  /** dBm·100, as measured: the light has the same error as the reading. */
  #power = 0
  #frequencyMhz = 0
  #refusal: number = ITLA_REFUSAL.none
  #latched = { fatal: 0, warning: 0 }
  #operation: { readonly endNs: number; readonly finish: () => void; readonly retunes: boolean } | undefined
  #extended: readonly number[] = []
  #lastReply = formatItlaReply({ checksumError: false, status: ITLA_STATUS.ok, register: 0, data: 0 })
  #deafUntilNs = 0

  constructor(port: LaserPort, context: SimContext, options: Partial<SimItlaOptions> = {}) {
    this.#port = port
    this.#context = context
    this.#options = { ...DEFAULTS, ...options }
    const { powerError, serial } = fabricateItla(context)
    this.#powerError = powerError
    this.#registers = this.#powerOn(serial)
    this.#shine()
  }

  attach(send: (bytes: Uint8Array) => void): WireConnection {
    return { receive: (bytes) => this.#receive(bytes, send), detach: () => undefined }
  }

  /** The line has no terminators: every fourth byte since the last frame ends one. */
  #receive(bytes: Uint8Array, send: (bytes: Uint8Array) => void): void {
    for (const byte of bytes) {
      if (this.#context.clock.monotonicNs() < this.#deafUntilNs) return
      this.#partial.push(byte)
      if (this.#partial.length < 4) continue
      send(this.#answer(parseItlaRequest(Uint8Array.from(this.#partial.splice(0)))))
    }
  }

  #answer(request: ItlaRequest): Uint8Array {
    this.#finishOperation()
    const { register, data } = request
    if (!request.intact) {
      this.#latch(LATCHED.commError)
      return formatItlaReply({ checksumError: true, status: ITLA_STATUS.ok, register, data })
    }
    if (request.repeat) return this.#lastReply
    const [status, answer] = request.write ? this.#write(register, data) : this.#read(register)
    this.#lastReply = formatItlaReply({ checksumError: false, status, register, data: answer })
    return this.#lastReply
  }

  #read(register: number): Outcome {
    const text = this.#registers.extended(register)
    if (text !== undefined) {
      this.#extended = text
      return [ITLA_STATUS.extended, text.length]
    }
    switch (register) {
      case 0x00: {
        const pending = this.#operation === undefined ? 0 : 0x0100
        const data = pending | 0x0010 | this.#refusal
        this.#refusal = ITLA_REFUSAL.none
        return [ITLA_STATUS.ok, data]
      }
      case 0x0b:
        return this.#nextExtended()
      case 0x13:
        return [ITLA_STATUS.ok, (this.#lastReply[2]! << 8) | this.#lastReply[3]!]
      case 0x20:
        return [ITLA_STATUS.ok, this.#status('fatal')]
      case 0x21:
        return [ITLA_STATUS.ok, this.#status('warning')]
      case 0x32:
        return [ITLA_STATUS.ok, this.#enabled ? ENABLE : 0]
      case 0x40:
        return [ITLA_STATUS.ok, Math.floor(this.#frequencyMhz / 1e6)]
      case 0x41:
        return [ITLA_STATUS.ok, Math.floor((this.#frequencyMhz % 1e6) / 100)]
      case 0x42:
        return [ITLA_STATUS.ok, this.#lit ? this.#power : DARK_POWER]
      case 0x68:
        if (this.#options.resolvesMhz) return [ITLA_STATUS.ok, this.#frequencyMhz % 100]
    }
    const word = this.#registers.word(register)
    return word === undefined ? this.#refuse(ITLA_REFUSAL.notImplemented, 0) : [ITLA_STATUS.ok, word]
  }

  #write(register: number, data: number): Outcome {
    switch (register) {
      case 0x00:
        return [ITLA_STATUS.ok, data]
      case 0x20:
        this.#latched.fatal &= ~(data & 0x00ff)
        return [ITLA_STATUS.ok, data]
      case 0x21:
        this.#latched.warning &= ~(data & 0x00ff)
        return [ITLA_STATUS.ok, data]
      case 0x32:
        return this.#resetOrEnable(data)
    }
    const refusal = this.#registers.refusal(register, data)
    if (refusal !== ITLA_REFUSAL.none) return this.#refuse(refusal, data)
    if (this.#operation !== undefined) return this.#refuse(ITLA_REFUSAL.pending, data)
    switch (register) {
      case 0x30:
        if (this.#enabled) return this.#refuse(ITLA_REFUSAL.outputEnabled, data)
        this.#registers.store(register, data)
        return this.#begin(this.#options.tuneMs, data, () => this.#retune(), true)
      case 0x34:
      case 0x35:
      case 0x36:
      case 0x65:
      case 0x66:
      case 0x67:
        if (this.#enabled) return this.#refuse(ITLA_REFUSAL.outputEnabled, data)
        this.#registers.store(register, data)
        this.#retune()
        return [ITLA_STATUS.ok, data]
      case 0x31:
      case 0x62:
        this.#registers.store(register, data)
        return this.#begin(this.#lit ? this.#options.trimMs : 0, data, () => this.#retune())
      default:
        this.#registers.store(register, data)
        return [ITLA_STATUS.ok, data]
    }
  }

  /** Off and reset act at once, whatever is pending; on waits for it. */
  #resetOrEnable(data: number): Outcome {
    if ((data & (MODULE_RESET | SOFT_RESET)) !== 0) {
      this.#enabled = this.#lit = false
      this.#operation = undefined
      this.#latch(LATCHED.commReset)
      if ((data & MODULE_RESET) !== 0) {
        this.#registers = this.#powerOn(this.#registers.serial)
        this.#deafUntilNs = this.#context.clock.monotonicNs() + this.#options.resetMs * 1e6
      }
      this.#shine()
      return [ITLA_STATUS.ok, data]
    }
    if ((data & ENABLE) === 0) {
      if (!this.#enabled) return [ITLA_STATUS.ok, data]
      this.#enabled = this.#lit = false
      this.#operation = undefined
      this.#retune()
      return [ITLA_STATUS.ok, data]
    }
    if (this.#operation !== undefined) return this.#refuse(ITLA_REFUSAL.pending, data)
    if (this.#enabled) return [ITLA_STATUS.ok, data]
    this.#enabled = true
    return this.#begin(
      this.#options.enableMs,
      data,
      () => {
        this.#lit = true
        this.#shine()
      },
      true,
    )
  }

  #begin(durationMs: number, data: number, finish: () => void, retunes = false): Outcome {
    if (durationMs === 0) {
      finish()
      return [ITLA_STATUS.ok, data]
    }
    this.#operation = { endNs: this.#context.clock.monotonicNs() + durationMs * 1e6, finish, retunes }
    if (retunes && this.#alarmsWhileTuning()) this.#latched.warning |= LATCHED.frequency
    return [ITLA_STATUS.pending, data]
  }

  #finishOperation(): void {
    const operation = this.#operation
    if (operation === undefined || this.#context.clock.monotonicNs() < operation.endNs) return
    this.#operation = undefined
    operation.finish()
  }

  #refuse(refusal: number, data: number): Outcome {
    this.#refusal = refusal
    this.#latch(LATCHED.execError)
    return [ITLA_STATUS.executionError, data]
  }

  #nextExtended(): Outcome {
    const [high, low = 0, ...rest] = this.#extended
    if (high === undefined) return this.#refuse(ITLA_REFUSAL.endOfExtended, 0)
    this.#extended = rest
    return [ITLA_STATUS.ok, (high << 8) | low]
  }

  /** A frequency outside the range is not refused: the laser stays at the edge. */
  #retune(): void {
    const wanted = this.#registers.firstChannelMhz() + this.#registers.channelOffsetMhz()
    const coarse = Math.min(Math.max(wanted, FREQUENCY_MIN_MHZ), FREQUENCY_MAX_MHZ)
    this.#frequencyMhz = coarse + this.#registers.signed(0x62)
    this.#shine()
  }

  #shine(): void {
    this.#power = this.#registers.signed(0x31) + this.#powerError
    this.#port.setOutput({
      powerMw: this.#lit ? lightMw(this.#power) : 0,
      frequencyThz: this.#frequencyMhz / 1e6,
    })
  }

  #status(which: 'fatal' | 'warning'): number {
    let status = this.#latched[which]
    if (!this.#enabled) status |= LIVE.disabled
    if (which === 'warning' && this.#operation?.retunes === true && this.#alarmsWhileTuning()) status |= LIVE.frequency
    const other = which === 'fatal' ? this.#latched.warning : this.#latched.fatal
    const any = status | other
    const [serviceMask, fatalMask, alarmMask] = [0x28, 0x29, 0x2a].map((mask) => this.#registers.word(mask) ?? 0)
    if ((this.#latched.fatal & fatalMask!) !== 0) status |= LIVE.fatal
    if ((any & alarmMask!) !== 0) status |= LIVE.alarm
    if ((any & serviceMask!) !== 0) status |= LIVE.serviceRequest
    return status
  }

  #alarmsWhileTuning(): boolean {
    return ((this.#registers.word(0x33) ?? 0) & ALARM_WHILE_TUNING) !== 0
  }

  #latch(bits: number): void {
    this.#latched.fatal |= bits
    this.#latched.warning |= bits
  }

  #powerOn(serial: string): ItlaRegisterFile {
    const registers = new ItlaRegisterFile(serial, this.#options, FREQUENCY_MIN_MHZ, FREQUENCY_MAX_MHZ)
    this.#frequencyMhz = registers.firstChannelMhz()
    this.#latched = { fatal: 0, warning: 0 }
    this.#latch(LATCHED.commReset | LATCHED.restart)
    return registers
  }
}

export const simItla: SimEntry<'laser'> = {
  kind: 'laser',
  create: (port, context) => new SimItla(port, context),
}
