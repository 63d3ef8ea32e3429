import { beforeAll, describe, expect, test } from 'vitest'
import { openAttenuators } from '../../calibration/steps/attenuators.ts'
import type { OpenAttenuators } from '../../calibration/steps/attenuators.ts'
import { evenPhaseVoltagesV, fringeRange } from '../../calibration/steps/calibration-context.ts'
import type { CalibrationContext } from '../../calibration/steps/calibration-context.ts'
import { ChipProbe } from '../../calibration/steps/chip-readings.ts'
import { measureDark } from '../../calibration/steps/dark.ts'
import type { DarkReadings } from '../../calibration/steps/dark.ts'
import { LO_POINTS, measureLocalOscillators } from '../../calibration/steps/local-oscillators.ts'
import type { LocalOscillators } from '../../calibration/steps/local-oscillators.ts'
import { measureModulators } from '../../calibration/steps/modulators.ts'
import { measureColumns } from '../../calibration/steps/columns.ts'
import { measurePortShifters } from '../../calibration/steps/port-shifters.ts'
import { parameterBlocks } from '../../calibration/model/chip-parameters.ts'
import type { MeshCalibration } from '../../calibration/calibration-record.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import { bringLight } from '../../orchestrator/plans/light.ts'
import type { MeshWorld } from '../../sim/optics/mesh-world.ts'
import { angleBetween } from '../support/complex.ts'
import { defaultImperfections, openDirectBench } from '../support/direct-bench.ts'
import { calibrationContext, neverAborted, oracleOf } from '../support/run-plan.ts'
import { close } from '../support/close.ts'

/**
 * Hidden parameters that each step alone can find: no crosstalk, which only the fit of the whole chip tells apart;
 * dark currents that a 12-bit meter sees; balanced pairs that differ.
 */
const imperfections = defaultImperfections({ crosstalkNeighbour: 0, darkCurrentNa: 1e4, responsivitySpread: 0.05 })
/** A step of the meters of the direct bench. */
const METER_STEP_MW = 2 / 4096

let bench: MeshBench
let world: MeshWorld
let dark: DarkReadings
let lo: LocalOscillators
let modulators: MeshCalibration['modulators']
let open: OpenAttenuators
let ofPorts: Float64Array
let guess: Float64Array
let lightAfterDark: number
const progress: [number, number][] = []

const ports = [0, 1, 2, 3]
const diode = (lane: number, port: number, sign: 'plus' | 'minus'): { darkMw: number; gain: number } => {
  const at = 2 * (lane * 4 + port) + (sign === 'plus' ? 0 : 1)
  return world.truth.photodiodes.get(`meter-${Math.floor(at / 8)}.${at % 8}`)!
}

/** All that comes before the attenuators. */
async function probeOf(of: MeshBench): Promise<{ context: CalibrationContext; probe: ChipProbe }> {
  const context = await calibrationContext(of)
  const ofDark = await measureDark(context, neverAborted)
  await bringLight(of, neverAborted)
  const { balancePlus, balanceMinus, radPerV2 } = await measureLocalOscillators(context, ofDark, neverAborted)
  const detectors = { ...ofDark, balancePlus, balanceMinus }
  const ofCodes = await measureModulators(context, detectors, radPerV2, neverAborted)
  return { context, probe: new ChipProbe(context, { detectors, modulators: ofCodes }, radPerV2) }
}

beforeAll(async () => {
  ;({ bench, world } = openDirectBench({ size: 4, lanes: 2, seed: 5, imperfections }))
  const context = await calibrationContext(bench)
  await bringLight(bench, neverAborted)
  dark = await measureDark(context, neverAborted)
  lightAfterDark = await bench.meters[0]!.readPowerMw(0, neverAborted)
  await bringLight(bench, neverAborted)
  lo = await measureLocalOscillators(context, dark, neverAborted)
  const detectors = { ...dark, balancePlus: lo.balancePlus, balanceMinus: lo.balanceMinus }
  modulators = await measureModulators(context, detectors, lo.radPerV2, neverAborted)
  const probe = new ChipProbe(context, { detectors, modulators }, lo.radPerV2)
  open = await openAttenuators(context, probe, () => undefined, neverAborted)
  const onProgress = (done: number, total: number): void => void progress.push([done, total])
  ofPorts = await measurePortShifters(context, probe, open.baseV, () => undefined, neverAborted)
  guess = await measureColumns(context, probe, open, ofPorts, onProgress, neverAborted)
})

const trueRadPerV2 = (heater: number): number => {
  const { piPowerMw, resistanceOhm } = world.truth.chip
  return (Math.PI * 1e3) / (piPowerMw[heater]! * resistanceOhm[heater]!)
}

describe('dark readings', () => {
  test('are the detectors’ dark currents, within a step of the meters', () => {
    for (const lane of [0, 1]) {
      for (const port of ports) {
        expect(Math.abs(dark.darkPlusMw[lane]![port]! - diode(lane, port, 'plus').darkMw)).toBeLessThan(METER_STEP_MW)
        expect(Math.abs(dark.darkMinusMw[lane]![port]! - diode(lane, port, 'minus').darkMw)).toBeLessThan(METER_STEP_MW)
      }
    }
  })

  test('are taken with the lasers off, and leave them off', () => {
    expect(Math.abs(lightAfterDark - diode(0, 0, 'plus').darkMw)).toBeLessThan(METER_STEP_MW)
  })
})

describe('local oscillators and detectors', () => {
  test('every local oscillator’s phase per volt squared is found to half a percent', () => {
    for (const [lane, heaters] of bench.layout.lo.entries()) {
      for (const [port, heater] of heaters.entries()) {
        expect(lo.radPerV2[lane]![port]! / trueRadPerV2(heater)).toBeCloseTo(1, 2)
        expect(Math.abs(lo.radPerV2[lane]![port]! / trueRadPerV2(heater) - 1)).toBeLessThan(0.005)
      }
    }
  })

  test('what was seen lies on the fringes that were fitted, to two percent of their swing', () => {
    const { voltagesV2, fringes } = lo.seen
    expect(voltagesV2).toHaveLength(LO_POINTS)
    for (const [lane, seen] of fringes.entries()) {
      for (const [port, { plusMw, plusFit, minusMw, minusFit }] of seen.entries()) {
        for (const [readings, { mean, cos, sin }] of [
          [plusMw, plusFit],
          [minusMw, minusFit],
        ] as const) {
          const phases = voltagesV2.map((v2) => lo.radPerV2[lane]![port]! * v2)
          const left = phases.map((rad, i) => mean + cos * Math.cos(rad) + sin * Math.sin(rad) - readings[i]!)
          // Local oscillators warm each other's neighbours, which turns the signal a little on the way.
          expect(Math.hypot(...left) / Math.sqrt(LO_POINTS)).toBeLessThan(0.02 * Math.hypot(cos, sin))
        }
      }
    }
  })

  test('unequal detectors are brought to agree on equal light, to half a percent', () => {
    for (const lane of [0, 1]) {
      for (const port of ports) {
        const plus = lo.balancePlus[lane]![port]! * diode(lane, port, 'plus').gain
        const minus = lo.balanceMinus[lane]![port]! * diode(lane, port, 'minus').gain
        expect(Math.abs(plus / minus - 1)).toBeLessThan(0.005)
        expect(lo.balancePlus[lane]![port]! * lo.balanceMinus[lane]![port]!).toBeCloseTo(1, 12)
        expect(lo.meanMw[lane]![port]!).toBeGreaterThan(0.05)
      }
    }
  })
})

describe('modulators', () => {
  test('half phase per code, and with it Vπ, is found to half a percent', () => {
    const truth = oracleOf(bench, world).modulators
    for (const lane of [0, 1]) {
      for (const port of ports) {
        expect(Math.abs(modulators.radPerCode[lane]![port]! / truth.radPerCode[lane]![port]! - 1)).toBeLessThan(0.005)
      }
    }
  })

  test('what the bias lock is off by is found to 2 mrad', () => {
    const truth = oracleOf(bench, world).modulators
    expect(Math.max(...truth.biasRad.flat().map(Math.abs))).toBeGreaterThan(0.01)
    for (const lane of [0, 1]) {
      for (const port of ports) {
        expect(Math.abs(modulators.biasRad[lane]![port]! - truth.biasRad[lane]![port]!)).toBeLessThan(2e-3)
      }
    }
  })

  test('an extinction of 25 dB is found to half a decibel', () => {
    for (const leak of modulators.leak.flat()) expect(Math.abs(-20 * Math.log10(leak) - 25)).toBeLessThan(0.5)
  })
})

describe('attenuators', () => {
  test('their phases at 0 V are found to 0.1 rad, sign and all', () => {
    for (const [waveguide, heater] of bench.layout.sigma.theta.entries()) {
      expect(Math.abs(angleBetween(open.offsetRad[waveguide]!, world.truth.chip.offsetRad[heater]!))).toBeLessThan(0.1)
    }
  })

  test('are open: within 1 % of the power that they can pass', () => {
    for (const [waveguide, heater] of bench.layout.sigma.theta.entries()) {
      const phase = world.truth.chip.offsetRad[heater]! + trueRadPerV2(heater) * open.openV[waveguide]! ** 2
      expect(Math.cos(phase / 2) ** 2).toBeGreaterThan(0.99)
      expect(open.baseV[heater]).toBe(open.openV[waveguide])
    }
  })

  test.each([2.96, 3.06, 3.14, 3.18, 3.3])(
    'that happen to be shut when cold, θ at %f rad, are opened like all others',
    async (thetaRad) => {
      // With the warmth of neighbours: in a shut attenuator it is all that a sweep of φ shows.
      const shut = openDirectBench({ size: 4, lanes: 1, seed: 5 })
      const { offsetRad } = shut.world.truth.chip
      const { sigma } = shut.bench.layout
      for (const heater of sigma.theta) offsetRad[heater] = thetaRad
      const { probe, context } = await probeOf(shut.bench)
      const found = await openAttenuators(context, probe, () => undefined, neverAborted)
      for (const [waveguide, cold] of found.offsetRad.entries()) {
        expect(Math.abs(angleBetween(cold, thetaRad)), `waveguide ${waveguide}`).toBeLessThan(0.2)
      }
    },
  )

  test('all other heaters stay cold', () => {
    const others = [...open.baseV].filter((_, heater) => !bench.layout.sigma.theta.includes(heater))
    expect(others.every((voltage) => voltage === 0)).toBe(true)
  })
})

describe('shifters of the ports', () => {
  test('the phase per volt squared of each is found to one percent; those of the core are left to the next step', () => {
    for (const [heater, { role }] of bench.layout.heaters.entries()) {
      if (role.kind !== 'input' && role.kind !== 'lo') expect(ofPorts[heater]).toBeNaN()
      else expect(Math.abs(ofPorts[heater]! / trueRadPerV2(heater) - 1)).toBeLessThan(0.01)
    }
  })
})

describe('the columns of the meshes', () => {
  test('the phase per volt squared of every heater of the core is found to two percent', () => {
    const { radPerV2 } = parameterBlocks(bench.layout)
    for (const heater of bench.layout.heaters.keys()) {
      expect(Math.abs(guess[radPerV2 + heater]! / trueRadPerV2(heater) - 1)).toBeLessThan(0.02)
    }
  })

  test('the inner phase of every interferometer is found to 0.1 rad, sign and all', () => {
    const { offset } = parameterBlocks(bench.layout)
    for (const heater of [...bench.layout.first.theta, ...bench.layout.second.theta]) {
      expect(Math.abs(angleBetween(guess[offset + heater]!, world.truth.chip.offsetRad[heater]!))).toBeLessThan(0.1)
    }
  })

  test('progress counts the columns of U, the attenuators and the columns of V†', () => {
    expect(progress.map(([done]) => done)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(progress.at(-1)).toEqual([9, 9])
  })
})

describe('voltages of a sweep', () => {
  test('are evenly spaced in V², from 0 to the limit', () => {
    const squares = [...evenPhaseVoltagesV(bench, 5)].map((v) => v * v)
    const whole = bench.heaterLimitsV.max ** 2
    expect(squares).toEqual([0, 0.25, 0.5, 0.75, 1].map((share) => close(9)(share * whole)))
  })

  test('are looked at for half a turn to three turns', () => {
    const { min, max } = fringeRange(bench)
    const whole = bench.heaterLimitsV.max ** 2
    expect(min * whole).toBeCloseTo(Math.PI, 9)
    expect(max * whole).toBeCloseTo(6 * Math.PI, 9)
  })
})
