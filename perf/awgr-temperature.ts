import { readFile } from 'node:fs/promises'
import { benchFromText, requireKind } from '../bench/bench-file.ts'
import { startDirectTwin } from '../bench/direct-twin.ts'
import { openBench } from '../bench/open-bench.ts'
import { AwgrCore } from '../calibration/awgr/awgr-core.ts'
import type { AwgrCalibration } from '../calibration/awgr/awgr-record.ts'
import { awgrCalibrationPlan } from '../calibration/awgr/calibrate-awgr.ts'
import { IntensityCodes } from '../calibration/awgr/intensity-codes.ts'
import { laserFrequenciesGhz } from '../calibration/awgr/laser-frequencies.ts'
import { WeightProgrammer } from '../calibration/awgr/programming.ts'
import type { RingsCalibration } from '../calibration/awgr/programming.ts'
import { measureWeightQuality } from '../calibration/awgr/steps/weights.ts'
import type { WeightQuality } from '../calibration/awgr/steps/weights.ts'
import type { AwgrBench } from '../core/awgr-bench.ts'
import { VirtualClock } from '../core/clock.ts'
import { RandomStream } from '../core/random.ts'
import { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import { bringLight, warmUp } from '../orchestrator/plans/light.ts'
import type { Figure } from './figure.ts'
import { figure, median } from './figure.ts'
import { runToEnd } from './product-bits.ts'

/** Published: silicon rings under a self-referenced analogue controller over 60 °C, calibrated every 6 °C. */
const PUBLISHED = { accuracyBits: 9.3, precisionBits: 11.3, source: 'arXiv 2409.06604' } as const
/** The chamber warms from 30 K below the room to 30 K above it. */
const CHAMBER = { startK: -30, stepK: 1.5, stepH: 0.25 } as const
/** Every 6 K, in the middle of its window: steps of the chamber. */
const FIRST_CALIBRATION = 2
const STEPS_PER_CALIBRATION = 4
const CALIBRATIONS = 10
/** Where weights are judged, in steps from the calibration: ±3 K. */
const JUDGED = [-2, -1, 0, 1, 2]
/** Each is judged around one of the calibrations, so that all of them and 60 K take the time of two chips over 60 K. */
const CHIPS = 20

/**
 * Weights of the example bench in a climate chamber, calibrated once every 6 K.
 *
 * The rings' oven holds the chip as far as its rejection goes; no sensor shows what is left. The twin's other drifts go
 * on meanwhile, 15 minutes a step. At every temperature the bench is opened anew, follows its drift as a job does and sets
 * random weights.
 */
export async function awgrTemperature(): Promise<readonly Figure[]> {
  const places: Place[] = []
  for (let chip = 1; chip <= CHIPS; chip++) {
    const window = (chip - 1) % CALIBRATIONS
    const middle = FIRST_CALIBRATION + STEPS_PER_CALIBRATION * window
    const calibration = await onBench(chip, middle, async (bench, signal) => {
      return (await runToEnd(awgrCalibrationPlan(bench), signal)).calibration
    })
    for (const beside of JUDGED) {
      process.stderr.write(`\rchip ${chip} of ${CHIPS}, step ${beside}  `)
      const withoutToo = window === 0
      const judged = await onBench(chip, middle + beside, (bench, signal) =>
        judge(bench, calibration, withoutToo, signal),
      )
      places.push({ besideK: CHAMBER.stepK * beside, ...judged })
    }
  }
  process.stderr.write('\n')
  return figuresOf(places)
}

interface Judged {
  readonly shiftGhz: number
  readonly followed: WeightQuality
  /** Without following; at one of the calibrations only. */
  readonly untouched: WeightQuality | undefined
}

interface Place extends Judged {
  readonly besideK: number
}

/** Opens the bench of a chip at a step of the chamber, and lights it. */
async function onBench<Result>(
  chip: number,
  step: number,
  work: (bench: AwgrBench, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const twin = { chamberStartK: CHAMBER.startK, chamberStepK: CHAMBER.stepK, chamberStepH: CHAMBER.stepH }
  const lines = Object.entries(twin).map(([key, value]) => `  ${key}: ${value}`)
  const text = `${await readFile('examples/awgr-16.yaml', 'utf8')}\ntwin:\n${lines.join('\n')}\n`
  const file = requireKind(benchFromText(text, 'awgr-16.yaml'), 'awgr')
  const clock = new VirtualClock()
  const { signal } = new AbortController()
  const { direct } = startDirectTwin(file, { seed: chip, clock, ageS: 3600 * CHAMBER.stepH * step })
  await using open = await openBench(file, { direct, clock, signal })
  return await work(open.bench, signal)
}

async function judge(
  bench: AwgrBench,
  calibration: AwgrCalibration,
  withoutToo: boolean,
  signal: AbortSignal,
): Promise<Judged> {
  const frames = new FrameRunner(bench)
  const heaters = new HeaterSetter(bench)
  await warmUp(bench, signal)
  await frames.prepare(signal)
  await bringLight(bench, signal)
  const core = new AwgrCore(bench, calibration, frames, heaters)
  const [shift] = await core.follow(signal)
  const codes = new IntensityCodes(calibration.modulators)
  const qualityOf = (rings: RingsCalibration): Promise<WeightQuality> => {
    const programmer = new WeightProgrammer(bench.layout, laserFrequenciesGhz(bench), rings, bench.heaterLimitsV.max)
    const context = { bench, frames, heaters, random: new RandomStream(1, 'judged weights') }
    return measureWeightQuality(context, codes, programmer, signal)
  }
  const followed = await qualityOf(core.rings)
  return { shiftGhz: shift!.value, followed, untouched: withoutToo ? await qualityOf(calibration) : undefined }
}

function figuresOf(places: readonly Place[]): readonly Figure[] {
  const against = `${PUBLISHED.source}; ${CHIPS} chips on their ovens (1 % of the room), 60 K of ambient, one calibration every 6 K`
  const bits = (
    name: string,
    of: (place: Place) => number,
    goal: number | undefined,
    chosen: readonly Place[] = places,
  ): Figure[] => {
    const values = chosen.map(of)
    const line = { unit: 'bits', better: 'higher', against, ...(goal !== undefined && { goal }) } as const
    return [
      figure({ ...line, name: `${name}, median`, value: median(values) }),
      figure({ ...line, name: `${name}, worst`, value: Math.min(...values) }),
    ]
  }
  const far = Math.max(...places.map(({ besideK }) => Math.abs(besideK)))
  const edges = places.filter(({ besideK }) => Math.abs(besideK) === far)
  const left = edges.filter(({ untouched }) => untouched !== undefined)
  const shifts = places.map(({ shiftGhz }) => Math.abs(shiftGhz))
  return [
    ...bits('accuracy', ({ followed }) => followed.accuracyBits, PUBLISHED.accuracyBits),
    ...bits('precision', ({ followed }) => followed.precisionBits, PUBLISHED.precisionBits),
    ...bits(`accuracy, ${far} K from the calibration`, ({ followed }) => followed.accuracyBits, undefined, edges),
    ...bits(`accuracy, ${far} K away without following`, ({ untouched }) => untouched!.accuracyBits, undefined, left),
    figure({
      name: 'shift of all rings that was followed, largest',
      value: Math.max(...shifts),
      unit: 'GHz',
      better: 'lower',
      against: 'measured by the three readings of a job; lines are 18 GHz wide',
    }),
  ]
}
