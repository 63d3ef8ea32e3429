import { awgrWavelength } from '../../core/awgr-layout.ts'
import { solvePositiveDefinite } from '../fit/positive-definite.ts'
import type { PathLeaks } from './awgr-record.ts'
import { ownSlopes, pathLights } from './fit-rings.ts'
import type { FittedRings, RingScene } from './fit-rings.ts'
import { noLeaks } from './leaks.ts'
import type { OutputReading } from './steps/ring-probe.ts'

/** How far leaks lie from what is usual for their distance, relative to that: the routers of a bench are much alike. */
const SPREAD = 0.5
/** What the gain of a path may still be off by, and of its ring the floor and the log line width. */
const GAIN_SIGMA = 0.01
const OWN_SIGMA = { floor: 0.05, width: 0.05 } as const

/**
 * Light of each wavelength at other outputs than its own, from readings at many heater settings: whatever follows the
 * rings of another wavelength has leaked through the routers.
 *
 * Two usual leaks, of adjacent channels and of all others, come from all outputs at once; then each leak on its own, as
 * far as the readings know better than what is usual. Linear least squares, maximum a posteriori. Where a ring stands on
 * its own line, what leaks looks like its floor, and beside it like a wider line: both are left free meanwhile, or they
 * would share what is seen in the proportions of the fit before, and creep towards the truth from round to round.
 */
export function fitLeaks(scene: RingScene, readings: readonly OutputReading[], fitted: FittedRings): PathLeaks {
  return { drop: leaksOf(scene, readings, fitted, 'drop'), through: leaksOf(scene, readings, fitted, 'through') }
}

function leaksOf(
  scene: RingScene,
  readings: readonly OutputReading[],
  fitted: FittedRings,
  way: 'drop' | 'through',
): number[][][] {
  const { size } = scene.layout
  const lightMw = readings.map(({ squaredV }) => pathLights(scene, squaredV, fitted)[way])
  const usual = usualLeaks(size, readings, lightMw, way)
  // [setting][own parameter]
  const free = readings.map(({ squaredV }) => {
    const { drop, through } = ownSlopes(scene, squaredV, fitted)
    return way === 'drop' ? [drop.width] : [through.width, through.floor]
  })
  const freeSigmas = way === 'drop' ? [OWN_SIGMA.width] : [OWN_SIGMA.width, OWN_SIGMA.floor]
  const columns = size + freeSigmas.length
  const leaks = noLeaks(size)[way].map((port) => port.map((outputs) => [...outputs]))
  for (let port = 0; port < size; port++) {
    // [setting × column]: light of each wavelength, and what other parameters of the output's own ring would add.
    const light = new Float64Array(readings.length * columns)
    for (const [s, mw] of lightMw.entries()) light.set(mw.subarray(port * size, (port + 1) * size), s * columns)
    const square = new Float64Array(columns * columns)
    addGram(square, light, columns, { from: 0, to: size })
    for (let output = 0; output < size; output++) {
      const own = awgrWavelength(size, port, output)
      const mean = Float64Array.from({ length: size }, (_, k) => usual.ratio[kindOf(size, own, k)])
      const matrix = Float64Array.from(square)
      const right = new Float64Array(columns)
      const prior = (column: number, sigma: number): void => {
        matrix[column * columns + column]! += (usual.noiseMw / sigma) ** 2
      }
      for (let k = 0; k < size; k++) prior(k, k === own ? GAIN_SIGMA : SPREAD * mean[k]! + usual.sigma)
      for (const [i, sigma] of freeSigmas.entries()) prior(size + i, sigma)
      for (const [s, slopes] of free.entries()) {
        for (let c = size; c < columns; c++) light[s * columns + c] = slopes[c - size]![port * size + own]!
      }
      addGram(matrix, light, columns, { from: size, to: columns })
      for (const [s, reading] of readings.entries()) {
        let leftMw = reading[way][output]![port]!
        for (let k = 0; k < size; k++) leftMw -= mean[k]! * light[s * columns + k]!
        for (let c = 0; c < columns; c++) right[c]! += light[s * columns + c]! * leftMw
      }
      const more = solvePositiveDefinite(matrix, right)
      for (let k = 0; k < size; k++) {
        if (k !== own) leaks[port]![k]![output] = mean[k]! + (more?.[k] ?? 0)
      }
    }
  }
  return leaks
}

/** 0: the output's own wavelength, 1: an adjacent channel, 2: another. The routers are cyclic. */
function kindOf(size: number, own: number, wavelength: number): 0 | 1 | 2 {
  const apart = Math.abs(own - wavelength)
  const channels = Math.min(apart, size - apart)
  return channels === 0 ? 0 : channels === 1 ? 1 : 2
}

interface UsualLeaks {
  /** By kind. */
  readonly ratio: readonly [1, number, number]
  /** How well the two are known. */
  readonly sigma: number
  /** RMS of what they leave. */
  readonly noiseMw: number
}

function usualLeaks(
  size: number,
  readings: readonly OutputReading[],
  lightMw: readonly Float64Array[],
  way: 'drop' | 'through',
): UsualLeaks {
  let [aa, ab, bb, ar, br, rr, count] = [0, 0, 0, 0, 0, 0, 0]
  for (const [s, reading] of readings.entries()) {
    for (let port = 0; port < size; port++) {
      for (let output = 0; output < size; output++) {
        const sums = [0, 0, 0]
        const own = awgrWavelength(size, port, output)
        for (let k = 0; k < size; k++) sums[kindOf(size, own, k)]! += lightMw[s]![port * size + k]!
        const [ownMw, adjacentMw, otherMw] = sums as [number, number, number]
        const leftMw = reading[way][output]![port]! - ownMw
        aa += adjacentMw * adjacentMw
        ab += adjacentMw * otherMw
        bb += otherMw * otherMw
        ar += adjacentMw * leftMw
        br += otherMw * leftMw
        rr += leftMw * leftMw
        count++
      }
    }
  }
  const determinant = aa * bb - ab * ab
  // Two or three wavelengths have no other channels than adjacent ones.
  const [adjacent, other] =
    determinant > 0 ? [(ar * bb - br * ab) / determinant, (br * aa - ar * ab) / determinant] : [ar / aa, 0]
  const left = rr - adjacent * ar - other * br
  return {
    ratio: [1, Math.max(0, adjacent), Math.max(0, other)],
    sigma: Math.sqrt(left / count / Math.max(aa, Number.MIN_VALUE)),
    noiseMw: Math.sqrt(left / count),
  }
}

/** Adds lightᵀ·light to the upper triangle of its columns `from` to `to`. Shape of `square`: [column, column]. */
function addGram(
  square: Float64Array,
  light: Float64Array,
  columns: number,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  for (let row = 0; row < light.length; row += columns) {
    for (let j = from; j < to; j++) {
      for (let i = 0; i <= j; i++) square[i * columns + j]! += light[row + i]! * light[row + j]!
    }
  }
}
