import { describe, expect, test } from 'vitest'
import { calibrationPlan } from '../../calibration/calibrate.ts'
import type { MeshCalibration } from '../../calibration/calibration-record.ts'
import { BenchError } from '../../core/errors.ts'
import { svdCoreLayout } from '../../core/mesh-layout.ts'
import { NO_DEFECTS } from '../../sim/optics/defects.ts'
import type { TwinDefects } from '../../sim/optics/defects.ts'
import { openDirectBench } from '../support/direct-bench.ts'
import { runToEnd } from '../support/run-plan.ts'

const layout = svdCoreLayout(4, 2)

/** What a calibration says of a bench of 4 ports whose heaters have the channels of their numbers. */
async function calibrate(defects: Partial<TwinDefects>, seed = 3): Promise<BenchError | MeshCalibration> {
  const { bench } = openDirectBench({ size: 4, lanes: 2, seed, defects: { ...NO_DEFECTS, ...defects } })
  try {
    return (await runToEnd(calibrationPlan(bench))).calibration
  } catch (error) {
    expect(error).toBeInstanceOf(BenchError)
    return error as BenchError
  }
}

const { input, first, sigma, second, lo } = layout

describe('two exchanged heater cables are named', () => {
  test.each([
    ['a trimmer and one of the other lane', input[0]![1]!, input[1]![2]!],
    ['a trimmer and a phase of V†', input[1]![0]!, first.phi[4]!],
    ['two local oscillators of one lane', lo[0]![0]!, lo[0]![3]!],
    ['a local oscillator and a phase of U', lo[1]![2]!, second.theta[2]!],
    ['both phases of one interferometer of V†', first.phi[2]!, first.theta[2]!],
    ['both phases of one interferometer of U', second.phi[3]!, second.theta[3]!],
    ['two phases of one column', first.theta[0]!, first.theta[1]!],
    ['a phase of V† and one of U', first.phi[3]!, second.phi[3]!],
    ['both phases of one attenuator', sigma.phi[2]!, sigma.theta[2]!],
    ['an attenuator and a phase of U', sigma.theta[1]!, second.phi[1]!],
    ['an attenuator and the phase right behind it', sigma.theta[0]!, second.phi[0]!],
    ['two attenuators', sigma.theta[0]!, sigma.theta[3]!],
  ])('%s', async (_, a, b) => {
    const said = await calibrate({ swappedHeaters: [[a, b]] })
    const pair = [a, b].toSorted((left, right) => left - right)
    expect(said).toMatchObject({
      code: 'CALIBRATION_FAILED',
      context: { heaters: pair, channels: pair, roles: pair.map((heater) => layout.heaters[heater]!.role) },
    })
    expect((said as BenchError).message).toMatch(
      new RegExp(
        `^heater ${pair[0]} \\(.*channel ${pair[0]} .* heater ${pair[1]} \\(.* act as if exchanged: swap their cables`,
      ),
    )
  })
})

describe('a heater without its cable, or on a stuck output, is named', () => {
  test.each([
    ['a phase between the meshes, its attenuator all but shut', sigma.phi[1]!],
    ['a local oscillator', lo[1]![3]!],
    ['an inner phase of V†', first.theta[1]!],
  ])('%s', async (_, heater) => {
    const context = { heater, channel: heater, role: layout.heaters[heater]!.role }
    expect(await calibrate({ deadHeaters: [heater] })).toMatchObject({ code: 'CALIBRATION_FAILED', context })
    const stuckHeaters = [{ channel: heater, voltageV: 4 }]
    expect(await calibrate({ stuckHeaters })).toMatchObject({ code: 'CALIBRATION_FAILED', context })
  })
})

describe('a detector in the dark', () => {
  test('is named by its meter port and side', async () => {
    // Lane 1, port 2: pairs fill the meters, + before −.
    const said = await calibrate({ darkPorts: [{ meter: 'meter-1', port: 5 }] })
    expect(said).toMatchObject({
      code: 'CALIBRATION_FAILED',
      context: { lane: 1, port: 2, side: 'minus', meterPort: 'meter-1.6' },
    })
    expect((said as BenchError).message).toContain('lane 1, output 2: the minus detector, meter-1.6, sees no light')
  })
})

describe('a detector that does not follow the light', () => {
  test('is named by its meter port and side', async () => {
    const said = await calibrate({ saturatedPorts: [{ meter: 'meter-0', port: 6, saturationMw: 3 }] })
    expect(said).toMatchObject({
      code: 'CALIBRATION_FAILED',
      context: { lane: 0, port: 3, side: 'plus', meterPort: 'meter-0.7' },
    })
  })

  test('is named after the verification where only products are so bright', async () => {
    // At most 0.6 mW was seen before, and products make 1.2 mW: 4 and 8 %.
    const said = await calibrate({ saturatedPorts: [{ meter: 'meter-0', port: 6, saturationMw: 14 }] })
    expect(said).toMatchObject({
      code: 'CALIBRATION_FAILED',
      context: { lane: 0, port: 3, side: 'plus', meterPort: 'meter-0.7' },
    })
    expect((said as BenchError).message).toContain('as bright as products make it')
  })

  test('passes where it falls short by a percent or two', async () => {
    const said = await calibrate({ saturatedPorts: [{ meter: 'meter-0', port: 6, saturationMw: 80 }] })
    expect(said).toHaveProperty('verification')
  })
})

describe('a laser beside its channel', () => {
  test.each([
    ['laser-0', 0, 10, 'above'],
    ['laser-1', 1, -10, 'below'],
  ])('is named with its lane and how far off it is: %s', async (laser, lane, offGhz, where) => {
    const said = (await calibrate({ laserOffsetsGhz: { [laser]: offGhz } })) as BenchError
    expect(said).toMatchObject({ code: 'CALIBRATION_FAILED', context: { lane, laser } })
    expect(Math.abs(Number(said.context['offsetGhz']) - offGhz)).toBeLessThan(3)
    expect(said.message).toMatch(new RegExp(`^lane ${lane}: ${laser}, .* GHz ${where} the middle of its channel`))
  })

  test('is named where it lies in the channel of the other lane', async () => {
    const said = (await calibrate({ laserOffsetsGhz: { 'laser-0': 100 } })) as BenchError
    expect(said).toMatchObject({ code: 'CALIBRATION_FAILED', context: { lane: 1, from: 0, laser: 'laser-0' } })
  })

  test('passes where it is off by no more than channels themselves are', async () => {
    expect(await calibrate({ laserOffsetsGhz: { 'laser-0': 2 } })).toHaveProperty('verification')
  })
})
