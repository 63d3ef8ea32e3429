import { predictReading } from '../../calibration/model/chip-fit.ts'
import { ChipModel } from '../../calibration/model/chip-model.ts'
import { peelChip } from '../../calibration/model/chip-peeling.ts'
import type { ChipLook, PeeledChip, PeelingLooks } from '../../calibration/model/chip-peeling.ts'
import { peelingSettings } from '../../calibration/model/peeling-settings.ts'
import { peelingStages } from '../../calibration/model/peeling-stages.ts'
import type { ChipReading } from '../../calibration/steps/chip-readings.ts'
import { svdCoreLayout } from '../../core/mesh-layout.ts'
import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { RandomStream } from '../../core/random.ts'

const NOMINAL_RAD_PER_V2 = 0.098

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
  /** What interferometers leave of the field beside that. */
  readonly ownFieldSigma?: number
}

/** A chip of which a test knows all parameters, in the terms of the fitted model. */
export function hiddenChip(options: HiddenChipOptions = {}): HiddenChip {
  const { size = 4, lanes = 1, seed = 1, splitterSigmaRad = 0.02, neighbour = 0.01 } = options
  const { logMziField = -0.0115, ownFieldSigma = 0 } = options
  const layout = svdCoreLayout(size, lanes)
  const model = new ChipModel(layout)
  const { blocks } = model
  const random = new RandomStream(seed, 'hidden chip')
  const parameters = new Float64Array(blocks.count)
  for (const heater of layout.heaters.keys()) {
    parameters[blocks.offset + heater] = random.uniform(0, 2 * Math.PI)
    parameters[blocks.radPerV2 + heater] = NOMINAL_RAD_PER_V2 * random.normal(1, 0.05)
  }
  for (let i = blocks.alpha; i < blocks.logNeighbour; i++) parameters[i] = random.normal(0, splitterSigmaRad)
  parameters[blocks.logNeighbour] = Math.log(neighbour)
  parameters[blocks.logDecay] = 0
  parameters[blocks.logMziField] = logMziField
  for (let i = blocks.logIn; i < blocks.logOwnField; i++) parameters[i] = random.normal(0, 0.05)
  for (let i = blocks.logOwnField; i < blocks.count; i++) parameters[i] = random.normal(0, ownFieldSigma)
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

/** Where all attenuators of a hidden chip are open and all else is cold. */
export function openVoltages({ layout, model, parameters }: HiddenChip): Float64Array {
  const { offset, radPerV2 } = model.blocks
  const baseV = new Float64Array(layout.heaters.length)
  for (const heater of layout.sigma.theta) {
    baseV[heater] = Math.sqrt((2 * Math.PI - parameters[offset + heater]!) / parameters[radPerV2 + heater]!)
  }
  return baseV
}

/**
 * What the settings of a peeling show of a hidden chip, each element with noise relative to their RMS. The second
 * quadrature is seen through local oscillators turned by a quarter turn and what the neighbours add, as on a bench.
 */
export function looksAt(chip: HiddenChip, relativeNoise = 0, baseV = openVoltages(chip)): PeelingLooks {
  const { layout, model, parameters, read } = chip
  const { size } = layout
  const noise = new RandomStream(1, 'reading noise')
  const sigma = relativeNoise * Math.sqrt(read(baseV).lanes[0]!.reduce((sum, y) => sum + y * y, 0) / size ** 2)
  const noisy = (values: Float64Array): Float64Array => values.map((value) => value + noise.normal(0, sigma))
  const look = (voltagesV: Float64Array): ChipLook => {
    const turned = voltagesV.slice()
    for (const heater of layout.lo[0]!) {
      turned[heater] = Math.sqrt(
        voltagesV[heater]! ** 2 + Math.PI / 2 / (1.03 * parameters[model.blocks.radPerV2 + heater]!),
      )
    }
    const [re, im] = [noisy(read(voltagesV).lanes[0]!), noisy(read(turned).lanes[0]!)]
    return { voltagesV, matrix: { size, re, im } }
  }
  const settings = new RandomStream(1, 'settings')
  return {
    base: look(baseV),
    stages: peelingStages(layout).map((stage) =>
      peelingSettings(stage, baseV, NOMINAL_RAD_PER_V2, 9.5, settings).map(look),
    ),
    nominalRadPerV2: NOMINAL_RAD_PER_V2,
    radPerV2: new Float64Array(layout.heaters.length).fill(NaN),
    attenuatorRad: new Float64Array(size),
  }
}

/** The first guess of a chip that can be peeled. */
export function peeledChip({ layout }: HiddenChip, looks: PeelingLooks): PeeledChip {
  const peeled = peelChip(layout, looks)
  if (peeled.outcome === 'peeled') return peeled
  throw new Error(`the peeling ended ${peeled.outcome}`)
}
