import { beforeAll, describe, expect, test } from 'vitest'
import { calibrationPlan } from '../../calibration/calibrate.ts'
import type { MeshCalibration } from '../../calibration/calibration-record.ts'
import type { Followed } from '../../calibration/drift-watch.ts'
import { MeshCore } from '../../calibration/mesh-core.ts'
import { parameterBlocks } from '../../calibration/model/chip-parameters.ts'
import { fitDrift } from '../../calibration/model/drift-fit.ts'
import { RandomStream } from '../../core/random.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import { multiply } from '../../orchestrator/jobs/matmul.ts'
import { PROBES } from '../../orchestrator/numerics/probes.ts'
import { productBits } from '../../perf/product-bits.ts'
import { defaultImperfections, openDirectBench } from '../support/direct-bench.ts'
import { hiddenChip } from '../support/hidden-chip.ts'
import { collect, frame, litCore, relativeError, tile } from '../support/lit-core.ts'
import { neverAborted, quietLog, runToEnd } from '../support/run-plan.ts'

test.each([
  ['a chip that has drifted', Infinity],
  ['a chip that has gone within a minute where others go in days', 60],
])('%s is found again from ten settings, and what does not drift stays', (_, sinceS) => {
  const { layout, model, parameters: known } = hiddenChip({ size: 4, lanes: 1, seed: 5 })
  const { blocks } = model
  const random = new RandomStream(7, 'drift')
  const drifted = hiddenChip({ size: 4, lanes: 1, seed: 5 })
  for (const heater of layout.heaters.keys()) {
    drifted.parameters[blocks.offset + heater]! += random.normal(0, 0.03)
    drifted.parameters[blocks.radPerV2 + heater]! *= random.normal(1, 0.002)
  }
  const readings = drifted.readAnywhere(12, 3)
  const [heldOutReadings, fitted] = [readings.slice(0, 2), readings.slice(2)]
  const options = { noise: 1e-3, sinceS }
  const { parameters, before, heldOut } = fitDrift(layout, known, fitted, heldOutReadings, options)
  expect(before).toBeGreaterThan(0.04)
  expect(heldOut).toBeLessThan(before / 10)
  expect(parameters.subarray(blocks.alpha, blocks.logIn)).toEqual(known.subarray(blocks.alpha, blocks.logIn))
})

test('a chip that was known a quarter of an hour ago is known twice as well as one from ten noisy settings alone', () => {
  const { layout, model, parameters: known, readAnywhere } = hiddenChip({ size: 4, lanes: 1, seed: 5 })
  const { blocks } = model
  const noise = 0.01
  const random = new RandomStream(7, 'noise')
  const readings = readAnywhere(12, 3).map(({ voltagesV, lanes }) => {
    const rms = Math.hypot(...lanes[0]!) / Math.sqrt(lanes[0]!.length)
    return { voltagesV, lanes: lanes.map((lane) => lane.map((value) => value + random.normal(0, noise * rms))) }
  })
  const walked = (sinceS: number): number => {
    const options = { noise, sinceS }
    const { parameters } = fitDrift(layout, known, readings.slice(2), readings.slice(0, 2), options)
    const moved = layout.second.theta.map((h) => parameters[blocks.offset + h]! - known[blocks.offset + h]!)
    return Math.hypot(...moved) / Math.sqrt(moved.length)
  }
  expect(walked(900)).toBeLessThan(0.5 * walked(Infinity))
})

describe('a bench of 4 ports that drifts half as fast again as others', () => {
  const { bench } = openDirectBench({
    size: 4,
    lanes: 2,
    seed: 3,
    imperfections: defaultImperfections({
      loPhaseDriftRad: 0.3,
      loPortDriftRad: 0.15,
      heaterResistanceDrift: 0.0015,
      mzmNullDriftV: 0,
    }),
  })
  const frames = new FrameRunner(bench)
  const heaters = new HeaterSetter(bench)
  const looks: Followed[] = []
  let calibration: MeshCalibration
  let morning: number
  let evening: { readonly plain: number; readonly watched: number }
  let watched: MeshCore

  beforeAll(async () => {
    ;({ calibration } = await runToEnd(calibrationPlan(bench)))
    await frames.prepare(neverAborted)
    const random = new RandomStream(1, 'factors')
    const draw = () => ({ rows: 16, columns: 16, data: Float64Array.from({ length: 256 }, () => random.normal()) })
    const [a, b] = [draw(), draw()]
    // One scaling, so that all of a difference is the chip's.
    const options = { log: quietLog, signal: neverAborted, scaling: 'row' } as const
    const bits = async (core: MeshCore): Promise<number> =>
      multiply(core, a, b, options).then(
        ({ effectiveBits }) => effectiveBits,
        () => 0,
      )
    const plain = new MeshCore(bench, calibration, frames, heaters)
    watched = new MeshCore(bench, calibration, frames, heaters, {
      watch: { everyS: 900, onFollowed: (look) => looks.push(look) },
    })
    morning = await bits(plain)
    evening = { plain: morning, watched: morning }
    for (let job = 0; job < 36; job++) {
      await bench.clock.sleep(300e3, neverAborted)
      evening = { plain: await bits(plain), watched: Math.min(evening.watched, await bits(watched)) }
    }
  })

  test('loses bits when nobody watches, and less than one in the worst job that somebody does', () => {
    expect(evening.plain).toBeLessThan(morning - 1)
    expect(evening.watched).toBeGreaterThan(morning - 0.9)
  })

  test('is looked at when its time has come, or when its probes ask for it', () => {
    expect(looks.length).toBeGreaterThanOrEqual(12)
    expect(looks[0]).toMatchObject({ round: 1, because: 'time' })
    for (const { before, heldOut } of looks.slice(1)) expect(heldOut).toBeLessThan(before)
  })

  test('leaves a calibration that says where it is now', () => {
    const { lo } = bench.layout
    const { offset } = parameterBlocks(bench.layout)
    const moved = lo
      .flat()
      .map((heater) => watched.followed!.chip[offset + heater]! - calibration.chip[offset + heater]!)
    expect(Math.max(...moved.map(Math.abs))).toBeGreaterThan(0.2)
    expect(watched.followed).toEqual({ ...calibration, chip: watched.followed!.chip })
  })
})

test('a bench that nobody watches does what it always did: no looks, no corrections', async () => {
  const { bench } = openDirectBench({ size: 2, lanes: 1, seed: 3 })
  const { calibration } = await runToEnd(calibrationPlan(bench))
  const frames = new FrameRunner(bench)
  await frames.prepare(neverAborted)
  const core = new MeshCore(bench, calibration, frames, new HeaterSetter(bench))
  const vectors = frames.vectors
  const random = new RandomStream(1, 'factors')
  const draw = () => ({ rows: 2, columns: 2, data: Float64Array.from({ length: 4 }, () => random.normal()) })
  await productBits(core, draw(), draw(), neverAborted)
  // One frame: silence, four probes, two rows.
  expect(frames.vectors - vectors).toBe(7)
  expect(core.followed).toBeUndefined()
})

test('a local oscillator that comes past a whole turn does not warm its neighbours unforeseen', async () => {
  const { core, bench } = await litCore({
    imperfections: defaultImperfections({ crosstalkNeighbour: 0.03, loPortDriftRad: 0.4 }),
    watch: { everyS: Infinity },
  })
  const frames = Array.from({ length: 40 }, (_, id) => ({ ...frame(tile(id), PROBES), probes: PROBES }))
  // Slow enough to be followed by what frames tell, so that there is only the look at the beginning.
  for (const each of [...frames, ...frames]) {
    await collect(core, [each])
    await bench.clock.sleep(60e3, neverAborted)
  }
  const errors = (await collect(core, frames)).map(relativeError)
  expect(Math.max(...errors)).toBeLessThan(0.055)
})
