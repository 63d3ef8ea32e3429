import { expect, test } from 'vitest'
import { intensityCalibrationPlan } from '../../../calibration/intensity/calibrate-intensity.ts'
import type { MeshBench } from '../../../core/mesh-bench.ts'
import { intensityBlocks } from '../../../calibration/intensity/intensity-parameters.ts'
import { runToEnd } from '../../../perf/product-bits.ts'
import { NO_DEFECTS } from '../../../sim/optics/defects.ts'
import { defaultImperfections, openDirectBench } from '../../support/direct-bench.ts'

const SIZE = 6

test('a mesh read by photodiodes is known to half a percent from cold, its leaking modulators and converters included', async () => {
  const imperfections = defaultImperfections({
    crosstalkNeighbour: 0.015,
    splitterMeanRad: 0.06,
    receiverFullScaleMw: 1,
  })
  const { bench, world } = openDirectBench({
    size: SIZE,
    lanes: 1,
    seed: 2,
    imperfections,
    design: { arrangement: 'clements', mzi: 'plain', form: 'unitary', detection: 'intensity' },
  })
  const { calibration, vectors } = await runToEnd(intensityCalibrationPlan(bench), new AbortController().signal)
  const { chip, fit, verification } = calibration
  expect(fit.heldOutTvd).toBeLessThan(0.005)
  expect(vectors).toBeLessThanOrEqual(27.5 * SIZE ** 2)
  expect(verification).toMatchObject({ targets: 8, verdict: 'accepted' })
  expect(verification.modelTvd).toBeLessThan(0.005)
  // By one sign of the light alone, what dark modulators leave over makes 0.996 and 6 % of it.
  expect(verification.amplitudeFidelity).toBeGreaterThan(0.9995)
  expect(verification.tvd).toBeLessThan(0.015)
  const blocks = intensityBlocks(bench.layout)
  expect(Math.exp(chip[blocks.logNeighbour]!)).toBeCloseTo(0.015, 3)
  // Also in the first column, where stray light looks like an error of the splitter.
  for (const [e, { alphaRad }] of world.core.truth.chip.first.entries()) {
    const found = chip[blocks.splitterMean]! + chip[blocks.alpha + e]!
    // Half of what the design alone tells of one.
    expect(Math.abs(found - alphaRad)).toBeLessThan(0.015)
  }
})

test('chips of four ports are calibrated within one plan, cold ones under whose heaters no light passes included', async () => {
  const design = { arrangement: 'clements', mzi: 'plain', form: 'unitary', detection: 'intensity' } as const
  for (const seed of [5, 8, 10, 12]) {
    const { bench } = openDirectBench({ size: 4, lanes: 1, seed, design })
    const { calibration } = await runToEnd(intensityCalibrationPlan(bench), new AbortController().signal)
    expect(calibration.fit.heldOutTvd).toBeLessThan(0.005)
    expect(calibration.verification.amplitudeFidelity).toBeGreaterThan(0.9995)
  }
})

test('a bench with local oscillators, and a mesh that shows no phase, are refused before the first step', async () => {
  const signal = new AbortController().signal
  const homodyne = openDirectBench({ size: 4, lanes: 1 })
  await expect(runToEnd(intensityCalibrationPlan(homodyne.bench), signal)).rejects.toMatchObject({
    code: 'CALL_INVALID',
  })
  const design = { arrangement: 'clements', mzi: 'plain', form: 'unitary', detection: 'intensity' } as const
  const two = openDirectBench({ size: 2, lanes: 1, design })
  await expect(runToEnd(intensityCalibrationPlan(two.bench), signal)).rejects.toMatchObject({ code: 'CALL_INVALID' })
})

test('a dead heater ends it: what the fit has not seen does not come out', async () => {
  const design = { arrangement: 'clements', mzi: 'plain', form: 'unitary', detection: 'intensity' } as const
  const { bench } = openDirectBench({ size: 4, lanes: 1, seed: 2, design })
  const dead = bench.heaterChannels[bench.layout.first.theta[2]!]!
  const heaters: MeshBench['heaters'] = new Proxy(bench.heaters, {
    get: (bank, key) => {
      if (key === 'setVoltagesV') {
        return (first: number, volts: Float64Array, signal: AbortSignal) =>
          bank.setVoltagesV(
            first,
            volts.map((volt, i) => (first + i === dead ? 0 : volt)),
            signal,
          )
      }
      const value = Reflect.get(bank, key) as unknown
      return typeof value === 'function' ? (value.bind(bank) as unknown) : value
    },
  })
  const plan = intensityCalibrationPlan({ ...bench, heaters })
  await expect(runToEnd(plan, new AbortController().signal)).rejects.toMatchObject({ code: 'CALIBRATION_FAILED' })
})

test.each([0, 1, 2, 3])('output %i without its fibre ends it by name', async (port) => {
  const design = { arrangement: 'clements', mzi: 'plain', form: 'unitary', detection: 'intensity' } as const
  const defects = { ...NO_DEFECTS, darkPorts: [{ meter: 'meter-0', port }] }
  const { bench } = openDirectBench({ size: 4, lanes: 1, seed: 3, design, defects })
  await expect(runToEnd(intensityCalibrationPlan(bench), new AbortController().signal)).rejects.toMatchObject({
    code: 'CALIBRATION_FAILED',
    message: `lane 0, output ${port}: its photodiode sees no light; check its fibre and the meter port`,
    context: { lane: 0, port },
  })
})

test.each([0, 1, 2, 3])('input %i whose modulator has no drive ends it by name', async (port) => {
  const design = { arrangement: 'clements', mzi: 'plain', form: 'unitary', detection: 'intensity' } as const
  const { bench } = openDirectBench({ size: 4, lanes: 1, seed: 3, design })
  const { generator, channel } = bench.lanes[0]!.modulators[port]!.drive
  const generators = bench.generators.map((one, g) => ({
    ...one,
    loadFrame: (codes: readonly Int8Array[], signal: AbortSignal) =>
      one.loadFrame(
        codes.map((each, c) => (g === generator && c === channel ? new Int8Array(each.length) : each)),
        signal,
      ),
  }))
  const plan = intensityCalibrationPlan({ ...bench, generators })
  await expect(runToEnd(plan, new AbortController().signal)).rejects.toMatchObject({
    code: 'CALIBRATION_FAILED',
    message: `lane 0, input ${port}: no light comes of it; check its modulator, its drive and its fibre`,
    context: { lane: 0, port },
  })
})
