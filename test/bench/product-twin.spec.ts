import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { describe, expect, test } from 'vitest'
import { benchFromText, requireKind } from '../../bench/bench-file.ts'
import { startDirectTwin } from '../../bench/direct-twin.ts'
import { openBench } from '../../bench/open-bench.ts'
import { openProductTwin } from '../../bench/product-twin.ts'
import { awgrCalibrationPlan } from '../../calibration/awgr/calibrate-awgr.ts'
import { AwgrCore } from '../../calibration/awgr/awgr-core.ts'
import { MeshCore } from '../../calibration/mesh-core.ts'
import { accuracyOf } from '../../core/accuracy.ts'
import { VirtualClock } from '../../core/clock.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import { exactProduct, multiply } from '../../orchestrator/jobs/matmul.ts'
import { bringLight, warmUp } from '../../orchestrator/plans/light.ts'
import { KernelProduct } from '../../sim/direct/kernel-product.ts'
import { MeshProductTables } from '../../sim/direct/mesh-product-tables.ts'
import { Kernels } from '../../sim/kernels/kernels.ts'
import { Photodiode } from '../../sim/optics/photodiode.ts'
import { defaultImperfections, directWorldSpec, openDirectBench } from '../support/direct-bench.ts'
import { productBy, randomMatrix, setupOf } from '../support/product-core.ts'
import { neverAborted, oracleOf, quietLog, runToEnd } from '../support/run-plan.ts'
import { statistics } from '../support/statistics.ts'

const [a, b] = [randomMatrix(480, 16, 1), randomMatrix(16, 16, 2)]
const exact = exactProduct(a, b)
const bitsOf = (c: Float64Array): number =>
  accuracyOf(
    exact.data,
    c.map((value, at) => value - exact.data[at]!),
  ).effectiveBits

/** Nothing that differs from part to part, so that a calibration has nothing to miss. */
const ALIKE = {
  ...{ splitterSigmaRad: 0, crosstalkNeighbour: 0, heaterSpread: 0, mziLossSpreadDb: 0, muxCentreErrorGhz: 0 },
  ...{ inputLossSpreadDb: 0, outputLossSpreadDb: 0, loLossSpreadDb: 0, responsivitySpread: 0 },
  ...{ mzmVpiSpread: 0, mzmBiasOffsetV: 0 },
} as const

describe('a mesh of perfect parts by its instruments and by kernels', () => {
  test.each([
    // Two frames have two silences, and kernels one a tile: what their noise costs differs by chance.
    ['with the noise of the default bench', {}, 0.05],
    ['with noise of 0.4 % of full scale', { readoutNoiseShare: 0.004, receiverFullScaleMw: 2 }, 0.5],
    ['with loud lasers', { laserRinDbPerHz: -95 }, 0.15],
  ] as const)('has the same effective bits %s', { timeout: 60_000 }, async (_, changes, tolerance) => {
    const imperfections = defaultImperfections({ ...ALIKE, ...changes })
    const { bench, world } = openDirectBench({ size: 4, lanes: 1, imperfections, seed: 1 })
    await bringLight(bench, neverAborted)
    const frames = new FrameRunner(bench)
    await frames.prepare(neverAborted)
    const truth = oracleOf(bench, world)
    const known = {
      ...truth,
      ...{ schema: 'fringe-mesh-calibration-1', size: 4, lanes: 1, chip: Array.from(truth.chip) },
      // Nothing that would choose another scaling than that of kernels.
      verification: {},
    } as unknown as ConstructorParameters<typeof MeshCore>[1]
    const core = new MeshCore(bench, known, frames, new HeaterSetter(bench))
    const { effectiveBits } = await multiply(core, a, b, { log: quietLog, signal: neverAborted })

    const kernels = new Kernels('wasm')
    const tables = new MeshProductTables(kernels, directWorldSpec(4, 1, imperfections), setupOf(bench, 1))
    await using computed = new KernelProduct('mesh', kernels, tables, 1)
    const { c } = await productBy(computed, a, b)
    expect(Math.abs(bitsOf(c) - effectiveBits)).toBeLessThan(tolerance)
  })
})

describe('an AWGR of perfect parts by its instruments and by kernels', () => {
  test('has the same effective bits to a third of a bit', { timeout: 120_000 }, async () => {
    const written = parse(await readFile('test/cli/small-awgr.yaml', 'utf8')) as object
    const twin = {
      ...{ ringFwhmSpread: 0, ringOffsetSigmaGhz: 0, combLossSpreadDb: 0, portLossSpreadDb: 0, awgrLossSpreadDb: 0 },
      ...{ awgrCentreErrorGhz: 0, outputLossSpreadDb: 0, responsivitySpread: 0, mzmVpiSpread: 0, mzmBiasOffsetV: 0 },
    }
    const file = requireKind(benchFromText(JSON.stringify({ ...written, twin }), 'awgr.yaml'), 'awgr')
    const clock = new VirtualClock()
    const { direct } = startDirectTwin(file, { seed: 1, clock })
    await using opened = await openBench(file, { direct, clock, signal: neverAborted })
    const { bench } = opened
    const { calibration } = await runToEnd(awgrCalibrationPlan(bench))
    await warmUp(bench, neverAborted)
    await bringLight(bench, neverAborted)
    const frames = new FrameRunner(bench)
    await frames.prepare(neverAborted)
    const core = new AwgrCore(bench, calibration, frames, new HeaterSetter(bench))
    const { effectiveBits } = await multiply(core, a, b, { log: quietLog, signal: neverAborted })

    await using computed = openProductTwin(file, { seed: 1, threads: 1, engine: 'wasm' })
    const { c } = await productBy(computed, a, b)
    expect(Math.abs(bitsOf(c) - effectiveBits)).toBeLessThan(1 / 3)
  })
})

describe('a reading that kernels make', () => {
  test('has the mean and the noise of as many points of the photodiode', () => {
    const light = defaultImperfections({ darkCurrentNa: 300, readoutNoiseShare: 1e-5, adcEffectiveBits: 11 })
    const photodiode = new Photodiode('meter-0.3', light, 5, 'minus')
    const [powerMw, averagingS, points] = [0.2, 10e-6, 2]
    const readings = Array.from({ length: 4000 }, (_, i) => {
      const pair = [0, 1].map((point) => photodiode.reportMw(powerMw, averagingS, 2 * i + point))
      return (pair[0]! + pair[1]!) / points
    })
    const { responsivityAPerW, nominalAPerW, darkA, thermalAPerRtHz, bandwidthHz } = photodiode.linear(
      averagingS,
      points,
    )
    const mwPerA = 1e3 / nominalAPerW
    const currentA = responsivityAPerW * powerMw * 1e-3 + darkA
    const sigmaMw = mwPerA * Math.sqrt((2 * 1.602176634e-19 * currentA + thermalAPerRtHz ** 2) * bandwidthHz)
    const seen = statistics(readings)
    expect(Math.abs(seen.mean - currentA * mwPerA)).toBeLessThan(seen.meanTolerance)
    expect(Math.abs(seen.sigma - sigmaMw)).toBeLessThan(seen.sigmaTolerance)
  })
})
