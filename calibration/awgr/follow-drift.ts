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
const DATA_SIGMA = 1e-3
/** How far a ring goes its own way (its heater ages), lasers and modulators change. */
const PRIOR = { ringGhz: 0.1, logGain: 0.02 } as const
const MAX_ITERATIONS = 12
/** A ring's own way is taken for its heater's where that gives at least so much heat; else it is the ring's. */
const LEAST_HEAT_GHZ = 10

/**
 * The calibration of a chip that has drifted since, from one reading at voltages at which all rings stand on their flanks.
 *
 * Drop and through light answer a shift of the ring against each other and a brighter path together, so that one reading
 * tells both for every ring. Rings share their warmth; each has its own small way beside it, as heaters age; a gain for each
 * wavelength and one for each input follow lasers and modulators. Maximum a posteriori by Levenberg–Marquardt, each path
 * by its own ring's slopes.
 */
export function followDrift(scene: RingScene, reading: OutputReading, known: RingsCalibration): FollowedDrift {
  const { size, heaters, rings: places } = scene.layout
  const [clean] = withoutLeaks([reading], known.leaks)
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
        shifted(ring, { common: p[column.common]!, own: p[column.ring(heater)]! }, reading.squaredV[heater]!),
      ),
      gains: { dropMw: gain(known.gains.dropMw), throughMw: gain(known.gains.throughMw) },
    }
  }
  const nearest = nearestShift(scene, reading.squaredV, clean!, known)
  const evaluate = (p: Float64Array, normal?: NormalEquations): number => {
    const now = changed(p)
    const light = pathLights(scene, reading.squaredV, now)
    const slopes = normal && ownSlopes(scene, reading.squaredV, now)
    let sum = 0
    const prior = (at: number, sigma: number): void => {
      sum += (p[at]! / sigma) ** 2
      normal?.addDiagonal(at, 1 / sigma, p[at]! / sigma)
    }
    for (let heater = 0; heater < heaters.length; heater++) prior(column.ring(heater), PRIOR.ringGhz)
    for (let i = 0; i < 2 * size; i++) prior(1 + heaters.length + i, PRIOR.logGain)
    for (let path = 0; path < size * size; path++) {
      const [port, k] = [Math.floor(path / size), path % size]
      const columns = [column.common, column.ring(places[port]![k]!), column.wavelength(k), column.port(port)]
      for (const way of ['drop', 'through'] as const) {
        const [expected, seen] = [light[way][path]!, clean![`${way}Mw`][path]!]
        const sigmaMw = DATA_SIGMA * known.gains[`${way}Mw`][port]![k]!
        const residual = (expected - seen) / sigmaMw
        sum += residual * residual
        const toShift = slopes && slopes[way].shift[path]! / sigmaMw
        if (toShift === undefined) continue
        const toGain = expected / sigmaMw
        normal?.addColumns(Float64Array.of(toShift, toShift, toGain, toGain), Float64Array.of(residual), columns)
      }
    }
    return sum
  }
  const start = new Float64Array(count)
  start[column.common] = nearest
  const residual = (calibration: RingsCalibration): number => residualOf(scene, [clean!], calibration)
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
function nearestShift(
  scene: RingScene,
  squaredV: Float64Array,
  { dropMw, throughMw }: RingReading,
  known: RingsCalibration,
): number {
  const reachGhz = SEARCH.widths * medianOf(known.rings, 'fwhmGhz')
  let [best, least] = [0, Infinity]
  for (let place = 0; place < SEARCH.places; place++) {
    const shiftGhz = reachGhz * ((2 * place) / (SEARCH.places - 1) - 1)
    const rings = known.rings.map((ring) => ({ ...ring, offsetGhz: ring.offsetGhz - shiftGhz }))
    const left = residualOf(scene, [{ squaredV, dropMw, throughMw }], { ...known, rings })
    if (left < least) [best, least] = [shiftGhz, left]
  }
  return best
}

/** Moved down by its warmth, and by what its own heater gives more of. */
function shifted(ring: FittedRing, moved: { common: number; own: number }, squaredV: number): FittedRing {
  const heatGhz = ring.tuningGhzPerV2 * squaredV
  const byHeater = heatGhz >= LEAST_HEAT_GHZ
  return {
    ...ring,
    offsetGhz: ring.offsetGhz - moved.common - (byHeater ? 0 : moved.own),
    tuningGhzPerV2: ring.tuningGhzPerV2 * (byHeater ? 1 + moved.own / heatGhz : 1),
  }
}
