import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { fitSharedFringe } from '../fit/fringe.ts'
import { portGains } from '../model/port-gains.ts'
import type { PortGains } from '../model/port-gains.ts'
import { agreedBase } from './agreed-base.ts'
import type { WholeFringe } from './base-phases.ts'
import { BASE_CANDIDATES, BASE_SHARE, baseSettings } from './base-setting.ts'
import type { BaseSetting } from './base-setting.ts'
import { requireLitPorts } from './dark-ports.ts'
import { intensityBlocks } from './intensity-parameters.ts'
import { IntensityModel } from './intensity-model.ts'
import { everyPort } from './intensity-probe.ts'
import type { IntensityLook } from './intensity-probe.ts'
import { peelColumns } from './peel-columns.ts'
import type { ArmProbe, PeeledChip } from './peel-columns.ts'

export interface FirstGuess {
  /** As in `intensityBlocks`. */
  readonly parameters: Float64Array
  /** Mean of what all heaters turn by, rad/V². */
  readonly nominalRadPerV2: number
  /** Base settings it took. */
  readonly bases: number
}

/** Points of the first fringe, whose frequency nobody knows, and inputs lit for it. */
const FIRST_POINTS = 8
const FIRST_INPUTS = 2
/** Bases tried: where one leads astray, the next one. */
export const MAX_BASES = 3
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
 * A first guess of a whole mesh from powers alone, nothing known but its floor plan.
 *
 * A base setting whose matrix is dark nowhere, one fringe for the heaters' usual frequency, some fringes of all inputs for
 * the phases of the base matrix, then all heaters one by one (`peelColumns`). `fringeRange`: where the first frequency is
 * looked for, rad/V².
 *
 * Throws: CALIBRATION_FAILED naming a port without light.
 */
export async function guessChip(
  layout: SvdCoreLayout,
  look: IntensityLook,
  fringeRange: { readonly min: number; readonly max: number },
  maxVoltageV: number,
  maxBases = MAX_BASES,
  progress: (done: number, total: number) => void = () => undefined,
): Promise<FirstGuess> {
  const { size } = layout
  const central = centralHeaters(layout)
  const maxV2 = maxVoltageV ** 2
  // The heater of the first fringe starts from cold, so that it has all its range for that.
  const settings = await baseSettings(layout, central[0]!, look, maxV2)
  requireLitPorts(size, settings)
  const first = around(size, settings[0]!, look)
  const nominal = await firstFringe(central[0]!, everyPort(Math.min(FIRST_INPUTS, size)), fringeRange, maxV2, first)
  // What every heater has left from anywhere in its base.
  const turnV2 = Math.min((2 * Math.PI) / nominal, ((1 - BASE_SHARE) * maxV2) / TURNS.at(-1)!)
  for (let tried = 0; ; tried++) {
    const setting = settings[tried]!
    const lookAt = around(size, setting, look)
    const told = await baseTold(size, setting, central, lookAt, nominal, turnV2)
    const { gains } = told
    const options = {
      voltagesSquared: TURNS.map((turn) => turn * turnV2),
      inputs: Math.min(ARM_INPUTS, size),
      maxInputs: Math.min(DOUBTFUL_ARM_INPUTS, size),
      nominalRadPerV2: nominal,
      spread: HEATER_SPREAD,
      noise: ARM_NOISE,
      mayGiveUp: tried + 1 < maxBases,
      progress,
    }
    const probe: ArmProbe = async (heater, v2, lit) => balanced(await lookAt(heater, v2, lit), lit, gains)
    const peeled = await peelColumns(layout, told.fields, probe, options)
    if (peeled === undefined) continue
    const known = peeled.radPerV2.filter((k) => !Number.isNaN(k))
    const nominalRadPerV2 = known.reduce((sum, k) => sum + k, 0) / known.length
    const parameters = parametersOf(layout, peeled, setting.voltagesSquared, gains, nominalRadPerV2)
    return { parameters, nominalRadPerV2, bases: tried + 1 }
  }
}

/** One heater moved beyond a base setting. */
type LookAt = (heater: number, v2: number, lit: readonly number[]) => Promise<Float64Array>

/** Looks around a base setting; what was looked at with all inputs is not played again for some of them. */
function around(size: number, { voltagesSquared }: BaseSetting, look: IntensityLook): LookAt {
  const whole = new Map<string, Float64Array>()
  return async (heater, v2, lit) => {
    const key = `${heater} ${v2}`
    const known = whole.get(key)
    if (known !== undefined) return Float64Array.from(lit.flatMap((input) => shownOf(known, size, input)))
    const voltages = voltagesSquared.map(Math.sqrt)
    voltages[heater] = Math.sqrt(voltagesSquared[heater]! + v2)
    const { powers } = await look(voltages, lit)
    if (lit.length === size) whole.set(key, powers)
    return powers
  }
}

const shownOf = (powers: Float64Array, size: number, input: number): number[] =>
  Array.from(powers.subarray(input * size, (input + 1) * size))

/** Fields of the base matrix, and the gains of the ports, from whole fringes of some heaters. */
async function baseTold(
  size: number,
  setting: BaseSetting,
  heaters: readonly number[],
  lookAt: LookAt,
  nominal: number,
  turnV2: number,
): Promise<{ readonly fields: ComplexMatrix; readonly gains: PortGains }> {
  const ports = everyPort(size)
  const rough = portGains({
    size,
    re: outputsFirst(size, setting.powers).map(rootOf),
    im: new Float64Array(size * size),
  })
  const base = outputsFirst(size, balanced(setting.powers, ports, rough))
  const fringes: WholeFringe[] = []
  for (const heater of heaters) {
    const powers: Float64Array[] = [base]
    for (const turn of TURNS) {
      powers.push(outputsFirst(size, balanced(await lookAt(heater, turn * turnV2, ports), ports, rough)))
    }
    fringes.push({ voltagesSquared: Float64Array.from([0, ...TURNS], (turn) => turn * turnV2), powers })
  }
  const { fields, gains } = agreedBase(size, base, fringes, { radPerV2: nominal, spread: HEATER_SPREAD })
  return { fields, gains: { ...rough, output: rough.output.map((gain, port) => gain * gains[port]!) } }
}

/** Powers [lit, output] in units in which all rows and columns of the base sum to one. */
function balanced(powers: Float64Array, lit: readonly number[], { input, output }: PortGains): Float64Array {
  const size = output.length
  return powers.map((power, at) => power / (output[at % size]! * input[lit[Math.floor(at / size)]!]!) ** 2)
}

/** Frames that a first guess plays, when all arms are sure at once, and when all stay in doubt around so many bases. */
export function guessFrames(
  { size, mzis }: SvdCoreLayout,
  arms: 'sure' | 'in doubt',
  bases = 1,
): readonly { readonly frames: number; readonly symbols: number }[] {
  const whole = Math.min(WHOLE_FRINGES, mzis.length)
  // No power shows the first column's φ, and whole fringes show all inputs already.
  const looks = TURNS.length * (2 * mzis.length - mzis.filter(({ column }) => column === 0).length - whole)
  const lit = Math.min(ARM_INPUTS, size)
  const again = arms === 'sure' ? 0 : Math.min(DOUBTFUL_ARM_INPUTS, size) - lit
  return [
    { frames: BASE_CANDIDATES, symbols: size },
    { frames: FIRST_POINTS, symbols: Math.min(FIRST_INPUTS, size) },
    { frames: bases * TURNS.length * whole, symbols: size },
    { frames: bases * looks, symbols: lit },
    { frames: bases * looks * again, symbols: 1 },
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
  maxV2: number,
  lookAt: (heater: number, v2: number, lit: readonly number[]) => Promise<Float64Array>,
): Promise<number> {
  const x = Float64Array.from({ length: FIRST_POINTS }, (_, i) => (maxV2 * i) / (FIRST_POINTS - 1))
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
  { baseRad, radPerV2 }: Pick<PeeledChip, 'baseRad' | 'radPerV2'>,
  baseV2: Float64Array,
  gains: PortGains,
  nominalRadPerV2: number,
): Float64Array {
  const { size, columns } = layout
  const blocks = intensityBlocks(layout)
  const parameters = new Float64Array(blocks.count)
  const coefficients = radPerV2.map((k) => (Number.isNaN(k) ? nominalRadPerV2 : k))
  parameters.set(coefficients, blocks.radPerV2)
  parameters[blocks.logNeighbour] = Math.log(NEIGHBOUR)
  const own = baseV2.map((v2, heater) => v2 * coefficients[heater]!)
  const given = new IntensityModel(layout).crosstalk(parameters).given(own)
  for (const [heater, rad] of baseRad.entries()) {
    parameters[blocks.offset + heater] = Number.isNaN(rad) ? 0 : rad - own[heater]! - given[heater]!
  }
  parameters[blocks.logMziField] = LOG_MZI_FIELD
  for (let port = 0; port < size; port++) {
    parameters[blocks.logIn + port] = Math.log(gains.input[port]!)
    parameters[blocks.logOut + port] = Math.log(gains.output[port]!) - (columns - 1) * LOG_MZI_FIELD
  }
  return parameters
}
