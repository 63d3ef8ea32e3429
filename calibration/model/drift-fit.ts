import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import type { ChipReading } from '../steps/chip-readings.ts'
import { fitChip, relativeResidual } from './chip-fit.ts'
import type { Priors } from './chip-fit-input.ts'
import { parameterBlocks } from './chip-parameters.ts'

/**
 * How far a chip may have gone since somebody looked, one standard deviation: what a look leaves open, beside a random
 * walk, and at most what a laboratory sees in hours. All a few times over, so that the readings decide; but minutes after
 * a look a phase is known better than from two dozen new settings, and looks that forgot it would walk at random
 * themselves. Assumptions; what is farther off needs a calibration.
 */
interface Wander {
  readonly atOnce: number
  readonly inAnHour: number
  readonly most: number
}
const PHASE_RAD: Wander = { atOnce: 0.001, inAnHour: 0.004, most: 0.05 }
/** Relative, of a heater's phase per volt squared. */
const COEFFICIENT: Wander = { atOnce: 0.0002, inAnHour: 0.0006, most: 0.004 }
/** More than this is left where a chip has gone farther than expected: then only its readings count. */
const MOVED_RESIDUAL = 0.01
/** And where they explain the rest so much better, not by chance. */
const CLEARLY = 0.7
/** Local oscillators come over fibres. */
const LO_PHASE_RAD = 0.5
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
 * `noise`: standard deviation of a reading relative to the RMS of all. `sinceS`: from the look before; Infinity when
 * nobody knows.
 */
export function fitDrift(
  layout: SvdCoreLayout,
  known: Float64Array,
  readings: readonly ChipReading[],
  heldOut: readonly ChipReading[],
  { noise, sinceS }: { readonly noise: number; readonly sinceS: number },
): TrackedChip {
  const lanes = Array.from({ length: layout.lanes }, (_, lane) => lane)
  const worst = (parameters: Float64Array, of: readonly ChipReading[]): number =>
    Math.max(...lanes.map((lane) => relativeResidual(layout, parameters, of, lane)))
  const before = worst(known, readings)
  const fitted = (sinceS: number): TrackedChip => {
    let parameters: Float64Array = Float64Array.from(known)
    for (const lane of lanes) {
      const priors = driftPriors(layout, parameters, sinceS)
      const squares = readings.flatMap(({ lanes }) => [...lanes[lane]!]).map((value) => value * value)
      const rms = Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length)
      const free = drifting(layout, lane)
      ;({ parameters } = fitChip({ layout, lane, free, priors, readings, noise: noise * rms }, parameters, FIT))
    }
    return { parameters, before, heldOut: worst(parameters, heldOut) }
  }
  const expected = fitted(sinceS)
  if (expected.heldOut <= MOVED_RESIDUAL) return expected
  const anew = fitted(Infinity)
  return anew.heldOut < CLEARLY * expected.heldOut ? anew : expected
}

const wandered = ({ atOnce, inAnHour, most }: Wander, sinceS: number): number =>
  Math.min(most, Math.hypot(atOnce, inAnHour * Math.sqrt(sinceS / 3600)))

function driftPriors(layout: SvdCoreLayout, known: Float64Array, sinceS: number): Priors {
  const blocks = parameterBlocks(layout)
  const sigma = new Float64Array(blocks.count).fill(1)
  for (const [heater, { role }] of layout.heaters.entries()) {
    sigma[blocks.offset + heater] = role.kind === 'lo' ? LO_PHASE_RAD : wandered(PHASE_RAD, sinceS)
    sigma[blocks.radPerV2 + heater] = wandered(COEFFICIENT, sinceS) * known[blocks.radPerV2 + heater]! + 1e-9
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
