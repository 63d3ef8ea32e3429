import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import type { ChipReading } from '../steps/chip-readings.ts'
import { fitChip, relativeResidual } from './chip-fit.ts'
import type { Priors } from './chip-fit-input.ts'
import { parameterBlocks } from './chip-parameters.ts'

/**
 * How far a chip may have gone since it was fitted, one standard deviation: what a laboratory sees in hours, a few times
 * over, so that the readings decide. Assumptions; what is farther off needs a calibration.
 */
const PHASE_RAD = 0.05
/** Local oscillators come over fibres. */
const LO_PHASE_RAD = 0.5
/** Relative, of a heater's phase per volt squared. */
const COEFFICIENT = 0.004
/** ln of a port's field gain: lasers, connectors. */
const GAIN = 0.05

const FIT = { maxIterations: 8, tolerance: 0.02, maxProducts: 40, gradientLeft: 0.05 }

export interface TrackedChip {
  /** As in `parameterBlocks`. */
  readonly parameters: Float64Array
  /** What the chip as it was known leaves unexplained on the readings, relative to their RMS, worst lane. */
  readonly before: number
  /** What the tracked one leaves on readings kept out of its fit. */
  readonly heldOut: number
}

/**
 * Follows a chip that has drifted since it was fitted: phases, coefficients and port gains anew from a few settings,
 * splitters, losses and crosstalk as they were.
 *
 * `noise`: standard deviation of a reading relative to the RMS of all.
 */
export function fitDrift(
  layout: SvdCoreLayout,
  known: Float64Array,
  readings: readonly ChipReading[],
  heldOut: readonly ChipReading[],
  noise: number,
): TrackedChip {
  const lanes = Array.from({ length: layout.lanes }, (_, lane) => lane)
  const worst = (parameters: Float64Array, of: readonly ChipReading[]): number =>
    Math.max(...lanes.map((lane) => relativeResidual(layout, parameters, of, lane)))
  let parameters: Float64Array = Float64Array.from(known)
  for (const lane of lanes) {
    const priors = driftPriors(layout, parameters)
    const squares = readings.flatMap(({ lanes }) => [...lanes[lane]!]).map((value) => value * value)
    const rms = Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length)
    const free = drifting(layout, lane)
    ;({ parameters } = fitChip({ layout, lane, free, priors, readings, noise: noise * rms }, parameters, FIT))
  }
  return { parameters, before: worst(known, readings), heldOut: worst(parameters, heldOut) }
}

function driftPriors(layout: SvdCoreLayout, known: Float64Array): Priors {
  const blocks = parameterBlocks(layout)
  const sigma = new Float64Array(blocks.count).fill(1)
  for (const [heater, { role }] of layout.heaters.entries()) {
    sigma[blocks.offset + heater] = role.kind === 'lo' ? LO_PHASE_RAD : PHASE_RAD
    sigma[blocks.radPerV2 + heater] = COEFFICIENT * known[blocks.radPerV2 + heater]! + 1e-9
  }
  sigma.fill(GAIN, blocks.logIn, blocks.count)
  return { mean: Float64Array.from(known), sigma }
}

/** What may move on the readings of a lane: lane 0 shows the chip and its own ports, another one its ports alone. */
function drifting(layout: SvdCoreLayout, lane: number): number[] {
  const { size } = layout
  const blocks = parameterBlocks(layout)
  const heaters = layout.heaters.flatMap(({ role }, heater) => {
    const seen = role.kind === 'input' || role.kind === 'lo' ? role.lane === lane : lane === 0
    return seen ? [heater] : []
  })
  // Of the phases of inputs and local oscillators of a lane one is a choice.
  const reference = layout.input[lane]![0]!
  const ports = Array.from({ length: size }, (_, port) => lane * size + port)
  return [
    ...heaters.filter((heater) => heater !== reference).map((heater) => blocks.offset + heater),
    ...heaters.map((heater) => blocks.radPerV2 + heater),
    ...ports.map((port) => blocks.logIn + port),
    ...ports.map((port) => blocks.logOut + port),
  ]
}
