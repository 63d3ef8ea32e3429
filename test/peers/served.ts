import { SystemClock } from '../../core/clock.ts'
import { simItla } from '../../sim/instruments/sim-itla.ts'
import { simE5cc } from '../../sim/instruments/sim-e5cc.ts'
import { simMbx } from '../../sim/instruments/sim-mbx.ts'
import { simSdm120 } from '../../sim/instruments/sim-sdm120.ts'
import { simT7 } from '../../sim/instruments/sim-t7.ts'
import type { SimContext } from '../../sim/sim-entry.ts'

/** What the simulated instruments are told of themselves. */
export const context = (name: string, settings: SimContext['settings'] = {}): SimContext => ({
  name,
  seed: 1,
  clock: new SystemClock(),
  settings,
  unit: 1,
})

export const SUPPLY = { powerW: 984.5, energyKwh: 12.345 }
export const meter = () =>
  simSdm120.create({ powerW: () => SUPPLY.powerW, energyKwh: () => SUPPLY.energyKwh }, context('wall'))

/** An oven that is always where it is told to be. */
export function oven() {
  let temperatureC = 21.5
  const port = {
    setSetPointC: (setPointC: number) => void (temperatureC = setPointC),
    temperatureC: () => temperatureC,
  }
  return simE5cc.create(port, context('oven'))
}

export const inputV = (channel: number): number => 0.06 * (channel - 7)
export const monitor = () => simT7.create({ voltageV: inputV }, context('daq'))

export const bias = () =>
  simMbx.create({ setBiasV: () => undefined, nullBiasV: () => -1.7, tapMw: () => 0.2 }, context('mbx'))

export const laser = () => simItla.create({ setOutput: () => undefined }, context('laser', { serial: 'FR1234' }))
