import type { Clock } from '../../core/clock.ts'
import type { MeshDesign } from '../../core/mesh-design.ts'
import { meshCoreLayout } from '../../core/mesh-layout.ts'
import { fabricateChip } from './chip.ts'
import type { ChipTruth } from './chip.ts'
import type { CoreOptics, Light } from './core-optics.ts'
import { dispersedChips } from './dispersion.ts'
import type { LaneChip } from './dispersion.ts'
import { BenchAge } from './drift/bench-age.ts'
import { HeaterDrift } from './drift/heater-drift.ts'
import { MeshDrift } from './drift/mesh-drift.ts'
import { HeaterArray } from './heater-array.ts'
import { LaneFilters } from './lane-filters.ts'
import { fabricateLanePath } from './lane-path.ts'
import type { LanePath } from './lane-path.ts'
import type { MeshImperfections } from './parameters/mesh-parameters.ts'
import { chipTransfer } from './transfer.ts'
import type { ChipTransfer, ComplexMatrix } from './transfer.ts'

interface Fields {
  readonly re: Float64Array
  readonly im: Float64Array
}

/** The core at one state of its heaters. */
interface Folded {
  readonly version: number
  /** [lane], one and the same where nothing disperses. */
  readonly transfers: readonly ChipTransfer[]
  /** Shape: [heater]. */
  readonly phasesRad: Float64Array
}

/** What was fabricated. For tests and for the oracle. */
export interface MeshTruth {
  readonly chip: ChipTruth
  /** [lane] */
  readonly paths: readonly LanePath[]
  readonly filters: LaneFilters
}

/**
 * U·Σ·V† between modulators and detectors, one laser a lane; a unitary core has the first mesh alone:
 * input trimmers → mux → V† → taps → Σ → U → demux → balanced couplers ← local oscillators, or photodiodes alone.
 *
 * Modulators are [lane, port]; detectors are [lane, port, side] with + before −, or [lane, port] where intensities are read.
 */
export class MeshOptics implements CoreOptics {
  readonly heaters: HeaterArray
  readonly truth: MeshTruth
  readonly detectors: number
  readonly taps: number
  readonly sharedModulators = false
  readonly localOscillators: boolean
  readonly #size: number
  readonly #drift: MeshDrift
  readonly #heaterDrift: HeaterDrift
  readonly #age: BenchAge
  /** [lane] */
  readonly #chips: readonly LaneChip[]
  #folded: Folded | undefined

  /** `channelsThz[lane]` is where the lane's laser belongs. */
  constructor(
    size: number,
    channelsThz: readonly number[],
    what: MeshImperfections,
    seed: number,
    clock: Clock,
    design?: MeshDesign,
    age = new BenchAge(clock, { startS: 0, holdS: what.driftHoldS }),
  ) {
    const filters = new LaneFilters(size, channelsThz, what, seed)
    const lanes = channelsThz.length
    const chip = fabricateChip(meshCoreLayout(size, lanes, design), what, seed)
    const paths = Array.from({ length: lanes }, (_, lane) => fabricateLanePath(lane, chip.layout, what, seed))
    this.truth = { chip, paths, filters }
    this.#chips = dispersedChips(chip, channelsThz, what, seed)
    this.#heaterDrift = new HeaterDrift(chip.layout.heaters.length, what, seed)
    this.heaters = new HeaterArray(chip, what.heaterTimeConstantUs, clock, { drift: this.#heaterDrift, age })
    this.#drift = new MeshDrift(chip.layout, what, seed)
    this.#age = age
    this.localOscillators = chip.layout.design.detection === undefined
    this.detectors = (this.localOscillators ? 2 : 1) * size * lanes
    // Taps stand between two meshes.
    this.taps = chip.layout.sigma.phi.length
    this.#size = size
  }

  /** What time has made of the heaters' phases and, relative, of their resistances. For the oracle. Shapes: [heater]. */
  get drifted(): { readonly phasesRad: Float64Array; readonly resistance: Float64Array } {
    const ageS = this.#age.heldS()
    const phasesRad = this.#drift.phasesRad(ageS)
    return { phasesRad, resistance: phasesRad.map((_, heater) => this.#heaterDrift.ratio(heater, ageS)) }
  }

  detectorPowersMw(light: Light): Float64Array {
    const { transfers, phasesRad } = this.#fold()
    const { lo } = this.truth.chip.layout
    const { demuxPower } = this.truth.filters.at(light.frequenciesThz)
    const { loTurnRad: turnRad = 0 } = light
    const powersMw = new Float64Array(this.truth.paths.length * this.detectors)
    for (const [lane, path] of this.truth.paths.entries()) {
      const amplitude = Math.sqrt(light.powersMw[lane]!)
      if (amplitude === 0) continue
      const out = multiply(transfers[lane]!.through, this.#inputFields(lane, light, phasesRad))
      for (let port = 0; port < this.#size; port++) {
        const output = this.#output(lane, lane, port)
        const [fr, fi] = times(out.re[port]!, out.im[port]!, path.outRe[port]!, path.outIm[port]!)
        const passed = Math.sqrt(demuxPower[output]!)
        const [sr, si] = [passed * fr, passed * fi]
        this.#leak(lane, port, fr * fr + fi * fi, demuxPower, powersMw)
        if (!this.localOscillators) {
          powersMw[output] = sr * sr + si * si
          continue
        }
        const turned = rotate(path.loRe[port]!, path.loIm[port]!, phasesRad[lo[lane]![port]!]! + turnRad)
        const [lr, li] = [amplitude * turned[0], amplitude * turned[1]]
        const sum = (sr * sr + si * si + lr * lr + li * li) / 2
        const beat = sr * lr + si * li
        powersMw[2 * output] = sum + beat
        powersMw[2 * output + 1] = sum - beat
      }
    }
    return powersMw
  }

  tapPowersMw(light: Light): Float64Array {
    const { transfers, phasesRad } = this.#fold()
    const powersMw = new Float64Array(this.taps)
    for (const lane of this.truth.paths.keys()) {
      const { re, im } = multiply(transfers[lane]!.toTaps, this.#inputFields(lane, light, phasesRad))
      for (let tap = 0; tap < this.taps; tap++) {
        powersMw[tap]! += (re[tap]! ** 2 + im[tap]! ** 2) * this.truth.chip.tapPowerRatio
      }
    }
    return powersMw
  }

  /** Index in [laser, lane, port]. */
  #output(laser: number, lane: number, port: number): number {
    return (laser * this.truth.paths.length + lane) * this.#size + port
  }

  /** A lane's light at the outputs of the others: beside their own frequency, so that only its power is seen. */
  #leak(lane: number, port: number, signalMw: number, demuxPower: Float64Array, powersMw: Float64Array): void {
    for (const other of this.truth.paths.keys()) {
      if (other === lane) continue
      const output = this.#output(lane, other, port)
      const leakedMw = signalMw * demuxPower[output]!
      if (this.localOscillators) powersMw[2 * output] = powersMw[2 * output + 1] = leakedMw / 2
      else powersMw[output] = leakedMw
    }
  }

  /** Fields at the inputs of V†. */
  #inputFields(lane: number, { powersMw, frequenciesThz, fieldRe, fieldIm }: Light, phasesRad: Float64Array): Fields {
    const path = this.truth.paths[lane]!
    const heaters = this.truth.chip.layout.input[lane]!
    const { muxField } = this.truth.filters.at(frequenciesThz)
    const amplitude = Math.sqrt(powersMw[lane]!)
    const fields = { re: new Float64Array(this.#size), im: new Float64Array(this.#size) }
    for (const [port, heater] of heaters.entries()) {
      const trimmed = rotate(path.inRe[port]!, path.inIm[port]!, phasesRad[heater]!)
      const at = lane * this.#size + port
      const [re, im] = times(fieldRe[at]!, fieldIm[at]!, ...trimmed)
      const passed = amplitude * muxField[at]!
      fields.re[port] = passed * re
      fields.im[port] = passed * im
    }
    return fields
  }

  #fold(): Folded {
    const { version } = this.heaters
    if (this.#folded?.version === version) return this.#folded
    const driftRad = this.#drift.phasesRad(this.#age.heldS())
    const phasesRad = this.heaters.phasesRad().map((rad, heater) => rad + driftRad[heater]!)
    const bareRad = this.heaters.bareRad()
    const known = new Map<LaneChip, ChipTransfer>()
    const transfers = this.#chips.map((lane) => {
      const transfer = known.get(lane) ?? chipTransfer(lane.chip, addedTo(phasesRad, lane.phasesRad), bareRad)
      known.set(lane, transfer)
      return transfer
    })
    const folded = { version, transfers, phasesRad }
    // While heaters still move the next look may differ.
    this.#folded = this.heaters.settled ? folded : undefined
    return folded
  }
}

function addedTo(phasesRad: Float64Array, more: Float64Array | undefined): Float64Array {
  return more === undefined ? phasesRad : phasesRad.map((rad, heater) => rad + more[heater]!)
}

function multiply({ size, re, im }: ComplexMatrix, input: Fields): Fields {
  const out = { re: new Float64Array(size), im: new Float64Array(size) }
  for (let row = 0, at = 0; row < size; row++) {
    let [sumRe, sumIm] = [0, 0]
    for (let column = 0; column < size; column++, at++) {
      sumRe += re[at]! * input.re[column]! - im[at]! * input.im[column]!
      sumIm += re[at]! * input.im[column]! + im[at]! * input.re[column]!
    }
    out.re[row] = sumRe
    out.im[row] = sumIm
  }
  return out
}

const times = (ar: number, ai: number, br: number, bi: number): [number, number] => [
  ar * br - ai * bi,
  ar * bi + ai * br,
]

const rotate = (re: number, im: number, phaseRad: number): [number, number] =>
  times(re, im, Math.cos(phaseRad), Math.sin(phaseRad))
