import { BenchError } from '../../core/errors.ts'

/** Largest share of W†W beside its diagonal, and of its diagonal's unevenness: far below what a bench can tell. */
const TOLERANCE = 1e-4

/**
 * The factor by which weights are larger than an orthogonal matrix: all that a single mesh can make of real weights.
 *
 * Shapes: `weights` is [output, input] row-major. Throws: RANGE_EXCEEDED when they are no multiple of such a matrix.
 */
export function orthogonalScale(weights: Float64Array, size: number): number {
  const why = whyNotOrthogonal(weights, size)
  if (why === undefined) return Math.sqrt(meanPower(weights, size))
  throw new BenchError('RANGE_EXCEEDED', `a unitary core cannot make these weights: ${why}`, {
    context: { tolerance: TOLERANCE },
  })
}

/** What is wrong with the weights, and what would be right; undefined when they are a multiple of an orthogonal matrix. */
export function whyNotOrthogonal(weights: Float64Array, size: number): string | undefined {
  const right = 'use an orthogonal matrix of the size of the core, times any factor, or a core of form svd'
  const power = meanPower(weights, size)
  if (power === 0) return `they are all 0; ${right}`
  if (!Number.isFinite(power)) return `they are not all finite numbers; ${right}`
  let worst = { error: 0, left: 0, right: 0 }
  for (let left = 0; left < size; left++) {
    for (let other = left; other < size; other++) {
      let dot = 0
      for (let row = 0; row < weights.length; row += size) dot += weights[row + left]! * weights[row + other]!
      const error = Math.abs(dot / power - (left === other ? 1 : 0))
      if (!(error <= worst.error)) worst = { error, left, right: other }
    }
  }
  if (worst.error <= TOLERANCE) return undefined
  const share = worst.error.toPrecision(2)
  return worst.left === worst.right
    ? `the power of input ${worst.left} is ${share} of the mean away from it; ${right}`
    : `inputs ${worst.left} and ${worst.right} overlap by ${share}; ${right}`
}

const meanPower = (weights: Float64Array, size: number): number =>
  weights.reduce((sum, weight) => sum + weight * weight, 0) / size
