import type { BiasPort } from '../optics/world-ports.ts'
import type { WireConnection, WireInstrument } from '../ports/wire-instrument.ts'
import type { SimContext, SimEntry } from '../sim-entry.ts'
import { BIAS_DECIMALS, CALIBRATION_MS, MODE, MbxController, decimal, mbxIdentification } from './mbx-controller.ts'

export interface SimMbxOptions {
  /** From a change of mode to a bias that stands. */
  readonly calibrationMs: number
  /** The manual says LF, pymeasure reads up to CR. */
  readonly terminator: '\r' | '\n' | '\r\n'
  /** Every accepted setting answers `1`, as the manual's return codes have it; otherwise only those pymeasure reads. */
  readonly answersSettings: boolean
}

const DEFAULTS: SimMbxOptions = { calibrationMs: CALIBRATION_MS, terminator: '\r', answersSettings: false }

const MAX_LINE = 256

/** Return codes of TTN116413-D04, section 2.1. */
const ERROR = {
  header: 'Err: Undefined header',
  range: 'Err: Data out of range',
  type: 'Err: Data type error',
  missing: 'Err: Feature not present',
} as const

/** Long forms of the words that may be abbreviated. */
const LONG: Readonly<Record<string, string>> = {
  CAL: 'CALIBRATING',
  SET: 'SETPOINT',
  ATT: 'ATTEN',
  OUT: 'OUTPUT',
  POW: 'POWER',
  ERR: 'ERROR',
  MEAS: 'MEASURED',
}

/** A header and a value, colon between; the blank before the value may be left out. */
const SETTING = /^([A-Z:]+):\s*([-+.\d]\S*)$/i

interface Setting {
  readonly min: number
  readonly max: number
  readonly whole: boolean
  /** Answers `1` even where settings are silent. */
  readonly answers?: boolean
  value: number
}

/**
 * The far end of a Thorlabs MBX bias controller.
 *
 * Its attenuator is not part of the optical world: it keeps its settings and cannot be switched on.
 */
export class SimMbx implements WireInstrument {
  readonly #port: BiasPort
  readonly #options: SimMbxOptions
  readonly #identification: string
  readonly #controller: MbxController
  readonly #settings = new Map<string, Setting>([
    ['MZM:MODE', { min: 0, max: 9, whole: true, value: MODE.off }],
    ['MZM:HOLD:RATIO', { min: 250, max: 10_000, whole: true, value: 250 }],
    ['MZM:HOLD:VOLTAGE', { min: -10_000, max: 10_000, whole: true, value: 0 }],
    ['VOA:MODE', { min: 0, max: 1, whole: true, answers: true, value: 0 }],
    ['VOA:ATTEN', { min: 0.5, max: 20, whole: false, value: 1 }],
    ['VOA:OUTPUT:MW', { min: 0.01, max: 100, whole: false, value: 1 }],
    ['VOA:POWER', { min: 0, max: 1, whole: true, value: 0 }],
    ['RGB:POWER', { min: 0, max: 2, whole: true, value: 1 }],
    ['RGB:RED', { min: 0, max: 100, whole: true, value: 0 }],
    ['RGB:GREEN', { min: 0, max: 100, whole: true, value: 0 }],
    ['RGB:BLUE', { min: 0, max: 100, whole: true, value: 100 }],
    ['RGB:WHITE', { min: 0, max: 100, whole: true, value: 0 }],
  ])
  #line = ''

  constructor(port: BiasPort, context: SimContext, options: Partial<SimMbxOptions> = {}) {
    this.#port = port
    this.#options = { ...DEFAULTS, ...options }
    this.#identification = mbxIdentification(context).join()
    this.#controller = new MbxController(port, context.clock, this.#options.calibrationMs, {
      ratio: () => this.#setting('MZM:HOLD:RATIO'),
      voltageMv: () => this.#setting('MZM:HOLD:VOLTAGE'),
    })
  }

  attach(send: (bytes: Uint8Array) => void): WireConnection {
    return { receive: (bytes) => this.#receive(bytes, send), detach: () => undefined }
  }

  #receive(bytes: Uint8Array, send: (bytes: Uint8Array) => void): void {
    for (const character of Buffer.from(bytes).toString('latin1')) {
      if (character !== '\r' && character !== '\n') {
        if (this.#line.length < MAX_LINE) this.#line += character
        continue
      }
      const reply = this.#line.trim() === '' ? undefined : this.#obey(this.#line.trim())
      this.#line = ''
      if (reply !== undefined) send(Buffer.from(reply + this.#options.terminator, 'latin1'))
    }
  }

  /** Undefined where the controller stays silent. */
  #obey(line: string): string | undefined {
    this.#controller.work()
    if (line.endsWith('?')) return this.#query(fullHeader(line.slice(0, -1)))
    const [, header, value] = SETTING.exec(line) ?? []
    if (header === undefined) return this.#command(fullHeader(line))
    return this.#set(fullHeader(header), Number(value))
  }

  #query(header: string): string {
    switch (header) {
      case '*IDN':
        return this.#identification
      case 'MZM:CALIBRATING':
        return this.#controller.calibrating ? '1' : '0'
      case 'MZM:SETPOINT':
        return this.#controller.isLocked() ? '1' : '0'
      case 'MZM:VOLTAGE':
        return decimal(this.#controller.biasV, BIAS_DECIMALS)
      case 'MZM:TAP:MW':
      case 'VOA:TAP:MW':
        return decimal(this.#port.tapMw(), 6)
      case 'VOA:SETPOINT':
      case 'VOA:MEASURED':
        return '0'
      case 'VOA:ERROR':
        return decimal(this.#setting('VOA:ATTEN'), 3)
    }
    const setting = this.#settings.get(header)
    return setting === undefined ? ERROR.header : String(setting.value)
  }

  #set(header: string, value: number): string | undefined {
    const setting = this.#settings.get(header)
    if (setting === undefined) return ERROR.header
    if (Number.isNaN(value) || (setting.whole && !Number.isInteger(value))) return ERROR.type
    if (value < setting.min || value > setting.max) return ERROR.range
    if (header === 'VOA:POWER' && value === 1) return ERROR.missing
    setting.value = value
    if (header === 'MZM:MODE') this.#controller.enter(value)
    else if (header === 'MZM:HOLD:VOLTAGE') this.#controller.holdChanged()
    return setting.answers === true || this.#options.answersSettings ? '1' : undefined
  }

  #command(header: string): string {
    if (header !== 'MZM:RESET') return ERROR.header
    this.#controller.calibrate()
    return '1'
  }

  #setting(header: string): number {
    return this.#settings.get(header)?.value ?? 0
  }
}

/** A header as the tables here spell it. */
function fullHeader(header: string): string {
  const words = header.trim().toUpperCase().split(':')
  return words.map((word) => LONG[word] ?? word).join(':')
}

export const simMbx: SimEntry<'bias-controller'> = {
  kind: 'bias-controller',
  create: (port, context) => new SimMbx(port, context),
}
