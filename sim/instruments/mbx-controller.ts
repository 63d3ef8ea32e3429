import type { Clock } from '../../core/clock.ts'
import { RandomStream } from '../../core/random.ts'
import type { BiasPort } from '../optics/world-ports.ts'
import type { SimContext } from '../sim-entry.ts'

export const MODE = { off: 0, peak: 1, null: 2, manual: 7, ratioPlus: 8, ratioMinus: 9 } as const
/** From a change of mode to a bias that stands. Assumption: controllers take seconds to a minute. */
export const CALIBRATION_MS = 2000

/** Quadrature, automatic and held, by the side of the fringe. */
const RISING: readonly number[] = [3, 5, MODE.ratioPlus]
/** Least light that the dither finds, on the tap. Assumption: −40 dBm. */
const LEAST_LIGHT_MW = 1e-4
/** Swing around the working point in which the controller looks for light. Assumption. */
const DITHER_V = 1
const BIAS_LIMIT_V = 10
const SWEEP_STEP_V = 0.25

/** What the held modes hold. */
export interface MbxHold {
  /** Power of the peak over that of the working point, in hundredths. */
  ratio(): number
  voltageMv(): number
}

/** What a bias controller does with its electrode, and when; everything that is due happens in `work`. */
export class MbxController {
  readonly #port: BiasPort
  readonly #clock: Clock
  readonly #calibrationMs: number
  readonly #hold: MbxHold
  #mode: number = MODE.off
  #biasV = 0
  #calibratedAtNs: number | undefined
  #locked = false
  /** Locked at the null, the dither goes on. */
  #followsNull = false

  constructor(port: BiasPort, clock: Clock, calibrationMs: number, hold: MbxHold) {
    this.#port = port
    this.#clock = clock
    this.#calibrationMs = calibrationMs
    this.#hold = hold
    this.#setBias(0)
  }

  get biasV(): number {
    return this.#followsNull ? this.#port.nullBiasV() : this.#biasV
  }

  get mode(): number {
    return this.#mode
  }

  get calibrating(): boolean {
    return this.#calibratedAtNs !== undefined
  }

  /** Looks whether there is light around what is held. */
  isLocked(): boolean {
    return this.#locked && !this.calibrating && (this.#mode === MODE.manual || this.#seesLightAround(this.biasV))
  }

  /** Off and manual act at once, everything else has to be found. */
  enter(mode: number): void {
    this.#mode = mode
    this.#calibratedAtNs = undefined
    this.#locked = false
    if (mode === MODE.off || mode === MODE.manual) this.#settle()
    else this.calibrate()
  }

  calibrate(): void {
    this.#locked = false
    this.#calibratedAtNs = this.#clock.monotonicNs() + this.#calibrationMs * 1e6
  }

  /** The voltage to hold was changed. */
  holdChanged(): void {
    if (this.#mode === MODE.manual) this.#setBias(this.#hold.voltageMv() / 1e3)
  }

  /** Without light the search goes on until there is some. */
  work(): void {
    if (this.#calibratedAtNs !== undefined) {
      if (this.#clock.monotonicNs() < this.#calibratedAtNs) return
      this.#calibratedAtNs = undefined
      this.#settle()
    } else if (!this.#locked && this.#mode !== MODE.off) this.#settle()
  }

  #settle(): void {
    const { off, manual } = MODE
    if (this.#mode === off) return this.#setBias(0)
    if (this.#mode === manual) {
      this.#locked = true
      return this.#setBias(this.#hold.voltageMv() / 1e3)
    }
    const targetV = this.#find()
    if (!this.#seesLightAround(targetV)) return
    this.#locked = true
    if (this.#mode === MODE.null) return this.#followNull()
    this.#setBias(targetV)
  }

  #find(): number {
    if (this.#mode === MODE.null) return this.#port.nullBiasV()
    const sweep = this.#sweep()
    const [peak] = [...sweep].sort((a, b) => b.powerMw - a.powerMw || Math.abs(a.biasV) - Math.abs(b.biasV))
    if (peak === undefined || this.#mode === MODE.peak) return peak?.biasV ?? 0
    const held = this.#mode === MODE.ratioPlus || this.#mode === MODE.ratioMinus
    const levelMw = held ? (peak.powerMw * 100) / this.#hold.ratio() : peak.powerMw / 2
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

  /** At the null itself there is next to no light: the dither shows whether there would be. */
  #seesLightAround(biasV: number): boolean {
    const powersMw = [-DITHER_V, DITHER_V].map((offsetV) => {
      this.#port.setBiasV(biasV + offsetV)
      return this.#port.tapMw()
    })
    if (this.#followsNull) this.#port.followNull()
    else this.#port.setBiasV(this.#biasV)
    return Math.max(...powersMw) > LEAST_LIGHT_MW
  }

  #followNull(): void {
    this.#followsNull = true
    this.#port.followNull()
  }

  #setBias(biasV: number): void {
    this.#followsNull = false
    this.#biasV = biasV
    this.#port.setBiasV(biasV)
  }
}

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

/** A reading as the controller writes it. */
export const decimal = (value: number, digits: number): string => String(Number(value.toFixed(digits)))

/** Decimals of a bias voltage. */
export const BIAS_DECIMALS = 3

export function mbxIdentification({ seed, name, settings: { serial } }: SimContext): readonly string[] {
  const drawn = new RandomStream(seed, `${name}/mbx`).uniform(1e5, 1e6)
  return ['THORLABS', 'MBX-SIM', typeof serial === 'string' ? serial : `SIM${Math.floor(drawn)}`, '1.9.4']
}
