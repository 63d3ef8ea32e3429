import type { PortCorrections } from './port-corrections.ts'

/**
 * How fast ports wander, as variance a second: local oscillators turn by 0.1 rad in half an hour, gains move by a
 * percent in an hour. Assumptions, of the size of what the twin's drift does (docs/physics.md); a filter that expects
 * too much only averages less.
 */
const TURN_RAD2_PER_S = 6e-6
const GAIN_PER_S = 3e-8
/** How well a calibration knows them, variance. */
const KNOWN_TURN_RAD2 = 1e-4
const KNOWN_GAIN = 1e-5
/** Standard deviation of one product, relative to the RMS of the products of its frame: codes, noise, the rest of the chip. */
const PRODUCT_NOISE = 0.02
/** Share of the newest frame in the running mean of what is left. */
const NEWEST = 0.1

/** What one output of one lane was expected to show, and showed, of known inputs. */
export interface PortReading {
  readonly lane: number
  readonly port: number
  /** [input vector] product that is detected, and the quadrature that a turn of the local oscillator would mix in. */
  readonly expected: Float64Array
  readonly quadrature: Float64Array
  readonly measured: Float64Array
  /** Corrections that were in force when it was measured. */
  readonly turnRad: number
  readonly logGain: number
}

/**
 * Follows the turn of every local oscillator and the gain of every output from known inputs that ride in each frame: a
 * Kalman filter of two states a port, both wandering.
 *
 * Source: Kalman, J. Basic Eng. 82, 35 (1960).
 */
export class PortTracker {
  readonly #turnRad: Float64Array
  readonly #logGain: Float64Array
  readonly #ports: number
  /** [lane × ports + port][variance of turn, covariance, variance of gain] */
  readonly #spread: Float64Array
  /** [lane × ports + port] when it was seen last, s. */
  readonly #seenS: Float64Array
  #left: number | undefined

  constructor(lanes: number, ports: number, nowS: number) {
    this.#ports = ports
    this.#turnRad = new Float64Array(lanes * ports)
    this.#logGain = new Float64Array(lanes * ports)
    this.#spread = new Float64Array(3 * lanes * ports)
    this.#seenS = new Float64Array(lanes * ports)
    this.restart(nowS)
  }

  /** As they should be now. */
  corrections(): PortCorrections {
    return { turnRad: this.#turnRad.slice(), logGain: this.#logGain.slice() }
  }

  /** Relative error of the known products as the filter leaves it, a running mean; undefined before the first frame. */
  get left(): number | undefined {
    return this.#left === undefined ? undefined : Math.sqrt(this.#left)
  }

  /** After a calibration, which has taken up all that was tracked. */
  restart(nowS: number): void {
    this.#turnRad.fill(0)
    this.#logGain.fill(0)
    this.#seenS.fill(nowS)
    for (let at = 0; at < this.#spread.length; at += 3) this.#spread.set([KNOWN_TURN_RAD2, 0, KNOWN_GAIN], at)
    this.#left = undefined
  }

  /** All outputs of one frame. */
  observe(readings: readonly PortReading[], nowS: number): void {
    let [squares, count, leftSquares] = [0, 0, 0]
    for (const { expected } of readings) {
      for (const value of expected) squares += value * value
      count += expected.length
    }
    if (!(squares > 0)) return
    const rms = Math.sqrt(squares / count)
    for (const reading of readings) leftSquares += this.#observePort(reading, rms, nowS)
    const left = leftSquares / squares
    this.#left = this.#left === undefined ? left : this.#left + NEWEST * (left - this.#left)
  }

  /** Returns the sum of squares that stays unexplained. */
  #observePort(reading: PortReading, rms: number, nowS: number): number {
    const { expected, quadrature, measured } = reading
    const at = reading.lane * this.#ports + reading.port
    const aged = nowS - this.#seenS[at]!
    this.#seenS[at] = nowS
    let [tt, tg, gg] = this.#spread.subarray(3 * at, 3 * at + 3) as unknown as [number, number, number]
    tt += TURN_RAD2_PER_S * aged
    gg += GAIN_PER_S * aged
    // Where the state is now, against the corrections of that frame.
    let turn = this.#turnRad[at]! - reading.turnRad
    let gain = this.#logGain[at]! - reading.logGain
    const variance = (PRODUCT_NOISE * rms) ** 2
    for (const [i, value] of measured.entries()) {
      const [ht, hg] = [quadrature[i]!, expected[i]!]
      const innovation = value - expected[i]! - turn * ht - gain * hg
      const [st, sg] = [tt * ht + tg * hg, tg * ht + gg * hg]
      const total = ht * st + hg * sg + variance
      turn += (st / total) * innovation
      gain += (sg / total) * innovation
      tt -= (st * st) / total
      tg -= (st * sg) / total
      gg -= (sg * sg) / total
    }
    this.#turnRad[at] = reading.turnRad + turn
    this.#logGain[at] = reading.logGain + gain
    this.#spread.set([tt, tg, gg], 3 * at)
    return measured.reduce(
      (sum, value, i) => sum + (value - expected[i]! - turn * quadrature[i]! - gain * expected[i]!) ** 2,
      0,
    )
  }
}
