import { VirtualClock } from '../../core/clock.ts'
import { DirectBiasController } from '../../sim/direct/bias-controller.ts'
import { DirectEnergyMeter } from '../../sim/direct/energy-meter.ts'
import { DirectLaser } from '../../sim/direct/laser.ts'
import { DirectPhaseShifterBank } from '../../sim/direct/phase-shifter-bank.ts'
import { DirectPowerMeter } from '../../sim/direct/power-meter.ts'
import { DirectSymbolGenerator } from '../../sim/direct/symbol-generator.ts'
import { DirectTemperatureController } from '../../sim/direct/temperature-controller.ts'
import { DirectVoltageMonitor } from '../../sim/direct/voltage-monitor.ts'
import type { SimContext } from '../../sim/sim-entry.ts'
import { describeBiasController } from '../contracts/bias-controller.contract.ts'
import { describeEnergyMeter } from '../contracts/energy-meter.contract.ts'
import { describeLaser } from '../contracts/laser.contract.ts'
import { describePhaseShifterBank } from '../contracts/phase-shifter-bank.contract.ts'
import { describePowerMeter } from '../contracts/power-meter.contract.ts'
import { describeSymbolGenerator } from '../contracts/symbol-generator.contract.ts'
import { describeTemperatureController } from '../contracts/temperature-controller.contract.ts'
import { describeVoltageMonitor } from '../contracts/voltage-monitor.contract.ts'
import { FakeDetectors } from '../support/fake-detectors.ts'
import { FakeDrive } from '../support/fake-drive.ts'
import { ResistiveHeaters } from '../support/resistive-heaters.ts'

const NULL_BIAS_V = 1.234
const NO_WIRE = (): number => 0

/** Settings as the drivers' schemas would have parsed them. */
const inFile = (settings: SimContext['settings'], clock = new VirtualClock()): SimContext => ({
  name: 'direct',
  seed: 7,
  clock,
  settings,
})
const forever = (): AbortSignal => new AbortController().signal

describeLaser('a direct ITLA laser', async () => {
  let lightMw = 0
  const port = { setOutput: (output: { powerMw: number }) => void (lightMw = output.powerMw) }
  const laser = new DirectLaser(port, inFile({ settleTimeoutMs: 60_000 }))
  return { laser, lightMw: () => lightMw, messagesSent: NO_WIRE }
})

describeBiasController('a direct MBX', async () => {
  const world = { biasV: Number.NaN, light: true }
  const port = {
    setBiasV: (biasV: number) => void (world.biasV = biasV),
    followNull: () => void (world.biasV = NULL_BIAS_V),
    nullBiasV: () => NULL_BIAS_V,
    tapMw: () => (world.light ? 0.2 * Math.sin((Math.PI * (world.biasV - NULL_BIAS_V)) / 7) ** 2 : 0),
  }
  return {
    controller: new DirectBiasController(port, inFile({ lockTimeoutMs: 10_000 })),
    biasV: () => world.biasV,
    nullBiasV: NULL_BIAS_V,
    setLight: (on) => void (world.light = on),
  }
})

describeSymbolGenerator('a direct M8195A', async () => {
  const clock = new VirtualClock()
  const drive = new FakeDrive()
  return {
    generator: new DirectSymbolGenerator(drive, inFile({ sampleRateHz: 64e9, maxSymbolsPerFrame: 64 }, clock)),
    format: { symbolPeriodS: 40e-6, amplitudeV: 0.4 },
    messagesSent: NO_WIRE,
    restV: () => drive.restV,
    playedV: () => drive.played,
    symbolPeriodS: () => drive.loaded?.symbolPeriodS ?? 0,
    passFrame: () => clock.moveTo(clock.monotonicNs() + 1e9),
  }
})

describePhaseShifterBank('a direct chain of two Q8iv', async () => {
  const heaters = new ResistiveHeaters(16)
  return {
    bank: new DirectPhaseShifterBank(heaters, inFile({ modules: 2, limitV: 8 })),
    messagesSent: NO_WIRE,
    outputsV: () => heaters.voltagesV,
    powersMw: () => heaters.powersMw,
  }
})

describePowerMeter('a direct N7745', async () => {
  const light = new FakeDetectors()
  const meter = new DirectPowerMeter(light, inFile({ readAveragingS: 0.2 }))
  return {
    meter,
    messagesSent: NO_WIRE,
    light: {
      get powerMw() {
        return light.powerAtMw
      },
      set powerMw(powerMw) {
        light.powerAtMw = powerMw
      },
    },
    pulse: () => light.pulse(),
    portsArmed: () => (meter.logging ? meter.channelCount : 0),
    // Half a step of 12 bits, and what a 32-bit float rounds.
    resolution: 0.501 / 4096,
  }
})

describeVoltageMonitor('a direct T7', async () => {
  const inputsV = new Float64Array(14)
  const port = { voltageV: (channel: number) => inputsV[channel] ?? 0 }
  const monitor = new DirectVoltageMonitor(port, inFile({ rangeV: 1, resolutionIndex: 8 }))
  return { monitor, inputsV, rangeV: 1, errorV: 5e-5, messagesSent: NO_WIRE }
})

describeTemperatureController('a direct E5CC', async () => {
  const oven = { setPointC: 0, running: false }
  const port = {
    setSetPointC: (setPointC: number, running: boolean) => void Object.assign(oven, { setPointC, running }),
    temperatureC: () => (oven.running ? oven.setPointC : 23),
  }
  const context = inFile({ decimals: 1, minC: 0, maxC: 100 })
  return {
    controller: await DirectTemperatureController.open(port, context, forever()),
    messagesSent: NO_WIRE,
    running: () => oven.running,
    settle: () => Promise.resolve(),
  }
})

describeEnergyMeter('a direct SDM120', async () => {
  const mains = { powerW: 0, energyKwh: 0 }
  const port = { powerW: () => mains.powerW, energyKwh: () => mains.energyKwh }
  return { meter: await DirectEnergyMeter.open(port, inFile({ silenceMs: 100 }), forever()), mains }
})
