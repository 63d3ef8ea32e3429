import { BenchError } from '../../core/errors.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import type { RandomStream } from '../../core/random.ts'
import type { MatrixFreeOptions } from '../fit/conjugate-gradients.ts'
import { ChipModel } from '../model/chip-model.ts'
import { chipDeviations, fitChip, priorsAround, relativeResidual } from '../model/chip-fit.ts'
import { elementCount, parameterBlocks } from '../model/chip-parameters.ts'
import { alikeHeaters } from '../model/alike-heaters.ts'
import type { Pair } from '../model/swapped-heaters.ts'
import { swappedHeaters } from './swapped-error.ts'
import { alignLanePhases } from '../model/lane-phases.ts'
import type { Progress } from '../../orchestrator/plans/plan.ts'
import { settingsOf } from '../plan-step.ts'
import type { CalibrationContext } from './calibration-context.ts'
import type { ChipProbe, ChipReading } from './chip-readings.ts'
import { PROBE_CODE } from './probe-codes.ts'

export interface FittedChip {
  /** As in `parameterBlocks`. */
  readonly parameters: Float64Array
  /** Standard deviation of each, from the curvature of the fit and what it leaves; undefined for large chips. */
  readonly sigmas: Float64Array | undefined
  readonly relativeResidual: number
  readonly heldOutResidual: number
  /** RMS difference of the tap readings from what the fitted V† makes, relative; each tap's own gain left free. */
  readonly tapDisagreement: number | undefined
  readonly iterations: number
  readonly settings: number
}

/** A fit that may still be thrown away: what takes as long again is computed when somebody wants it. */
interface FittedLanes extends Omit<FittedChip, 'tapDisagreement' | 'sigmas'> {
  readonly sigmas: () => Float64Array
}

export interface ChipPlan {
  /** Random settings of all heaters to fit to, and to keep for the check. */
  readonly settings: number
  readonly heldOut: number
  readonly fit: MatrixFreeOptions
}

/** Standard deviation of a matrix element's reading relative to their RMS: converters and unequal losses of MZIs. */
export const READING_NOISE = 0.004
/** Taps are slow and coarse: they catch swapped or dead ones, and a V† that the outputs alone mistook. */
const MAX_TAP_DISAGREEMENT = 0.15
/** A good fit leaves less than a percent; one that ended in a wrong place tens of percent. */
export const MAX_HELD_OUT_RESIDUAL = 0.1

/** Two heaters that turn the same light and are exchanged leave a percent, because the heat is elsewhere. */
const SUSPECT_RESIDUAL = 0.007
/** The fit that exchanges them must leave less of it than this. */
const MENDED_SHARE = 0.6
/** A fit takes seconds up to here, minutes beyond. */
const MAX_REFITTED_PORTS = 8
/** Up to here standard deviations take about as long as the fit. */
const MAX_JUDGED_PORTS = 8

/** Readings outnumber the parameters of a small chip twenty times, those of a large one, which cost minutes, six times. */
export const chipPlanFor = (size: number): ChipPlan =>
  size <= 16
    ? { settings: 64, heldOut: 6, fit: { maxIterations: 25, tolerance: 0.02, maxProducts: 40, gradientLeft: 0.02 } }
    : { settings: 40, heldOut: 4, fit: { maxIterations: 12, tolerance: 0.02, maxProducts: 40, gradientLeft: 0.1 } }

/** The chip at random settings of all heaters, and what its taps saw before. */
export interface ChipSettings {
  /** One quadrature of each, those that the fit may see first. */
  readonly readings: readonly ChipReading[]
  /** [tap, input], V above dark; undefined where the core has no taps. */
  readonly taps: Float64Array | undefined
}

/**
 * Reads taps, then random settings of all heaters, whose phases a first guess makes uniform.
 *
 * Leaves: heaters at the last random setting.
 */
export async function measureSettings(
  context: CalibrationContext,
  probe: ChipProbe,
  baseV: Float64Array,
  guess: Float64Array,
  plan: ChipPlan,
  onProgress: Progress,
  signal: AbortSignal,
): Promise<ChipSettings> {
  const { bench } = context
  const { radPerV2 } = parameterBlocks(bench.layout)
  const coefficients = guess.subarray(radPerV2, radPerV2 + bench.layout.heaters.length)
  const taps = bench.taps && (await readTaps(context, bench.taps, baseV, signal))
  const count = plan.settings + plan.heldOut
  const random = settingsOf('settings')
  return { readings: await readRandomSettings(bench, probe, coefficients, count, random, onProgress, signal), taps }
}

/** The chip at so many settings, all phases random and uniform as far as `radPerV2` of each heater is right. */
export async function readRandomSettings(
  { heaterLimitsV }: MeshBench,
  probe: ChipProbe,
  radPerV2: Float64Array,
  count: number,
  random: RandomStream,
  onProgress: Progress,
  signal: AbortSignal,
): Promise<readonly ChipReading[]> {
  const voltageFor = (coefficient: number): number =>
    Math.sqrt(Math.min(heaterLimitsV.max ** 2, random.uniform(0, 2 * Math.PI) / coefficient))
  const readings: ChipReading[] = []
  while (readings.length < count) {
    readings.push(await probe.read(radPerV2.map(voltageFor), signal))
    onProgress(readings.length, count)
  }
  return readings
}

/**
 * Crosstalk, offsets, splitter errors and losses of the whole chip: from a first guess, one fit of the clear-box model
 * to all settings but those kept to check it.
 *
 * Throws: CALIBRATION_FAILED when the settings kept out of the fit, or the taps, see another chip.
 */
export function fitWholeChip(
  context: Pick<CalibrationContext, 'bench'>,
  { readings, taps }: ChipSettings,
  baseV: Float64Array,
  guess: Float64Array,
  plan: ChipPlan,
  onProgress: Progress,
): FittedChip {
  const { layout } = context.bench
  const fit = (from: Float64Array, of: readonly ChipReading[]): FittedLanes =>
    fitAllLanes(layout, from, plan.fit, of.slice(0, -plan.heldOut), of.slice(-plan.heldOut), onProgress)
  const chip = fit(guess, readings)
  if (!(chip.heldOutResidual <= MAX_HELD_OUT_RESIDUAL)) {
    throw new BenchError(
      'CALIBRATION_FAILED',
      `the fitted chip misses ${(100 * chip.heldOutResidual).toFixed(0)} % of what it had not seen; at most ${100 * MAX_HELD_OUT_RESIDUAL} % is allowed: check heaters and lasers, then calibrate again`,
      { context: { heldOutResidual: chip.heldOutResidual, limit: MAX_HELD_OUT_RESIDUAL } },
    )
  }
  if (chip.heldOutResidual > SUSPECT_RESIDUAL && layout.size <= MAX_REFITTED_PORTS) {
    for (const pair of alikeHeaters(layout)) {
      const { heldOutResidual } = fit(exchanged(layout, guess, pair), readings.map(withExchanged(pair)))
      if (heldOutResidual < MENDED_SHARE * chip.heldOutResidual) throw swappedHeaters(context, pair)
    }
  }
  const judged = (tapDisagreement: number | undefined): FittedChip => {
    return { ...chip, sigmas: layout.size > MAX_JUDGED_PORTS ? undefined : chip.sigmas(), tapDisagreement }
  }
  if (taps === undefined) return judged(undefined)
  const tapDisagreement = compareTaps(layout, chip.parameters, baseV, taps)
  if (!(tapDisagreement <= MAX_TAP_DISAGREEMENT)) {
    throw new BenchError(
      'CALIBRATION_FAILED',
      `the taps between the meshes see ${(100 * tapDisagreement).toFixed(0)} % other light than the fitted V† makes; check their wiring`,
      { context: { tapDisagreement, limit: MAX_TAP_DISAGREEMENT } },
    )
  }
  return judged(tapDisagreement)
}

const withExchanged =
  ([a, b]: Pair) =>
  (reading: ChipReading): ChipReading => {
    const voltagesV = reading.voltagesV.slice()
    voltagesV[a] = reading.voltagesV[b]!
    voltagesV[b] = reading.voltagesV[a]!
    return { ...reading, voltagesV }
  }

/** A guess in which each of a pair has what was found of the other. */
function exchanged(layout: SvdCoreLayout, guess: Float64Array, [a, b]: Pair): Float64Array {
  const { radPerV2 } = parameterBlocks(layout)
  const other = guess.slice()
  other[radPerV2 + a] = guess[radPerV2 + b]!
  other[radPerV2 + b] = guess[radPerV2 + a]!
  return other
}

/** Slow detectors between the meshes, one input of lane 0 lit after the other. Shape: [tap, input], volts above dark. */
async function readTaps(
  { bench, frames, heaters }: CalibrationContext,
  { monitor, firstChannel }: NonNullable<MeshBench['taps']>,
  voltagesV: Float64Array,
  signal: AbortSignal,
): Promise<Float64Array> {
  const { size, lanes } = bench.layout
  await heaters.set(voltagesV, signal)
  const silence = (): Int8Array[] => Array.from({ length: lanes }, () => new Int8Array(size))
  await frames.hold(silence(), signal)
  const dark = await monitor.readVoltagesV(firstChannel, size, signal)
  const taps = new Float64Array(size * size)
  for (let input = 0; input < size; input++) {
    // Modulators at rest leak a little; the mean over both signs is free of what that adds and takes.
    for (const code of [PROBE_CODE, -PROBE_CODE]) {
      const codes = silence()
      codes[0]![input] = code
      await frames.hold(codes, signal)
      const lit = await monitor.readVoltagesV(firstChannel, size, signal)
      for (let tap = 0; tap < size; tap++) taps[tap * size + input]! += (lit[tap]! - dark[tap]!) / 2
    }
  }
  return taps
}

/** The taps see V† by itself: a check of the fit, which has not used them. Shape of `taps`: [tap, input]. */
function compareTaps(
  layout: SvdCoreLayout,
  parameters: Float64Array,
  voltagesV: Float64Array,
  taps: Float64Array,
): number {
  const model = new ChipModel(layout)
  const { size } = layout
  const powers = model.tapPowers(parameters, model.phases(parameters, model.crosstalk(parameters), voltagesV))
  let [left, all] = [0, 0]
  for (let tap = 0; tap < size; tap++) {
    let [cross, norm] = [0, 0]
    const expected = Float64Array.from({ length: size }, (_, input) => {
      const gain = Math.exp(2 * parameters[model.blocks.logIn + input]!)
      return gain * powers[tap * size + input]!
    })
    for (const [input, value] of expected.entries()) {
      cross += value * taps[tap * size + input]!
      norm += value * value
    }
    for (const [input, value] of expected.entries()) {
      left += (taps[tap * size + input]! - (cross / norm) * value) ** 2
      all += taps[tap * size + input]! ** 2
    }
  }
  return Math.sqrt(left / all)
}

function fitAllLanes(
  layout: SvdCoreLayout,
  guess: Float64Array,
  options: MatrixFreeOptions,
  readings: readonly ChipReading[],
  heldOut: readonly ChipReading[],
  onProgress: Progress,
): FittedLanes {
  const blocks = parameterBlocks(layout)
  const { lanes, size } = layout
  const priors = priorsAround(layout, guess)
  const span = (from: number, length: number): number[] => Array.from({ length }, (_, i) => from + i)
  const heaterFree = (lane: number, heater: number): boolean => {
    const { role } = layout.heaters[heater]!
    return role.kind === 'input' || role.kind === 'lo' ? role.lane === lane : lane === 0
  }
  const heaters = [...layout.heaters.keys()]
  const freeOf = (lane: number): number[] => [
    // Input offsets of lane 0 are a choice of phase reference, which V† absorbs.
    ...heaters
      .filter((h) => heaterFree(lane, h) && !(lane === 0 && layout.input[0]!.includes(h)))
      .map((h) => blocks.offset + h),
    ...heaters.filter((h) => heaterFree(lane, h)).map((h) => blocks.radPerV2 + h),
    ...(lane === 0
      ? [
          ...span(blocks.alpha, 2 * elementCount(layout)),
          ...[blocks.logNeighbour, blocks.logDecay, blocks.logMziField],
          ...span(blocks.logOwnField, elementCount(layout)),
        ]
      : []),
    ...span(blocks.logIn + lane * size, size),
    ...span(blocks.logOut + lane * size, size),
  ]
  const rms = Math.sqrt(
    readings.reduce((sum, { lanes }) => sum + lanes[0]!.reduce((s, y) => s + y * y, 0), 0) /
      (readings.length * size * size),
  )
  const free = freeOf(0)
  const common = { layout, lane: 0, free, priors }
  const unexplained = (sum: number): number => READING_NOISE * Math.sqrt(sum / (readings.length * size * size))
  const chip = fitChip({ ...common, readings, noise: READING_NOISE * rms }, guess, options, (iteration, sum) =>
    onProgress(iteration, options.maxIterations, `residual ${(100 * unexplained(sum)).toFixed(2)} %`),
  )
  let parameters = chip.parameters
  for (let lane = 1; lane < lanes; lane++)
    parameters = fitFurtherLane(layout, parameters, readings, lane, freeOf(lane), rms, options)
  const worst = (of: readonly ChipReading[]): number =>
    Math.max(...Array.from({ length: lanes }, (_, lane) => relativeResidual(layout, parameters, of, lane)))
  const relative = relativeResidual(layout, parameters, readings, 0)
  return {
    parameters,
    sigmas: () => {
      // Lanes share the chip, which further ones take for known: what each is free in is its own.
      const all = new Float64Array(blocks.count)
      for (let lane = 0; lane < lanes; lane++) {
        const own = { layout, lane, free: freeOf(lane), priors: priorsAround(layout, parameters) }
        const deviations = chipDeviations({ ...own, readings, noise: relative * rms }, parameters)
        for (const index of own.free) all[index] = deviations[index]!
      }
      return all
    },
    relativeResidual: worst(readings),
    heldOutResidual: worst(heldOut),
    iterations: chip.iterations,
    settings: readings.length,
  }
}

/** Trimmers, local oscillators and gains of another lane, the chip being known: phases of its ports first, by trial. */
function fitFurtherLane(
  layout: SvdCoreLayout,
  known: Float64Array,
  readings: readonly ChipReading[],
  lane: number,
  free: readonly number[],
  rms: number,
  options: MatrixFreeOptions,
): Float64Array {
  const blocks = parameterBlocks(layout)
  const { size } = layout
  const start = Float64Array.from(known)
  for (let port = 0; port < size; port++) {
    start[blocks.logIn + lane * size + port] = known[blocks.logIn + port]!
    start[blocks.logOut + lane * size + port] = known[blocks.logOut + port]!
  }
  alignLanePhases(layout, start, readings, lane)
  const input = {
    layout,
    lane,
    free,
    priors: priorsAround(layout, start),
    readings,
    noise: READING_NOISE * rms,
  }
  return fitChip(input, start, options).parameters
}
