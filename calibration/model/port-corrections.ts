import type { KnownChip } from './programming.ts'
import { voltagesFor } from './programming.ts'

/** [lane × ports + port] what is taken off the phase of each local oscillator, and ln of each gain. */
export interface PortCorrections {
  readonly turnRad: Float64Array
  readonly logGain: Float64Array
}

/** Two kinds of corrections in force at once; undefined where there are none. */
export function together(
  one: PortCorrections | undefined,
  other: PortCorrections | undefined,
): PortCorrections | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return {
    turnRad: one.turnRad.map((turn, i) => turn + other.turnRad[i]!),
    logGain: one.logGain.map((gain, i) => gain + other.logGain[i]!),
  }
}

/**
 * Voltages with the local oscillators turned back by what they have turned. All heaters are solved for anew: one that
 * comes past a whole turn goes hot or cold, and its neighbours feel it.
 */
export function turnedVoltages(
  { model, parameters, crosstalk, maxVoltageV }: KnownChip,
  phasesRad: Float64Array,
  turnRad: Float64Array,
): Float64Array {
  const { layout } = model
  const turned = phasesRad.slice()
  for (const [lane, ports] of layout.lo.entries()) {
    for (const [port, heater] of ports.entries()) turned[heater]! -= turnRad[lane * layout.size + port]!
  }
  return voltagesFor(model, parameters, crosstalk, turned, maxVoltageV)
}
