import { predictReading } from '../../calibration/model/chip-fit.ts'
import { ChipModel } from '../../calibration/model/chip-model.ts'
import type { FirstLook } from '../../calibration/model/initial-chip.ts'
import type { ChipReading } from '../../calibration/steps/chip-readings.ts'
import { svdCoreLayout } from '../../core/mesh-layout.ts'
import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { RandomStream } from '../../core/random.ts'
import type { Square } from './complex.ts'

export interface HiddenChip {
  readonly layout: SvdCoreLayout
  readonly model: ChipModel
  readonly parameters: Float64Array
  /** What a noise-free reading of all lanes shows at these voltages. */
  readonly read: (voltagesV: Float64Array) => ChipReading
  /** Readings at settings of all heaters anywhere within a turn. */
  readonly readAnywhere: (count: number, seed: number) => ChipReading[]
}

export interface HiddenChipOptions {
  readonly size?: number
  readonly lanes?: number
  readonly seed?: number
  readonly splitterSigmaRad?: number
  readonly neighbour?: number
  readonly logMziField?: number
}

/** A chip of which a test knows all parameters, in the terms of the fitted model. */
export function hiddenChip(options: HiddenChipOptions = {}): HiddenChip {
  const { size = 4, lanes = 1, seed = 1, splitterSigmaRad = 0.02, neighbour = 0.01, logMziField = -0.0115 } = options
  const layout = svdCoreLayout(size, lanes)
  const model = new ChipModel(layout)
  const { blocks } = model
  const random = new RandomStream(seed, 'hidden chip')
  const parameters = new Float64Array(blocks.count)
  for (const heater of layout.heaters.keys()) {
    parameters[blocks.offset + heater] = random.uniform(0, 2 * Math.PI)
    parameters[blocks.radPerV2 + heater] = 0.098 * random.normal(1, 0.05)
  }
  for (let i = blocks.alpha; i < blocks.logNeighbour; i++) parameters[i] = random.normal(0, splitterSigmaRad)
  parameters[blocks.logNeighbour] = Math.log(neighbour)
  parameters[blocks.logDecay] = 0
  parameters[blocks.logMziField] = logMziField
  for (let i = blocks.logIn; i < blocks.count; i++) parameters[i] = random.normal(0, 0.05)
  const crosstalk = model.crosstalk(parameters)
  const read = (voltagesV: Float64Array): ChipReading => ({
    voltagesV: voltagesV.slice(),
    lanes: Array.from({ length: lanes }, (_, lane) => predictReading(model, parameters, crosstalk, voltagesV, lane)),
  })
  return {
    layout,
    model,
    parameters,
    read,
    readAnywhere: (count, settings) => {
      const draw = new RandomStream(settings, 'settings')
      return Array.from({ length: count }, () =>
        read(Float64Array.from(layout.heaters, () => 8 * Math.sqrt(draw.uniform()))),
      )
    },
  }
}

/**
 * What perfect fringes would say of a hidden chip: the transfer matrix with the attenuators open and the part of it
 * that passes under each heater, in the phases and gains of lane 0's ports.
 */
export function firstLookAt({ layout, model, parameters }: HiddenChip): FirstLook {
  const { blocks } = model
  const { size } = layout
  const radPerV2 = parameters.slice(blocks.radPerV2, blocks.radPerV2 + layout.heaters.length)
  const attenuatorRad = Float64Array.from(layout.sigma.theta, (heater) => parameters[blocks.offset + heater]!)
  const attenuatorV = attenuatorRad.map((offset, k) =>
    Math.sqrt((2 * Math.PI - offset) / radPerV2[layout.sigma.theta[k]!]!),
  )
  const baseV = new Float64Array(layout.heaters.length)
  for (const [k, heater] of layout.sigma.theta.entries()) baseV[heater] = attenuatorV[k]!
  const crosstalk = model.crosstalk(parameters)

  /** With the port's gains and phases, one heater at the phase of another voltage and turned by `byRad` more. */
  const seen = (heater: number, voltageV: number, byRad: number): Square => {
    const voltages = baseV.slice()
    voltages[heater] = voltageV
    const phases = model.phases(parameters, crosstalk, voltages)
    phases[heater]! += byRad
    const { re, im } = model.transfer(parameters, phases)
    const out = { size, re: new Float64Array(size * size), im: new Float64Array(size * size) }
    for (let element = 0; element < size * size; element++) {
      const [output, input] = [Math.floor(element / size), element % size]
      const gain = Math.exp(parameters[blocks.logOut + output]! + parameters[blocks.logIn + input]!)
      const turn = phases[layout.input[0]![input]!]! - phases[layout.lo[0]![output]!]!
      const [c, s] = [gain * Math.cos(turn), gain * Math.sin(turn)]
      out.re[element] = c * re[element]! - s * im[element]!
      out.im[element] = c * im[element]! + s * re[element]!
    }
    return out
  }
  return {
    matrix: seen(0, 0, 0),
    under: layout.heaters.map((_, heater) => {
      // a + b·e^{iφ} at φ and φ + π differ by twice the part that turns.
      const [plus, minus] = [seen(heater, 0, 0), seen(heater, 0, Math.PI)]
      return {
        size,
        re: plus.re.map((v, i) => (v - minus.re[i]!) / 2),
        im: plus.im.map((v, i) => (v - minus.im[i]!) / 2),
      }
    }),
    attenuatorRad,
    attenuatorV,
    radPerV2,
  }
}
