import { describe, expect, test } from 'vitest'
import { calibrationPlan } from '../../calibration/calibrate.ts'
import { BenchError } from '../../core/errors.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import { svdCoreLayout } from '../../core/mesh-layout.ts'
import { openDirectBench } from '../support/direct-bench.ts'
import { runToEnd } from '../support/run-plan.ts'

const layout = svdCoreLayout(4, 2)

let step = ''

/** Calibrates a bench with something broken; returns the error and the step that met it. */
async function calibrateBroken(breakIt: (bench: MeshBench) => MeshBench): Promise<{ error: BenchError; step: string }> {
  const { bench } = openDirectBench({ size: 4, lanes: 2, seed: 3 })
  step = ''
  try {
    await runToEnd(calibrationPlan(breakIt(bench)), (name) => (step = name))
  } catch (error) {
    expect(error).toBeInstanceOf(BenchError)
    return { error: error as BenchError, step }
  }
  throw new Error('the calibration did not notice')
}

/** A heater whose wire is cut, from one step on: it is told its voltage and stays cold. */
const cutHeater =
  (heater: number, during?: readonly string[]) =>
  (bench: MeshBench): MeshBench => ({
    ...bench,
    heaters: {
      ...bench.heaters,
      setVoltagesV: (first, voltagesV, signal) =>
        bench.heaters.setVoltagesV(
          first,
          voltagesV.map((voltage, i) => (first + i === heater && during?.includes(step) !== false ? 0 : voltage)),
          signal,
        ),
    },
  })

const darkLaser =
  (lane: number) =>
  (bench: MeshBench): MeshBench => ({
    ...bench,
    lasers: bench.lasers.map((one, at) =>
      at === lane ? { ...one, laser: { ...one.laser, setEmission: async () => undefined } } : one,
    ),
  })

/** A generator output whose cable is off. */
const unpluggedDrive =
  (generator: number, channel: number) =>
  (bench: MeshBench): MeshBench => ({
    ...bench,
    generators: bench.generators.map((one, at) =>
      at === generator
        ? {
            ...one,
            loadFrame: (codes, signal) =>
              one.loadFrame(
                codes.map((symbols, c) => (c === channel ? new Int8Array(symbols.length) : symbols)),
                signal,
              ),
          }
        : one,
    ),
  })

/** A detector whose fibre is off. */
const darkPort =
  (meter: number, port: number) =>
  (bench: MeshBench): MeshBench => ({
    ...bench,
    meters: bench.meters.map((one, at) =>
      at === meter
        ? {
            ...one,
            readLogMw: async (signal) =>
              (await one.readLogMw(signal)).map((series, p) => (p === port ? new Float64Array(series.length) : series)),
          }
        : one,
    ),
  })

const swappedTaps = (bench: MeshBench): MeshBench => ({
  ...bench,
  taps: {
    ...bench.taps!,
    monitor: {
      ...bench.taps!.monitor,
      readVoltagesV: async (first, count, signal) =>
        (await bench.taps!.monitor.readVoltagesV(first, count, signal)).reverse(),
    },
  },
})

describe('a calibration of a bench with a broken part', () => {
  test.each([
    ['a trimmer', 'port shifters', layout.input[1]![2]!],
    ['an input phase of V†', 'columns', layout.first.phi[3]!],
    ['an inner phase of V†', 'columns', layout.first.theta[0]!],
    ['a phase between the meshes', 'columns', layout.sigma.phi[1]!],
    ['an inner phase of U', 'columns', layout.second.theta[5]!],
    // Its neighbours warm it, so that it turns a little all the same.
    ['a local oscillator', 'port shifters', layout.lo[1]![3]!],
  ])('names the heater that is dead: %s', async (_, where, heater) => {
    const { error, step } = await calibrateBroken(cutHeater(heater))
    expect(step).toBe(where)
    expect(error).toMatchObject({
      code: 'CALIBRATION_FAILED',
      context: { heater, channel: heater, role: layout.heaters[heater]!.role },
    })
    expect(error.message).toContain(`heater ${heater} `)
    expect(error.message).toMatch(/moves no light; check its wire$/)
  })

  test('names a dead attenuator when it looks for where it opens', async () => {
    const heater = layout.sigma.theta[2]!
    const { error, step } = await calibrateBroken(cutHeater(heater))
    expect(step).toBe('attenuators')
    expect(error).toMatchObject({ code: 'CALIBRATION_FAILED', context: { heater } })
  })

  test.each([0, 1])('names lane %i when it is dark', async (lane) => {
    const { error, step } = await calibrateBroken(darkLaser(lane))
    expect(step).toBe('local oscillators')
    expect(error).toMatchObject({ code: 'CALIBRATION_FAILED', context: { lane } })
  })

  test('names lane and output of a detector without its fibre', async () => {
    // Lane 1, port 2: its minus detector is input 5 of the second meter.
    const { error } = await calibrateBroken(darkPort(1, 5))
    expect(error).toMatchObject({ code: 'CALIBRATION_FAILED', context: { lane: 1, port: 2 } })
  })

  test('names lane and input of a modulator whose drive cable is off', async () => {
    const { error, step } = await calibrateBroken(unpluggedDrive(1, 2))
    expect(step).toBe('modulators')
    expect(error).toMatchObject({ code: 'CALIBRATION_FAILED', context: { lane: 1, port: 2 } })
    expect(error.message).toContain('lane 1, input 2')
  })

  test('names a heater that died after its fringe was measured, when the fit does not explain the chip', async () => {
    const heater = layout.second.theta[2]!
    const { error, step } = await calibrateBroken(cutHeater(heater, ['settings', 'chip']))
    expect(step).toBe('chip')
    expect(error).toMatchObject({ code: 'CALIBRATION_FAILED', context: { heater, channel: heater } })
  })

  test('says so when the taps between the meshes see other light than they should', async () => {
    const { error, step } = await calibrateBroken(swappedTaps)
    expect(step).toBe('chip')
    expect(error.code).toBe('CALIBRATION_FAILED')
    expect(error.message).toMatch(/taps between the meshes .* check their wiring/)
  })
})
