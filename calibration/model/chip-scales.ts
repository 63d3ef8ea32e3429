import type { ChipFitInput } from './chip-fit-input.ts'
import type { ChipModel } from './chip-model.ts'

/**
 * Variables of the fit in units of what the readings can tell them apart by, so that conjugate gradients need few steps.
 *
 * Offset and coefficient of a heater are taken as the phase at its mean V² and the slope around it: as themselves they
 * are nearly the same direction. The crosstalk law likewise moves phases around what it gives on average, and the loss
 * of an interferometer what paths differ in, the outputs' gains making up for what they have in common. Any phase moves
 * about one N-th of the light.
 */
export class ChipScales {
  readonly #offset: number
  readonly #radPerV2: number
  /** [heater] mean of V², and its standard deviation; 0 and the RMS where the offset is held. */
  readonly #mean: Float64Array
  readonly #spread: Float64Array
  /** The two parameters of the crosstalk law, and the mean phase that each gives every heater. */
  readonly #law: readonly { readonly index: number; readonly meanRad: Float64Array }[]
  /** Interferometers on an average path; nothing where their loss is held. */
  readonly #stops: number
  readonly #outputs: readonly number[]
  readonly #logMziField: number
  /** [parameter]; 0 for what is held. */
  readonly #scale: Float64Array

  constructor(model: ChipModel, { readings, lane, free, priors, noise }: ChipFitInput, start: Float64Array) {
    const { blocks, layout } = model
    const { size, heaters } = layout
    this.#offset = blocks.offset
    this.#radPerV2 = blocks.radPerV2
    let power = 0
    for (const { lanes } of readings) for (const y of lanes[lane]!) power += y * y
    const whole = power / noise ** 2
    const one = whole / size
    const isFree = new Uint8Array(blocks.count)
    for (const index of free) isFree[index] = 1

    this.#mean = new Float64Array(heaters.length)
    this.#spread = new Float64Array(heaters.length).fill(1)
    for (const heater of heaters.keys()) {
      let [sum, squares] = [0, 0]
      for (const { voltagesV } of readings) {
        const v2 = voltagesV[heater]! ** 2
        sum += v2
        squares += v2 * v2
      }
      const [mean, square] = [sum / readings.length, squares / readings.length]
      this.#mean[heater] = isFree[blocks.offset + heater] === 1 ? mean : 0
      this.#spread[heater] = Math.sqrt(Math.max(square - this.#mean[heater] ** 2, 1e-6 * square, 1e-12))
    }
    const crosstalk = model.crosstalk(start)
    const self = readings.map(({ voltagesV }) => voltagesV.map((v, h) => v * v * start[blocks.radPerV2 + h]!))
    const neighbour = variation(self.map((rad) => crosstalk.given(rad)))
    const decay = variation(self.map((rad) => crosstalk.givenByLogDecay(rad)))
    const held = heaters.map((_, h) => isFree[blocks.offset + h] === 0)
    this.#law = [
      { index: blocks.logNeighbour, meanRad: neighbour.mean.map((rad, h) => (held[h]! ? 0 : rad)) },
      { index: blocks.logDecay, meanRad: decay.mean.map((rad, h) => (held[h]! ? 0 : rad)) },
    ]
    const meshes = layout.second.theta.length > 0 ? 2 : 1
    this.#stops = isFree[blocks.logMziField] === 1 ? meshes * (size - 1) + (meshes - 1) : 0
    this.#outputs = Array.from({ length: size }, (_, port) => blocks.logOut + lane * size + port)
    this.#logMziField = blocks.logMziField
    const curvature = (index: number): number => {
      if (index < blocks.alpha) return one
      if (index < blocks.logNeighbour) return 2 * one
      if (index === blocks.logNeighbour) return one * neighbour.variance
      if (index === blocks.logDecay) return one * decay.variance
      if (index === blocks.logMziField) return whole * size
      return one
    }
    this.#scale = Float64Array.from({ length: blocks.count }, (_, index) => {
      if (isFree[index] === 0) return 0
      const slope = index >= blocks.radPerV2 && index < blocks.alpha ? this.#spread[index - blocks.radPerV2]! : 1
      return 1 / Math.sqrt(curvature(index) + 1 / (priors.sigma[index]! * slope) ** 2)
    })
  }

  /** Change of the parameters for a change of the variables. Shape of both: [parameter]. */
  toParameters(x: Float64Array): Float64Array {
    const change = x.map((value, i) => value * this.#scale[i]!)
    for (let h = 0; h < this.#mean.length; h++) {
      const slope = change[this.#radPerV2 + h]! / this.#spread[h]!
      change[this.#radPerV2 + h] = slope
      change[this.#offset + h]! -= slope * this.#mean[h]!
      for (const { index, meanRad } of this.#law) change[this.#offset + h]! -= change[index]! * meanRad[h]!
    }
    for (const output of this.#outputs) change[output]! -= this.#stops * change[this.#logMziField]!
    return change
  }

  /** The transpose of `toParameters`. */
  fromGradient(gradient: Float64Array): Float64Array {
    const out = Float64Array.from(gradient)
    for (let h = 0; h < this.#mean.length; h++) {
      const slope = gradient[this.#radPerV2 + h]! - this.#mean[h]! * gradient[this.#offset + h]!
      out[this.#radPerV2 + h] = slope / this.#spread[h]!
      for (const { index, meanRad } of this.#law) out[index]! -= gradient[this.#offset + h]! * meanRad[h]!
    }
    for (const output of this.#outputs) out[this.#logMziField]! -= this.#stops * gradient[output]!
    return out.map((value, i) => value * this.#scale[i]!)
  }
}

/** Of [reading][heater]: each heater's mean, and the sum of all variances around it. */
function variation(readings: readonly Float64Array[]): { readonly mean: Float64Array; readonly variance: number } {
  const mean = new Float64Array(readings[0]!.length)
  for (const values of readings) for (let h = 0; h < mean.length; h++) mean[h]! += values[h]! / readings.length
  let variance = 0
  for (const values of readings) for (let h = 0; h < mean.length; h++) variance += (values[h]! - mean[h]!) ** 2
  return { mean, variance: variance / readings.length }
}
