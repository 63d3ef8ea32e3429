import { awgrOutput, awgrWavelength, RING_HALF_WAY, USED_RING_REACH } from '../../core/awgr-layout.ts'
import type { AwgrLayout } from '../../core/awgr-layout.ts'
import { BenchError } from '../../core/errors.ts'
import type { AwgrCalibration } from './awgr-record.ts'
import { evenPaths, pathFactors } from './path-factors.ts'
import type { PathFactors } from './path-factors.ts'
import { bankLight, bankStates } from './ring-bank.ts'
import type { BankState } from './ring-bank.ts'
import { ThermalMap } from './thermal.ts'

/** Voltages for a tile, and what the balanced signals then mean. */
export interface ProgrammedWeights {
  /** [heater] */
  readonly voltagesV: Float64Array
  /**
   * The same for weights of opposite sign, where a product is half the difference of both. One ring for all ports makes
   * no weight of 0, because what is dropped and what is let through differ from path to path; the difference does.
   */
  readonly oppositeV: Float64Array | undefined
  /** [output]: weights per mW of balanced signal for a full input. */
  readonly weightPerMw: Float64Array
}

export type RingsCalibration = Pick<AwgrCalibration, 'rings' | 'thermal' | 'gains' | 'leaks'>

/** Which way from resonance a ring is parked, and how far it may go; the sign is that of its detuning. */
interface Flank {
  readonly side: 1 | -1
  readonly farGhz: number
}

/** Half line widths from resonance that are far enough: beyond, a weight changes by a few percent only. */
const FAR_HALF_WIDTHS = 5
/** A cold ring is still warmed by its neighbours: room for it, in units of what they give when all stand on resonance. */
const WARM_ROOM = 1.2
/** Of its drop light, what even a ring that cannot be parked is asked for: such weights come out wrong, but finite. */
const LEAST_REACH = 0.1
const ROUNDS = 12
const HEAT_SWEEPS = 8

/**
 * Weights of an AWGR core from a calibration, and voltages for weights.
 *
 * A weight is the balanced signal of its output for a full input: dropped less let through light, the latter times
 * `throughShare` so that both ends of the range are about as far from 0.
 */
export class WeightProgrammer {
  readonly throughShare: Float64Array
  readonly #layout: AwgrLayout
  readonly #frequenciesGhz: Float64Array
  readonly #calibration: RingsCalibration
  readonly #maxV2: number
  readonly #map: ThermalMap
  readonly #heat: Float64Array
  readonly #flanks: readonly Flank[]
  readonly #reachMw: Float64Array
  readonly #factors: PathFactors

  constructor(layout: AwgrLayout, frequenciesGhz: Float64Array, calibration: RingsCalibration, maxV: number) {
    const { gains, thermal, rings } = calibration
    this.#layout = layout
    this.#frequenciesGhz = frequenciesGhz
    this.#calibration = calibration
    this.#maxV2 = maxV * maxV
    this.#map = new ThermalMap(layout)
    this.#heat = this.#map.matrix(thermal)
    const { size } = layout
    this.throughShare = Float64Array.from({ length: size }, (_, output) => {
      const paths = layout.rings.map((_, port) => ({ port, k: awgrWavelength(size, port, output) }))
      const sum = (table: readonly (readonly number[])[]): number =>
        paths.reduce((total, { port, k }) => total + table[port]![k]!, 0)
      return sum(gains.dropMw) / sum(gains.throughMw)
    })
    this.#flanks = this.#chooseFlanks(rings)
    this.#reachMw = this.#findReachMw()
    this.#factors = layout.form === 'shared' ? this.#pathFactors() : evenPaths(size)
  }

  /** [input]: what an input is to be multiplied with before it is sent. */
  get inputShares(): Float64Array {
    return this.#factors.inputs
  }

  /**
   * Shape of `weights`: [output, input]. Every row is scaled to the reach of its own rings.
   *
   * Throws: RANGE_EXCEEDED for a matrix that is not circulant when all ports share one bank.
   */
  program(weights: Float64Array): ProgrammedWeights {
    const { size, form } = this.#layout
    if (form === 'shared') requireCirculant(weights, size)
    const weightPerMw = this.weightPerMw(weights)
    const { inputs } = this.#factors
    const wantedMw = weights.map((weight, at) => weight / weightPerMw[Math.floor(at / size)]! / inputs[at % size]!)
    const oppositeV = form === 'shared' ? this.#solve(wantedMw.map((mw) => -mw)) : undefined
    return { voltagesV: this.#solve(wantedMw), oppositeV, weightPerMw }
  }

  /** Shape: [output]: what a tile's balanced signals will mean. */
  weightPerMw(weights: Float64Array): Float64Array {
    const { size, form } = this.#layout
    const reach = this.#reachMw
    const { outputs, inputs } = this.#factors
    const weightPerMw = Float64Array.from({ length: size }, (_, output) => {
      let most = 0
      for (let port = 0; port < size; port++) {
        const at = output * size + port
        most = Math.max(most, Math.abs(weights[at]!) / inputs[port]! / reach[at]!)
      }
      return most / outputs[output]!
    })
    // Shared rings have one scale for all rows; rows of zeros have none of their own.
    const largest = weightPerMw.reduce((a, b) => Math.max(a, b), 0) || 1
    for (let q = 0; q < size; q++) if (form === 'shared' || weightPerMw[q] === 0) weightPerMw[q] = largest
    return weightPerMw.map((weight, q) => weight * outputs[q]!)
  }

  /** The signal of either sign that every element reaches, in mW. */
  get leastReachMw(): number {
    return Math.min(...this.#reachMw)
  }

  /** For balanced signals of a full input. Shapes: [output, input] in mW, [heater]. */
  voltagesV(signalsMw: Float64Array): Float64Array {
    return this.#solve(signalsMw)
  }

  /** What the optics make of heater voltages. Shape: [output, input], mW of balanced signal for a full input. */
  weightsMw(voltagesV: Float64Array): Float64Array {
    return this.#weightsAt(voltagesV.map((v, h) => this.#calibration.rings[h]!.tuningGhzPerV2 * v * v))
  }

  /** Where the rings of each port's bank stand at heater voltages, relative to the first laser. Shape: [port]. */
  bankStates(voltagesV: Float64Array): readonly BankState[] {
    return this.#statesAt(voltagesV.map((v, h) => this.#calibration.rings[h]!.tuningGhzPerV2 * v * v))
  }

  #statesAt(ownGhz: Float64Array): readonly BankState[] {
    const shiftGhz = this.#map.spread(this.#heat, ownGhz)
    return bankStates(this.#layout, this.#frequenciesGhz, this.#calibration.rings, shiftGhz)
  }

  #weightsAt(ownGhz: Float64Array): Float64Array {
    const { size } = this.#layout
    const { gains, leaks } = this.#calibration
    const weights = new Float64Array(size * size)
    for (const [port, state] of this.#statesAt(ownGhz).entries()) {
      for (let k = 0; k < size; k++) {
        const { drop, through } = bankLight(state, this.#frequenciesGhz[k]!)
        const [dropMw, throughMw] = [gains.dropMw[port]![k]! * drop, gains.throughMw[port]![k]! * through]
        for (let output = 0; output < size; output++) {
          weights[output * size + port]! +=
            leaks.drop[port]![k]![output]! * dropMw -
            this.throughShare[output]! * leaks.through[port]![k]![output]! * throughMw
        }
      }
    }
    return weights
  }

  /**
   * Each ring as if alone, then all together: what neighbours' tails, leaks and heat add is measured on the model and
   * asked of each ring the other way round, until nothing is left.
   */
  #solve(wantedMw: Float64Array): Float64Array {
    const { form, rings: places } = this.#layout
    const { rings } = this.#calibration
    const asked = wantedMw.slice()
    const ownGhz = new Float64Array(rings.length)
    for (let round = 0; round < ROUNDS; round++) {
      const shiftGhz = Float64Array.from(rings, (_, heater) => this.#shiftFor(heater, asked))
      this.#heatFor(shiftGhz, ownGhz)
      const made = this.#weightsAt(ownGhz)
      if (form === 'per-port') {
        for (let at = 0; at < asked.length; at++) asked[at]! += wantedMw[at]! - made[at]!
        continue
      }
      for (const heater of places[0]!) {
        const paths = this.#elementsOf(heater)
        const left = paths.reduce((sum, at) => sum + wantedMw[at]! - made[at]!, 0) / paths.length
        for (const at of paths) asked[at]! += left
      }
    }
    return ownGhz.map((ghz, heater) => Math.min(Math.sqrt(this.#maxV2), Math.sqrt(ghz / rings[heater]!.tuningGhzPerV2)))
  }

  /** Elements of a tile that a ring makes. */
  #elementsOf(heater: number): readonly number[] {
    const { size, form, heaters } = this.#layout
    const { port, wavelength } = heaters[heater]!
    const ports = form === 'shared' ? this.#layout.rings.map((_, p) => p) : [port!]
    return ports.map((p) => awgrOutput(size, p, wavelength) * size + p)
  }

  /** How far heat has to move a ring for what is asked of it, were it alone. */
  #shiftFor(heater: number, askedMw: Float64Array): number {
    const { fwhmGhz, offsetGhz } = this.#calibration.rings[heater]!
    const { side, farGhz } = this.#flanks[heater]!
    const { signalMw, swingMw, baseMw } = this.#ends(heater, askedMw)
    const least = 1 / (1 + ((2 * farGhz) / fwhmGhz) ** 2)
    const line = Math.max(least, Math.min(1, (signalMw - baseMw) / swingMw))
    const detuningGhz = Math.min(farGhz, (fwhmGhz / 2) * Math.sqrt(1 / line - 1))
    return offsetGhz - side * detuningGhz
  }

  /** Signal of a ring alone is base + swing · Lorentzian, summed over the ports that share it. */
  #ends(heater: number, askedMw: Float64Array): { signalMw: number; swingMw: number; baseMw: number } {
    const { size } = this.#layout
    const { gains, rings } = this.#calibration
    let [signalMw, swingMw, baseMw] = [0, 0, 0]
    for (const at of this.#elementsOf(heater)) {
      const [output, port] = [Math.floor(at / size), at % size]
      const k = awgrWavelength(size, port, output)
      const throughMw = this.throughShare[output]! * gains.throughMw[port]![k]!
      signalMw += askedMw[at]!
      baseMw -= throughMw
      swingMw += gains.dropMw[port]![k]! + (1 - rings[heater]!.throughFloor) * throughMw
    }
    return { signalMw, swingMw, baseMw }
  }

  /** Own heat of each ring so that all together shift as wanted, within what heaters can. Works on `ownGhz`. */
  #heatFor(shiftGhz: Float64Array, ownGhz: Float64Array): void {
    const { rings } = this.#calibration
    for (let sweep = 0; sweep < HEAT_SWEEPS; sweep++) {
      for (const [heater, wanted] of shiftGhz.entries()) {
        const others = this.#map.spreadTo(heater, this.#heat, ownGhz) - ownGhz[heater]!
        const most = rings[heater]!.tuningGhzPerV2 * this.#maxV2
        ownGhz[heater] = Math.max(0, Math.min(most, wanted - others))
      }
    }
  }

  /**
   * Largest signal of both signs, per element: on resonance the ring's own, parked what is left when all rings are
   * parked, because their tails reach the neighbouring lasers then. Shape: [output, input], mW.
   */
  #findReachMw(): Float64Array {
    const { size, rings: places } = this.#layout
    const { rings, gains } = this.#calibration
    const parkedGhz = new Float64Array(rings.length)
    const shiftGhz = Float64Array.from(rings, ({ offsetGhz }, heater) => {
      const { side, farGhz } = this.#flanks[heater]!
      return offsetGhz - side * farGhz
    })
    this.#heatFor(shiftGhz, parkedGhz)
    return this.#weightsAt(parkedGhz).map((parkedMw, at) => {
      const [output, port] = [Math.floor(at / size), at % size]
      const k = awgrWavelength(size, port, output)
      const { throughFloor } = rings[places[port]![k]!]!
      const throughMw = this.throughShare[output]! * gains.throughMw[port]![k]!
      const dropMw = gains.dropMw[port]![k]!
      return USED_RING_REACH * Math.max(LEAST_REACH * dropMw, Math.min(dropMw - throughFloor * throughMw, -parkedMw))
    })
  }

  /** By what each path makes of the swing of a ring, from all let through to all dropped. */
  #pathFactors(): PathFactors {
    const { size, rings: places } = this.#layout
    const { gains, rings } = this.#calibration
    const swingsMw = new Float64Array(size * size)
    for (let at = 0; at < swingsMw.length; at++) {
      const [output, port] = [Math.floor(at / size), at % size]
      const k = awgrWavelength(size, port, output)
      const throughMw = this.throughShare[output]! * gains.throughMw[port]![k]!
      swingsMw[at] = gains.dropMw[port]![k]! + (1 - rings[places[port]![k]!]!.throughFloor) * throughMw
    }
    return pathFactors(size, swingsMw)
  }

  /** The flank that needs less heat, unless the ring stands too near its laser there to reach far. */
  #chooseFlanks(rings: RingsCalibration['rings']): readonly Flank[] {
    const onResonance = Float64Array.from(rings, ({ offsetGhz }) => Math.max(0, offsetGhz))
    const all = this.#map.spread(this.#heat, onResonance)
    const spacingGhz = Math.abs(this.#frequenciesGhz[1]! - this.#frequenciesGhz[0]!)
    return rings.map(({ offsetGhz, tuningGhzPerV2, fwhmGhz }, heater) => {
      const othersGhz = all[heater]! - onResonance[heater]!
      const most = RING_HALF_WAY * spacingGhz
      const blue = Math.min(most, offsetGhz - WARM_ROOM * othersGhz)
      const red = Math.min(most, tuningGhzPerV2 * this.#maxV2 - offsetGhz)
      const farEnough = blue >= (FAR_HALF_WIDTHS * fwhmGhz) / 2
      if (farEnough || blue >= red) return { side: 1, farGhz: blue }
      return { side: -1, farGhz: red }
    })
  }
}

/** Weights of all ports that share a bank are one row, turned by one place from output to output. */
function requireCirculant(weights: Float64Array, size: number): void {
  const largest = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0)
  for (let output = 1; output < size; output++) {
    for (let port = 0; port < size; port++) {
      const first = weights[(port - output + size) % size]!
      const off = Math.abs(weights[output * size + port]! - first)
      if (off <= 1e-9 * largest) continue
      throw new BenchError(
        'RANGE_EXCEEDED',
        `shared ring weights make circulant tiles only: row ${output} is not row 0 turned by ${output}, at column ${port}; use a bench with a ring bank for each port`,
        { context: { output, port } },
      )
    }
  }
}
