import { fitLeastSquares } from '../fit/least-squares.ts'
import type { NormalEquations } from '../fit/least-squares.ts'
import type { FittedRing } from './awgr-record.ts'
import { medianOf, ownSlopes, pathLights, residualOf } from './fit-rings.ts'
import type { RingScene } from './fit-rings.ts'
import { withoutLeaks } from './leaks.ts'
import type { RingsCalibration } from './programming.ts'
import type { OutputReading, RingReading } from './steps/ring-probe.ts'

/** What has changed since a calibration, as light tells. */
export interface FollowedDrift {
  /** How far all rings moved down together: the warmth of the chip. */
  readonly shiftGhz: number
  /** RMS of what each ring moved beside that. */
  readonly ringsRmsGhz: number
  /** What is left of the light unexplained, RMS over RMS: before and after. */
  readonly residualBefore: number
  readonly residual: number
  readonly calibration: RingsCalibration
}

/** How far to either side the common shift is looked for first, in line widths, and at how many places. */
const SEARCH = { widths: 1.5, places: 61 } as const
/** What a reading may be off by, relative to its path's full light: the weight of data against the priors. */
const DATA_SIGMA = 5e-4
/** How far a ring goes its own way (its heater ages), lasers and modulators change. */
const PRIOR = { ringGhz: 0.05, logGain: 0.02 } as const
const MAX_ITERATIONS = 12
/** A ring's own way is taken for its heater's where that gives at least so much heat; else it is the ring's. */
const LEAST_HEAT_GHZ = 10

/**
 * The calibration of a chip that has drifted since, from a few readings at voltages at which all rings stand on their flanks.
 *
 * Drop and through light answer a shift of the ring against each other and a brighter path together, so that a reading
 * tells both for every ring. Rings share their warmth; each has its own small way beside it, as heaters age; a gain for each
 * wavelength and one for each input follow lasers and modulators. Maximum a posteriori by Levenberg–Marquardt, each path
 * by its own ring's slopes.
 */
export function followDrift(
  scene: RingScene,
  readings: readonly OutputReading[],
  known: RingsCalibration,
): FollowedDrift {
  const { size, heaters, rings: places } = scene.layout
  const clean = withoutLeaks(readings, known.leaks)
  const heatGhz = heaters.map((_, heater) => known.rings[heater]!.tuningGhzPerV2 * readings[0]!.squaredV[heater]!)
  const count = 1 + heaters.length + 2 * size
  const column = {
    common: 0,
    ring: (heater: number) => 1 + heater,
    wavelength: (k: number) => 1 + heaters.length + k,
    port: (port: number) => 1 + heaters.length + size + port,
  }
  const changed = (p: Float64Array): RingsCalibration => {
    const gain = (table: readonly (readonly number[])[]): number[][] =>
      table.map((row, port) => row.map((mw, k) => mw * Math.exp(p[column.wavelength(k)]! + p[column.port(port)]!)))
    return {
      ...known,
      rings: known.rings.map((ring, heater) =>
        shifted(ring, { common: p[column.common]!, own: p[column.ring(heater)]! }, heatGhz[heater]!),
      ),
      gains: { dropMw: gain(known.gains.dropMw), throughMw: gain(known.gains.throughMw) },
    }
  }
  const evaluate = (p: Float64Array, normal?: NormalEquations): number => {
    const now = changed(p)
    let sum = 0
    const prior = (at: number, sigma: number): void => {
      sum += (p[at]! / sigma) ** 2
      normal?.addDiagonal(at, 1 / sigma, p[at]! / sigma)
    }
    for (let heater = 0; heater < heaters.length; heater++) prior(column.ring(heater), PRIOR.ringGhz)
    for (let i = 0; i < 2 * size; i++) prior(1 + heaters.length + i, PRIOR.logGain)
    for (const reading of clean) {
      const light = pathLights(scene, reading.squaredV, now)
      const slopes = normal && ownSlopes(scene, reading.squaredV, now)
      for (let path = 0; path < size * size; path++) {
        const [port, k] = [Math.floor(path / size), path % size]
        const heater = places[port]![k]!
        const columns = [column.common, column.ring(heater), column.wavelength(k), column.port(port)]
        const heat = known.rings[heater]!.tuningGhzPerV2 * reading.squaredV[heater]!
        const toOwn = byHeater(heatGhz[heater]!) ? heat / heatGhz[heater]! : 1
        for (const way of ['drop', 'through'] as const) {
          const expected = light[way][path]!
          const sigmaMw = DATA_SIGMA * known.gains[`${way}Mw`][port]![k]!
          const residual = (expected - reading[`${way}Mw`][path]!) / sigmaMw
          sum += residual * residual
          if (slopes === undefined) continue
          const toShift = slopes[way].shift[path]! / sigmaMw
          const toGain = expected / sigmaMw
          const row = Float64Array.of(toShift, toShift * toOwn, toGain, toGain)
          normal?.addColumns(row, Float64Array.of(residual), columns)
        }
      }
    }
    return sum
  }
  const start = new Float64Array(count)
  start[column.common] = nearestShift(scene, clean[0]!, known)
  const residual = (calibration: RingsCalibration): number => residualOf(scene, clean, calibration)
  const { parameters } = fitLeastSquares({ evaluate }, start, { maxIterations: MAX_ITERATIONS, tolerance: 1e-4 })
  const calibration = changed(parameters)
  const own = parameters.subarray(1, 1 + heaters.length)
  const mean = own.reduce((sum, ghz) => sum + ghz, 0) / own.length
  return {
    shiftGhz: parameters[column.common]! + mean,
    ringsRmsGhz: Math.sqrt(own.reduce((sum, ghz) => sum + (ghz - mean) ** 2, 0) / own.length),
    residualBefore: residual(known),
    residual: residual(calibration),
    calibration,
  }
}

/** The place among many at which the reading is explained best. */
function nearestShift(scene: RingScene, reading: RingReading, known: RingsCalibration): number {
  const reachGhz = SEARCH.widths * medianOf(known.rings, 'fwhmGhz')
  let [best, least] = [0, Infinity]
  for (let place = 0; place < SEARCH.places; place++) {
    const shiftGhz = reachGhz * ((2 * place) / (SEARCH.places - 1) - 1)
    const rings = known.rings.map((ring) => ({ ...ring, offsetGhz: ring.offsetGhz - shiftGhz }))
    const left = residualOf(scene, [reading], { ...known, rings })
    if (left < least) [best, least] = [shiftGhz, left]
  }
  return best
}

const byHeater = (heatGhz: number): boolean => heatGhz >= LEAST_HEAT_GHZ

/** Moved down by its warmth, and by what its own heater gives more of where it gives `heatGhz`. */
function shifted(ring: FittedRing, moved: { common: number; own: number }, heatGhz: number): FittedRing {
  const { offsetGhz, tuningGhzPerV2 } = ring
  if (!byHeater(heatGhz)) return { ...ring, offsetGhz: offsetGhz - moved.common - moved.own }
  return {
    ...ring,
    offsetGhz: offsetGhz - moved.common,
    tuningGhzPerV2: tuningGhzPerV2 * (1 + moved.own / heatGhz),
  }
}
