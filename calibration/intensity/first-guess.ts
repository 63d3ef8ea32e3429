import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { fitSharedFringe } from '../fit/fringe.ts'
import { portGains } from '../model/port-gains.ts'
import type { PortGains } from '../model/port-gains.ts'
import { basePhases } from './base-phases.ts'
import type { WholeFringe } from './base-phases.ts'
import { intensityBlocks } from './intensity-parameters.ts'
import type { IntensityReading } from './intensity-model.ts'
import { peelColumns } from './peel-columns.ts'

/** Looks at the chip: `lit` inputs one at a time, at any voltages; [lit, output] powers of one unit. */
export type IntensityLook = (voltagesV: Float64Array, lit: readonly number[]) => Promise<IntensityReading>

export interface FirstGuess {
  /** As in `intensityBlocks`. */
  readonly parameters: Float64Array
  /** Mean of what all heaters turn by, rad/V². */
  readonly nominalRadPerV2: number
}

/** Points of the first fringe, whose frequency nobody knows, and inputs lit for it. */
const FIRST_POINTS = 8
const FIRST_INPUTS = 4
/** Whole fringes from which the phases of the base matrix are told. */
const WHOLE_FRINGES = 6
/** Turns at which a heater is looked at beyond the base. */
const TURNS = [0.25, 0.5, 0.75] as const
/** Inputs lit for an arm, and for one that stays in doubt. */
const ARM_INPUTS = 2
const DOUBTFUL_ARM_INPUTS = 6
/** Fabricated heaters differ by a few percent. */
const HEATER_SPREAD = 0.05
/** What crosstalk and stray light leave, of the brightest readings. */
const ARM_NOISE = 0.02
/** An MZI of 0.1 dB: where the fit of its loss starts. */
const LOG_MZI_FIELD = -0.0115
/** Where the fit of the crosstalk law starts. */
const NEIGHBOUR = 0.01

/**
 * A first guess of a whole mesh from powers alone, nothing known but its floor plan: from cold heaters.
 *
 * One fringe for the heaters' usual frequency, the base matrix and some fringes of all inputs for its phases, then all
 * heaters one by one (`peelColumns`). `fringeRange`: where the first frequency is looked for, rad/V².
 */
export async function guessChip(
  layout: SvdCoreLayout,
  look: IntensityLook,
  fringeRange: { readonly min: number; readonly max: number },
  maxVoltageV: number,
  progress: (done: number, total: number) => void = () => undefined,
): Promise<FirstGuess> {
  const { size, heaters } = layout
  const ports = Array.from({ length: size }, (_, port) => port)
  const lookAt = async (heater: number, v2: number, lit: readonly number[]): Promise<Float64Array> => {
    const voltages = new Float64Array(heaters.length)
    voltages[heater] = Math.sqrt(v2)
    return (await look(voltages, lit)).powers
  }
  const central = centralHeaters(layout)
  const basePowers = outputsFirst(size, await lookAt(central[0]!, 0, ports))
  const nominal = await firstFringe(central[0]!, ports.slice(0, FIRST_INPUTS), fringeRange, maxVoltageV, lookAt)

  const gains = portGains({ size, re: basePowers.map(rootOf), im: new Float64Array(size * size) })
  const balanced = (powers: Float64Array, lit: readonly number[]): Float64Array =>
    powers.map((power, at) => power / (gains.output[at % size]! * gains.input[lit[Math.floor(at / size)]!]!) ** 2)
  const base = basePowers.map(
    (power, at) => power / (gains.output[Math.floor(at / size)]! * gains.input[at % size]!) ** 2,
  )
  const fringes: WholeFringe[] = []
  for (const heater of central) {
    const powers: Float64Array[] = [base]
    for (const turn of TURNS) {
      const seen = await lookAt(heater, (turn * 2 * Math.PI) / nominal, ports)
      powers.push(outputsFirst(size, balanced(seen, ports)))
    }
    fringes.push({
      voltagesSquared: Float64Array.from([0, ...TURNS], (turn) => (turn * 2 * Math.PI) / nominal),
      powers,
    })
  }
  const range = { min: (1 - 4 * HEATER_SPREAD) * nominal, max: (1 + 4 * HEATER_SPREAD) * nominal }
  const fields = basePhases(size, base, fringes, range)
  const peeled = await peelColumns(
    layout,
    fields,
    async (heater, v2, lit) => balanced(await lookAt(heater, v2, lit), lit),
    {
      voltagesSquared: TURNS.map((turn) => (turn * 2 * Math.PI) / nominal),
      inputs: Math.min(ARM_INPUTS, size),
      maxInputs: Math.min(DOUBTFUL_ARM_INPUTS, size),
      nominalRadPerV2: nominal,
      spread: HEATER_SPREAD,
      noise: ARM_NOISE,
      progress,
    },
  )
  const known = peeled.radPerV2.filter((k) => !Number.isNaN(k))
  const nominalRadPerV2 = known.reduce((sum, k) => sum + k, 0) / known.length
  return { parameters: parametersOf(layout, peeled, gains, nominalRadPerV2), nominalRadPerV2 }
}

/** Frames that a first guess plays, when all arms are sure at once, and when all stay in doubt. */
export function guessFrames(
  { size, mzis }: SvdCoreLayout,
  arms: 'sure' | 'in doubt',
): readonly { readonly frames: number; readonly symbols: number }[] {
  // No power shows the first column's φ.
  const looks = TURNS.length * (2 * mzis.length - mzis.filter(({ column }) => column === 0).length)
  const lit = Math.min(ARM_INPUTS, size)
  const again = arms === 'sure' ? 0 : Math.min(DOUBTFUL_ARM_INPUTS, size) - lit
  return [
    { frames: 1, symbols: size },
    { frames: FIRST_POINTS, symbols: Math.min(FIRST_INPUTS, size) },
    { frames: TURNS.length * Math.min(WHOLE_FRINGES, mzis.length), symbols: size },
    { frames: looks, symbols: lit },
    { frames: looks * again, symbols: 1 },
  ]
}

/** Heaters of interferometers in the middle, where light of all inputs passes on its way to all outputs. */
function centralHeaters({ mzis, columns, size, first }: SvdCoreLayout): number[] {
  const distance = ({ column, top }: { column: number; top: number }): number =>
    Math.abs(column - (columns - 1) / 2) + Math.abs(top - (size - 2) / 2) / 2
  return mzis
    .map((place, mzi) => ({ heater: first.theta[mzi]!, distance: distance(place) }))
    .sort((left, right) => left.distance - right.distance)
    .slice(0, WHOLE_FRINGES)
    .map(({ heater }) => heater)
}

async function firstFringe(
  heater: number,
  lit: readonly number[],
  range: { readonly min: number; readonly max: number },
  maxVoltageV: number,
  lookAt: (heater: number, v2: number, lit: readonly number[]) => Promise<Float64Array>,
): Promise<number> {
  const x = Float64Array.from({ length: FIRST_POINTS }, (_, i) => (maxVoltageV ** 2 * i) / (FIRST_POINTS - 1))
  const points: Float64Array[] = []
  for (const v2 of x) points.push(await lookAt(heater, v2, lit))
  const channels = Array.from(points[0]!, (_, at) => Float64Array.from(points, (point) => point[at]!))
  return fitSharedFringe(x, channels, range).radPerX
}

/** From [input, output] to [output, input]. */
function outputsFirst(size: number, powers: Float64Array): Float64Array {
  return powers.map((_, at) => powers[(at % size) * size + Math.floor(at / size)]!)
}

const rootOf = (power: number): number => Math.sqrt(Math.max(0, power))

function parametersOf(
  layout: SvdCoreLayout,
  { baseRad, radPerV2 }: { readonly baseRad: Float64Array; readonly radPerV2: Float64Array },
  gains: PortGains,
  nominalRadPerV2: number,
): Float64Array {
  const { size, heaters, columns } = layout
  const blocks = intensityBlocks(layout)
  const parameters = new Float64Array(blocks.count)
  for (const heater of heaters.keys()) {
    const [rad, k] = [baseRad[heater]!, radPerV2[heater]!]
    parameters[blocks.offset + heater] = Number.isNaN(rad) ? 0 : rad
    parameters[blocks.radPerV2 + heater] = Number.isNaN(k) ? nominalRadPerV2 : k
  }
  parameters[blocks.logNeighbour] = Math.log(NEIGHBOUR)
  parameters[blocks.logMziField] = LOG_MZI_FIELD
  for (let port = 0; port < size; port++) {
    parameters[blocks.logIn + port] = Math.log(gains.input[port]!)
    parameters[blocks.logOut + port] = Math.log(gains.output[port]!) - (columns - 1) * LOG_MZI_FIELD
  }
  return parameters
}
