import { describe, expect, test } from 'vitest'
import { settingsOf } from '../../calibration/plan-step.ts'
import type { CalibrationContext } from '../../calibration/steps/calibration-context.ts'
import { measureDark } from '../../calibration/steps/dark.ts'
import { deviationAt, measureDetectors } from '../../calibration/steps/detectors.ts'
import type { FoundDetector } from '../../calibration/steps/detectors.ts'
import { measureIsolation } from '../../calibration/steps/isolation.ts'
import { measureLaneDelay } from '../../calibration/steps/lane-delay.ts'
import { measureLocalOscillators } from '../../calibration/steps/local-oscillators.ts'
import { BenchError } from '../../core/errors.ts'
import type { MultichannelPowerMeter } from '../../core/instruments.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import { bringLight } from '../../orchestrator/plans/light.ts'
import { fibreDelayS } from '../../sim/optics/fibre.ts'
import { NO_DEFECTS } from '../../sim/optics/defects.ts'
import type { TwinDefects } from '../../sim/optics/defects.ts'
import type { MeshWorld } from '../../sim/optics/mesh-world.ts'
import type { AwgrImperfections } from '../../sim/optics/parameters/awgr-parameters.ts'
import type { MeshImperfections } from '../../sim/optics/parameters/mesh-parameters.ts'
import { openDirectAwgrBench } from '../support/direct-awgr-bench.ts'
import { defaultImperfections, openDirectBench } from '../support/direct-bench.ts'
import { calibrationContext, neverAborted } from '../support/run-plan.ts'

interface Wishes {
  readonly lanes?: number
  readonly size?: number
  readonly seed?: number
  readonly imperfections?: Partial<MeshImperfections>
  readonly defects?: Partial<TwinDefects>
  readonly change?: (bench: MeshBench) => MeshBench
}

async function lit(wishes: Wishes): Promise<{ bench: MeshBench; world: MeshWorld; context: CalibrationContext }> {
  const { lanes = 2, size = 4, seed = 1, defects = {}, change = (bench: MeshBench) => bench } = wishes
  const imperfections = defaultImperfections(wishes.imperfections)
  const opened = openDirectBench({ size, lanes, seed, imperfections, defects: { ...NO_DEFECTS, ...defects } })
  const bench = change(opened.bench)
  const context = await calibrationContext(bench)
  await bringLight(bench, neverAborted)
  return { bench, world: opened.world, context }
}

async function detectorsOf(wishes: Wishes) {
  const at = await lit(wishes)
  const dark = await measureDark(at.context, neverAborted)
  await bringLight(at.bench, neverAborted)
  const lo = await measureLocalOscillators(at.context, dark, neverAborted)
  const found = await measureDetectors(at.context, dark, lo, settingsOf('detectors'), neverAborted)
  return { ...at, found }
}

/** A meter that has no valid power above twice its range. */
function withOverRange(meter: MultichannelPowerMeter): MultichannelPowerMeter {
  let fullMw = Infinity
  return {
    ...meter,
    configure: async (setup, signal) => {
      fullMw = 2 * 10 ** (setup.rangeDbm / 10)
      await meter.configure(setup, signal)
    },
    readLogMw: async (signal) => {
      const logs = await meter.readLogMw(signal)
      if (logs.some((log) => log.some((mw) => mw > fullMw))) throw new BenchError('RANGE_EXCEEDED', 'no valid power')
      return logs
    },
  }
}

/** Pairs fill the meters, + before −. */
const placeOf = ({ lane, port, side }: FoundDetector, size: number): { meter: string; port: number } => {
  const at = 2 * (lane * size + port) + (side === 'plus' ? 0 : 1)
  return { meter: `meter-${Math.floor(at / 8)}`, port: at % 8 }
}

const gainOf = (world: MeshWorld, detector: FoundDetector, size: number): number => {
  const { meter, port } = placeOf(detector, size)
  return world.truth.photodiodes.get(`${meter}.${port}`)!.gain
}

describe('detectors', () => {
  test.each([
    [50, 4],
    [100, 4],
    [50, 8],
  ])('that saturate at %i mW are found so, %i ports', async (photodiodeSaturationMw, size) => {
    const { found, world } = await detectorsOf({ size, imperfections: { photodiodeSaturationMw } })
    expect(found).toHaveLength(4 * size)
    for (const detector of found) {
      const { perMw, sigmaPerMw } = detector.linearity!
      const hidden = 1 / (gainOf(world, detector, size) * photodiodeSaturationMw)
      // Dark currents, which meters round to nothing, pass for 0.001 a milliwatt.
      expect(Math.abs(perMw - hidden)).toBeLessThan(3.5 * sigmaPerMw + 1e-3)
      expect(sigmaPerMw).toBeLessThan(0.01)
    }
  })

  test.each([1, 2, 3])('that follow the light are found to do so, chip %i', async (seed) => {
    const { found } = await detectorsOf({ seed })
    const sigmas = found.map(({ linearity }) => linearity!.perMw / linearity!.sigmaPerMw)
    expect(Math.hypot(...sigmas) / Math.sqrt(sigmas.length)).toBeLessThan(2)
    for (const detector of found) expect(Math.abs(deviationAt(detector, 1))).toBeLessThan(0.006)
  })

  test('are told from the partners of their pairs to half a percent, and stand beside the middle of their lane', async () => {
    const { found, world } = await detectorsOf({ imperfections: { responsivitySpread: 0.05 } })
    for (let pair = 0; pair < found.length; pair += 2) {
      const [plus, minus] = [found[pair]!, found[pair + 1]!]
      const hidden = gainOf(world, plus, 4) / gainOf(world, minus, 4)
      expect(plus.level / minus.level / hidden).toBeCloseTo(1, 2)
      expect(Math.abs(plus.level / minus.level / hidden - 1)).toBeLessThan(0.005)
    }
    for (const lane of [0, 1]) {
      const levels = found.filter((detector) => detector.lane === lane).map(({ level }) => level)
      expect(levels.toSorted((a, b) => a - b)[levels.length >> 1]).toBe(1)
    }
  })

  test('have the floor of a 12-bit meter: a step over √12, less for the mean of two points', async () => {
    const { found } = await detectorsOf({})
    const stepMw = 2 / 4096
    for (const { linearity } of found) {
      expect(linearity!.floorMw).toBeGreaterThan(0.15 * stepMw)
      expect(linearity!.floorMw).toBeLessThan(0.45 * stepMw)
    }
  })

  test('are seen over a decade of light and more', async () => {
    const { found } = await detectorsOf({ size: 8 })
    const decades = found.map(({ seenMw }) => Math.log10(seenMw.max / seenMw.min))
    expect(decades.toSorted((a, b) => a - b)[decades.length >> 1]).toBeGreaterThan(0.8)
  })

  test.each([1, 2])('of which one saturates at 2 mW: that one is named, chip %i', async (seed) => {
    // Lane 1, port 2, minus.
    const saturatedPorts = [{ meter: 'meter-1', port: 5, saturationMw: 2 }]
    await expect(detectorsOf({ seed, defects: { saturatedPorts } })).rejects.toMatchObject({
      code: 'CALIBRATION_FAILED',
      context: { lane: 1, port: 2, side: 'minus', meterPort: 'meter-1.6' },
      message: expect.stringMatching(
        /^lane 1, output 2: the minus detector, meter-1\.6, does not follow the light: .* too little/,
      ) as string,
    })
  })

  test('are not judged where no laser can be dimmed', async () => {
    const change = (bench: MeshBench): MeshBench => ({
      ...bench,
      lasers: bench.lasers.map((one) => ({ ...one, laser: { ...one.laser, powerRangeDbm: { min: 12.5, max: 13.5 } } })),
    })
    const { found } = await detectorsOf({ change, imperfections: { photodiodeSaturationMw: 2 } })
    for (const { linearity, level } of found) {
      expect(linearity).toBeUndefined()
      expect(level).toBeGreaterThan(0)
    }
  })
})

describe('isolation', () => {
  const isolated = async (wishes: Wishes) => {
    const { context, found, bench } = await detectorsOf(wishes)
    return { bench, context, ...(await measureIsolation(context, found, neverAborted)) }
  }
  const db = (share: number): number => 10 * Math.log10(share)

  test('of neighbours and of others is found to 0.3 dB, far below a step of the meters in their own range', async () => {
    const imperfections = { muxAdjacentIsolationDb: 22, muxNonAdjacentIsolationDb: 34 }
    const { leaks, floors } = await isolated({ lanes: 3, imperfections })
    for (const lit of [0, 1, 2]) {
      expect(leaks[lit]![lit]).toBe(1)
      for (const seen of [0, 1, 2].filter((lane) => lane !== lit)) {
        const hiddenDb = Math.abs(lit - seen) === 1 ? 22 : 34
        expect(Math.abs(db(leaks[lit]![seen]!) + hiddenDb)).toBeLessThan(0.3)
        expect(db(floors[lit]![seen]!)).toBeLessThan(-40)
      }
    }
  })

  test('is better than the floor where lanes share a meter that cannot be more sensitive', async () => {
    const { leaks, floors } = await isolated({ size: 2, imperfections: { muxAdjacentIsolationDb: 60 } })
    for (const [lit, seen] of [
      [0, 1],
      [1, 0],
    ] as const) {
      expect(leaks[lit]![seen]!).toBeLessThan(floors[lit]![seen]!)
      expect(db(floors[lit]![seen]!)).toBeGreaterThan(-40)
    }
  })

  test('of less than 10 dB is refused, naming both lanes', async () => {
    await expect(isolated({ imperfections: { muxAdjacentIsolationDb: 7 } })).rejects.toMatchObject({
      code: 'CALIBRATION_FAILED',
      context: { lane: 1, from: 0, laser: 'laser-0' },
      message: expect.stringMatching(/^lane 1: \d+\.\d % of the light of lane 0 arrives at its detectors/) as string,
    })
  })

  test('is looked at once more in the usual range where leaks are too bright for a sensitive one', async () => {
    const change = (bench: MeshBench): MeshBench => ({ ...bench, meters: bench.meters.map(withOverRange) })
    const imperfections = { muxAdjacentIsolationDb: 10.5 }
    const { leaks, floors } = await isolated({ change, imperfections })
    expect(Math.abs(db(leaks[0]![1]!) + 10.5)).toBeLessThan(0.3)
    expect(db(floors[0]![1]!)).toBeGreaterThan(-30)
  })

  test('leaves all lasers lit, and the meters in the range of the bench', async () => {
    const { bench, context } = await isolated({})
    for (const { laser } of bench.lasers) expect(await laser.readEmission(neverAborted)).toBe(true)
    const codes = bench.lanes.map(({ modulators }) => modulators.map(() => Int8Array.of(0, 0)))
    const { plusMw } = await context.frames.run(codes, neverAborted)
    // The local oscillators are there again, and a step is one of the 0 dBm range.
    const stepMw = 2 / 4096 / 2
    for (const mw of plusMw.flat().flatMap((series) => [...series])) {
      expect(mw).toBeGreaterThan(0.05)
      expect(Math.abs(mw / stepMw - Math.round(mw / stepMw))).toBeLessThan(1e-6)
    }
  })
})

async function awgrDelay(imperfections: Partial<AwgrImperfections>) {
  const { bench } = openDirectAwgrBench({ imperfections })
  const frames = new FrameRunner(bench)
  await frames.prepare(neverAborted)
  await bringLight(bench, neverAborted)
  return measureLaneDelay({ bench, frames }, neverAborted)
}

describe('lane delay', () => {
  const delaysOf = async (wishes: Wishes) => measureLaneDelay((await lit(wishes)).context, neverAborted)

  test('is none on an ordinary bench, to a hundredth of a symbol', async () => {
    const { symbols, neighbourShare, resolutionSymbols } = await delaysOf({})
    expect(resolutionSymbols).toBe(1 / 4)
    for (const delay of symbols) expect(Math.abs(delay)).toBeLessThan(0.01)
    for (const share of neighbourShare) expect(share).toBeLessThan(1e-3)
  })

  test('of a meter point, whose edges are thrown away, is found and does no harm', async () => {
    const { symbols, neighbourShare } = await delaysOf({ imperfections: { meterTriggerDelayUs: 12 } })
    for (const delay of symbols) expect(delay).toBeCloseTo(-0.25, 2)
    for (const share of neighbourShare) expect(share).toBeLessThan(1e-3)
  })

  test('is not known where light does not follow, which is no fault of its delay', async () => {
    const change = (bench: MeshBench): MeshBench => ({
      ...bench,
      generators: bench.generators.map((one) => ({
        ...one,
        loadFrame: (codes, signal) =>
          one.loadFrame(
            codes.map((code) => code.map(() => 0)),
            signal,
          ),
      })),
    })
    const { symbols } = await delaysOf({ change, lanes: 1 })
    expect(symbols).toEqual(Float64Array.of(NaN))
  })

  test.each([
    ['half a symbol early', { meterTriggerDelayUs: 20 }, -0.5, 0.5],
    ['ten symbols early', { meterTriggerDelayUs: 400 }, -10, 1],
    ['10 km of fibre, 49 µs late', { modulatorFibreKm: 10, fibreLossDbPerKm: 0 }, 1.25, 1],
  ])('is named where readings are of other symbols: %s', async (_, imperfections, delaySymbols, share) => {
    await expect(delaysOf({ imperfections })).rejects.toMatchObject({
      code: 'CALIBRATION_FAILED',
      context: {
        lane: 0,
        delaySymbols: expect.closeTo(delaySymbols, 2) as number,
        neighbourShare: expect.closeTo(share, 2) as number,
      },
    })
  })

  test('of one lane, which dispersion brings a whole symbol before the other, is named', async () => {
    // 1000 km of 1000 ps/(nm km) over 100 GHz are 0.8 µs: a symbol, with meters triggered for the other lane.
    const fibre = { modulatorFibreKm: 1000, fibreLossDbPerKm: 0, fibreDispersionPsPerNmKm: 1000 }
    const meterTriggerDelayUs = 1e6 * fibreDelayS(1000, 193.1, defaultImperfections(fibre))
    const imperfections = { ...fibre, meterTriggerDelayUs }
    const change = (bench: MeshBench): MeshBench => ({
      ...bench,
      timing: { ...bench.timing, symbolPeriodS: 0.8e-6 },
    })
    await expect(delaysOf({ imperfections, change })).rejects.toMatchObject({
      code: 'CALIBRATION_FAILED',
      context: {
        lane: 1,
        delaySymbols: expect.closeTo(-1, 1) as number,
        neighbourShare: expect.closeTo(1, 2) as number,
      },
    })
  })

  test('sees what a slow modulator leaves of the symbol before', async () => {
    // τ = 4 µs: points 15 and 25 µs into a symbol keep e^(−15/4) and e^(−25/4) of the field before.
    const mzmBandwidthMhz = 1 / (2 * Math.PI * 4)
    await expect(delaysOf({ imperfections: { mzmBandwidthMhz } })).rejects.toMatchObject({
      code: 'CALIBRATION_FAILED',
      context: { lane: 0, neighbourShare: expect.closeTo((Math.exp(-15 / 4) + Math.exp(-25 / 4)) / 2, 2) as number },
    })
  })

  test.each([
    [{}, 0, 0],
    [{ meterTriggerDelayUs: 12 }, -0.25, 0],
  ])('is found of an AWGR core, too: %o', async (imperfections, delaySymbols, share) => {
    const { symbols, neighbourShare } = await awgrDelay(imperfections)
    expect(symbols).toHaveLength(1)
    expect(symbols[0]).toBeCloseTo(delaySymbols, 2)
    expect(neighbourShare[0]).toBeCloseTo(share, 3)
  })

  test('is named of an AWGR core behind 20 km of fibre', async () => {
    await expect(awgrDelay({ modulatorFibreKm: 20 })).rejects.toMatchObject({
      code: 'CALIBRATION_FAILED',
      context: { lane: 0, delaySymbols: expect.closeTo(2.5, 2) as number },
      message: expect.stringMatching(/^lane 0: its light arrives 2\.50 symbols \(100 µs\) late/) as string,
    })
  })
})
