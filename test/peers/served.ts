import { SystemClock } from '../../core/clock.ts'
import { simB2900 } from '../../sim/instruments/sim-b2900.ts'
import { simItla } from '../../sim/instruments/sim-itla.ts'
import { simE5cc } from '../../sim/instruments/sim-e5cc.ts'
import { simM8195a } from '../../sim/instruments/sim-m8195a.ts'
import { simMbx } from '../../sim/instruments/sim-mbx.ts'
import { simSdm120 } from '../../sim/instruments/sim-sdm120.ts'
import { simT7 } from '../../sim/instruments/sim-t7.ts'
import { isMessageInstrument } from '../../sim/ports/message-instrument.ts'
import type { MessageInstrument } from '../../sim/ports/message-instrument.ts'
import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'
import type { SimContext } from '../../sim/sim-entry.ts'
import { FakeLoads } from '../support/fake-loads.ts'
import { simulatedMeter } from '../support/message-instruments.ts'

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
  simMbx.create(
    { setBiasV: () => undefined, followNull: () => undefined, nullBiasV: () => -1.7, tapMw: () => 0.2 },
    context('mbx'),
  )

export const laser = () => simItla.create({ setOutput: () => undefined }, context('laser', { serial: 'FR1234' }))

/** In 1 mW of light on every port. */
export const powerMeter = simulatedMeter

/** Its outputs lead nowhere. */
export function generator() {
  const drive = { rest: () => undefined, load: () => undefined, start: () => undefined, onTrigger: () => undefined }
  return forMessages(simM8195a.create(drive, context('awg')))
}

/** A resistor of 1 kΩ on either channel. */
export const sourceMeter = () => forMessages(simB2900.create(new FakeLoads(), context('smu')))

/** For any wire: as bytes or as messages. */
function forMessages(instrument: WireInstrument): WireInstrument & MessageInstrument {
  if (!isMessageInstrument(instrument)) throw new Error('this instrument knows no messages')
  return instrument
}
