import { RandomStream } from '../../core/random.ts'
import type { BiasPort } from '../optics/world-ports.ts'
import type { WireConnection, WireInstrument } from '../ports/wire-instrument.ts'
import type { SimContext, SimEntry } from '../sim-entry.ts'

export interface SimMbxOptions {
  /** From a change of mode to a bias that stands. Assumption: controllers take seconds to a minute. */
  readonly calibrationMs: number
  /** The manual says LF, pymeasure reads up to CR. */
  readonly terminator: '\r' | '\n' | '\r\n'
  /** Every accepted setting answers `1`, as the manual's return codes have it; otherwise only those pymeasure reads. */
  readonly answersSettings: boolean
}

const DEFAULTS: SimMbxOptions = { calibrationMs: 2000, terminator: '\r', answersSettings: false }

/** Least light that the dither finds, on the tap. Assumption: −40 dBm. */
const LEAST_LIGHT_MW = 1e-4
/** Swing around the working point in which the controller looks for light. Assumption. */
const DITHER_V = 1
const BIAS_LIMIT_V = 10
const SWEEP_STEP_V = 0.25
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

const MODE = { off: 0, peak: 1, null: 2, manual: 7, ratioPlus: 8, ratioMinus: 9 } as const
/** Quadrature, automatic and held, by the side of the fringe. */
const RISING: readonly number[] = [3, 5, MODE.ratioPlus]

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
  readonly #context: SimContext
  readonly #options: SimMbxOptions
  readonly #serial: string
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
  #biasV = 0
  #calibratedAtNs: number | undefined
  #locked = false

  constructor(port: BiasPort, context: SimContext, options: Partial<SimMbxOptions> = {}) {
    this.#port = port
    this.#context = context
    this.#options = { ...DEFAULTS, ...options }
    const { serial } = context.settings
    const drawn = new RandomStream(context.seed, `${context.name}/mbx`).uniform(1e5, 1e6)
    this.#serial = typeof serial === 'string' ? serial : `SIM${Math.floor(drawn)}`
    this.#setBias(0)
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
    this.#work()
    if (line.endsWith('?')) return this.#query(fullHeader(line.slice(0, -1)))
    const [, header, value] = SETTING.exec(line) ?? []
    if (header === undefined) return this.#command(fullHeader(line))
    return this.#set(fullHeader(header), Number(value))
  }

  #query(header: string): string {
    switch (header) {
      case '*IDN':
        return `THORLABS,MBX-SIM,${this.#serial},1.9.4`
      case 'MZM:CALIBRATING':
        return this.#calibratedAtNs === undefined ? '0' : '1'
      case 'MZM:SETPOINT':
        return this.#locked && this.#calibratedAtNs === undefined && this.#seesWhatItHolds() ? '1' : '0'
      case 'MZM:VOLTAGE':
        return decimal(this.#biasV, 3)
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
    if (header === 'MZM:MODE') this.#enter(value)
    else if (header === 'MZM:HOLD:VOLTAGE' && this.#mode === MODE.manual) this.#setBias(value / 1e3)
    return setting.answers === true || this.#options.answersSettings ? '1' : undefined
  }

  #command(header: string): string {
    if (header !== 'MZM:RESET') return ERROR.header
    this.#calibrate()
    return '1'
  }

  get #mode(): number {
    return this.#setting('MZM:MODE')
  }

  #setting(header: string): number {
    return this.#settings.get(header)?.value ?? 0
  }

  /** Off and manual act at once, everything else has to be found. */
  #enter(mode: number): void {
    this.#calibratedAtNs = undefined
    this.#locked = false
    if (mode === MODE.off || mode === MODE.manual) this.#settle()
    else this.#calibrate()
  }

  #calibrate(): void {
    this.#locked = false
    this.#calibratedAtNs = this.#context.clock.monotonicNs() + this.#options.calibrationMs * 1e6
  }

  /** Without light the search goes on until there is some. */
  #work(): void {
    if (this.#calibratedAtNs !== undefined) {
      if (this.#context.clock.monotonicNs() < this.#calibratedAtNs) return
      this.#calibratedAtNs = undefined
      this.#settle()
    } else if (!this.#locked && this.#mode !== MODE.off) this.#settle()
  }

  #settle(): void {
    const { off, manual } = MODE
    if (this.#mode === off) return this.#setBias(0)
    if (this.#mode === manual) {
      this.#locked = true
      return this.#setBias(this.#setting('MZM:HOLD:VOLTAGE') / 1e3)
    }
    const targetV = this.#find()
    if (!this.#seesLightAround(targetV)) return
    this.#locked = true
    this.#setBias(targetV)
  }

  #find(): number {
    if (this.#mode === MODE.null) return this.#port.nullBiasV()
    const sweep = this.#sweep()
    const [peak] = [...sweep].sort((a, b) => b.powerMw - a.powerMw || Math.abs(a.biasV) - Math.abs(b.biasV))
    if (peak === undefined || this.#mode === MODE.peak) return peak?.biasV ?? 0
    const held = this.#mode === MODE.ratioPlus || this.#mode === MODE.ratioMinus
    const levelMw = held ? (peak.powerMw * 100) / this.#setting('MZM:HOLD:RATIO') : peak.powerMw / 2
    return crossing(sweep, levelMw, RISING.includes(this.#mode)) ?? this.#biasV
  }

  /** Leaves the electrode where the sweep ended. */
  #sweep(): { biasV: number; powerMw: number }[] {
    const points = Math.round((2 * BIAS_LIMIT_V) / SWEEP_STEP_V) + 1
    return Array.from({ length: points }, (_, i) => {
      const biasV = i * SWEEP_STEP_V - BIAS_LIMIT_V
      this.#port.setBiasV(biasV)
      return { biasV, powerMw: this.#port.tapMw() }
    })
  }

  #seesWhatItHolds(): boolean {
    return this.#mode === MODE.manual || this.#seesLightAround(this.#biasV)
  }

  /** At the null itself there is next to no light: the dither shows whether there would be. */
  #seesLightAround(biasV: number): boolean {
    const powersMw = [-DITHER_V, DITHER_V].map((offsetV) => {
      this.#port.setBiasV(biasV + offsetV)
      return this.#port.tapMw()
    })
    this.#port.setBiasV(this.#biasV)
    return Math.max(...powersMw) > LEAST_LIGHT_MW
  }

  #setBias(biasV: number): void {
    this.#biasV = biasV
    this.#port.setBiasV(biasV)
  }
}

/** A header as the tables here spell it. */
function fullHeader(header: string): string {
  const words = header.trim().toUpperCase().split(':')
  return words.map((word) => LONG[word] ?? word).join(':')
}

const decimal = (value: number, digits: number): string => String(Number(value.toFixed(digits)))

/** Where the fringe passes `levelMw` on the wanted side, nearest to no bias at all. */
function crossing(
  sweep: readonly { readonly biasV: number; readonly powerMw: number }[],
  levelMw: number,
  rising: boolean,
): number | undefined {
  let nearestV: number | undefined
  for (const [i, right] of sweep.entries()) {
    const left = sweep[i - 1]
    if (left === undefined || left.powerMw < levelMw !== rising || right.powerMw < levelMw === rising) continue
    const share = (levelMw - left.powerMw) / (right.powerMw - left.powerMw)
    const biasV = left.biasV + share * (right.biasV - left.biasV)
    if (nearestV === undefined || Math.abs(biasV) < Math.abs(nearestV)) nearestV = biasV
  }
  return nearestV
}

export const simMbx: SimEntry<'bias-controller'> = {
  kind: 'bias-controller',
  create: (port, context) => new SimMbx(port, context),
}
