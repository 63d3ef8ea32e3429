import type { MeshCalibration } from '../calibration/calibration-record.ts'
import { IntensityModel } from '../calibration/intensity/intensity-model.ts'
import type { IntensityCalibration } from '../calibration/intensity/intensity-record.ts'
import { ChipModel } from '../calibration/model/chip-model.ts'
import { mziModel, mziScratch } from '../calibration/model/mzi-model.ts'
import { programWeights } from '../calibration/model/programming.ts'
import { meshCoreLayout } from '../core/mesh-layout.ts'
import type { MziPlace } from '../core/mesh-layout.ts'
import type { MeshSection } from '../pictures/mesh-frame.ts'
import type { PhasedDevice } from '../pictures/mesh-phases.ts'
import type { SplitDevice } from '../pictures/mesh-splitters.ts'

export type FittedDevice = PhasedDevice & SplitDevice & { readonly fieldRatio: number }

/** What its heaters are set to: cold, or as programmed for the weights of a tile. */
export type HeaterSetting = 'cold' | { readonly weights: Float64Array; readonly maxVoltageV: number }

/** Places of one part of the core, in the order in which light meets them, with their heaters. */
interface Part {
  readonly name: string
  readonly places: readonly (MziPlace & { readonly single: boolean })[]
  readonly theta: readonly number[]
  readonly phi: readonly number[]
}

/** A fitted chip in the terms of `ChipModel`. */
type FittedChip = Pick<MeshCalibration, 'size' | 'lanes' | 'design' | 'chip'>

function fittedChip(calibration: MeshCalibration | IntensityCalibration): FittedChip {
  if (calibration.schema === 'fringe-mesh-calibration-1') return calibration
  const { size, lanes, design, chip } = calibration
  const model = new IntensityModel(meshCoreLayout(size, lanes, design))
  return { size, lanes, design, chip: Array.from(model.chipParameters(Float64Array.from(chip))) }
}

/**
 * The chip as a calibration fitted it: phases, splitters, and the light in it when all inputs of V† are equally lit and
 * in phase. Powers are shares of all that light; losses before and behind the meshes are left out.
 *
 * Throws: RANGE_EXCEEDED when the weights need more than the heaters' limit.
 */
export function fittedMesh(
  calibration: MeshCalibration | IntensityCalibration,
  setting: HeaterSetting,
): readonly MeshSection<FittedDevice>[] {
  const chip = fittedChip(calibration)
  const layout = meshCoreLayout(chip.size, chip.lanes, chip.design)
  const { size, mzis, first, sigma, second } = layout
  const model = new ChipModel(layout)
  const parameters = Float64Array.from(chip.chip)
  const crosstalk = model.crosstalk(parameters)
  const voltagesV =
    setting === 'cold'
      ? new Float64Array(layout.heaters.length)
      : programWeights(model, parameters, crosstalk, setting.weights, setting.maxVoltageV).voltagesV
  const phasesRad = model.phases(parameters, crosstalk, voltagesV)
  const [pairs, singles] = [mzis.map(double), sigma.theta.map((_, top) => ({ column: 0, top, single: true }))]
  const parts: readonly Part[] =
    layout.design.form === 'unitary'
      ? [{ name: 'U', places: pairs, ...first }]
      : [
          { name: 'V†', places: pairs, ...first },
          { name: 'Σ', places: singles, ...sigma },
          { name: 'U', places: pairs, ...second },
        ]
  const { alpha, beta, logMziField, logOwnField } = model.blocks
  const light = new TravellingLight(size)
  let element = 0
  return parts.map(({ name, places, theta, phi }) => {
    const devices = places.map((place, index) => ({
      ...place,
      thetaRad: phasesRad[theta[index]!]!,
      phiRad: phasesRad[phi[index]!]!,
      alphaRad: parameters[alpha + element]!,
      betaRad: parameters[beta + element]!,
      fieldRatio: Math.exp(parameters[logMziField]! + (parameters[logOwnField + element++] ?? 0)),
    }))
    const columns = 1 + Math.max(...places.map(({ column }) => column))
    const powers = [light.powers()]
    for (let column = 0; column < columns; column++) {
      for (const device of devices) if (device.column === column) light.pass(device)
      powers.push(light.powers())
    }
    return { name, columns, devices, powers }
  })
}

const double = (place: MziPlace): MziPlace & { readonly single: boolean } => ({ ...place, single: false })

/** Fields on all waveguides at one place along the chip. */
class TravellingLight {
  readonly #re: Float64Array
  readonly #im: Float64Array
  readonly #scratch = mziScratch()

  constructor(size: number) {
    this.#re = new Float64Array(size).fill(1 / Math.sqrt(size))
    this.#im = new Float64Array(size)
  }

  powers(): Float64Array {
    return this.#re.map((re, i) => re * re + this.#im[i]! ** 2)
  }

  pass({ top, single, thetaRad, phiRad, alphaRad, betaRad, fieldRatio }: FittedDevice): void {
    mziModel(thetaRad, phiRad, alphaRad, betaRad, this.#scratch)
    const t = this.#scratch.value.map((number) => fieldRatio * number)
    const [ur, ui] = [this.#re[top]!, this.#im[top]!]
    if (single) {
      // Light enters the upper waveguide of the attenuator and leaves from its lower one.
      this.#set(top, t[4]! * ur - t[5]! * ui, t[4]! * ui + t[5]! * ur)
      return
    }
    const [lr, li] = [this.#re[top + 1]!, this.#im[top + 1]!]
    this.#set(top, t[0]! * ur - t[1]! * ui + t[2]! * lr - t[3]! * li, t[0]! * ui + t[1]! * ur + t[2]! * li + t[3]! * lr)
    this.#set(
      top + 1,
      t[4]! * ur - t[5]! * ui + t[6]! * lr - t[7]! * li,
      t[4]! * ui + t[5]! * ur + t[6]! * li + t[7]! * lr,
    )
  }

  #set(waveguide: number, re: number, im: number): void {
    this.#re[waveguide] = re
    this.#im[waveguide] = im
  }
}
