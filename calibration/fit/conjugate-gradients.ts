/** A sum of squares whose Jacobian is never written down: only its products with vectors are. */
export interface MatrixFreeProblem {
  sumAt(x: Float64Array): number
  /** Sum of squares and half its gradient, Jᵀr. Leaves what `product` needs. */
  linearise(x: Float64Array): { readonly sum: number; readonly gradient: Float64Array }
  /** JᵀJ·v at the last linearised point. */
  product(v: Float64Array): Float64Array
}

export interface MatrixFreeOptions {
  readonly maxIterations: number
  /** Stops when an accepted step improves the sum by less than this share. */
  readonly tolerance: number
  /** Products spent on one step at most, and the share of the gradient that it may leave. */
  readonly maxProducts: number
  readonly gradientLeft: number
}

/** Told of every accepted step: which it was, and the sum of squares after it. */
export type OnIteration = (iteration: number, sum: number) => void

/** Shorter steps tried along one path before nothing is left to gain. */
const MAX_RETREATS = 7
const RETREAT = 0.4

/**
 * Gauss–Newton for problems too large for a matrix: each step by conjugate gradients, cut off at a trusted length.
 *
 * The way of the conjugate gradients runs from steepest descent to the full step and only grows; where its end makes
 * things worse an earlier point of the same way is tried, which costs no more products.
 * The variables should be scaled so that JᵀJ is near a multiple of the identity.
 *
 * Sources: Steihaug, SIAM J. Numer. Anal. 20, 626 (1983); Hestenes and Stiefel, J. Res. NBS 49, 409 (1952).
 */
export function fitMatrixFree(
  problem: MatrixFreeProblem,
  start: Float64Array,
  { maxIterations, tolerance, maxProducts, gradientLeft }: MatrixFreeOptions,
  onIteration: OnIteration = () => undefined,
): { readonly x: Float64Array; readonly sumOfSquares: number; readonly iterations: number } {
  let x: Float64Array = Float64Array.from(start)
  let { sum, gradient } = problem.linearise(x)
  let radius = Infinity
  let iterations = 0
  while (iterations < maxIterations) {
    iterations++
    const way = descend(problem, gradient, { maxProducts, gradientLeft, radius })
    let better: { x: Float64Array; sum: number } | undefined
    let length = Math.min(radius, norm(way.at(-1)!))
    for (let retreat = 0; retreat <= MAX_RETREATS && better === undefined; retreat++, length *= RETREAT) {
      const step = pointAt(way, length)
      const tried = x.map((value, i) => value + step[i]!)
      const triedSum = problem.sumAt(tried)
      if (triedSum < sum) better = { x: tried, sum: triedSum }
      radius = retreat === 0 && better !== undefined ? 2 * length : length
    }
    if (better === undefined) break
    const gain = (sum - better.sum) / sum
    x = better.x
    sum = better.sum
    onIteration(iterations, sum)
    if (gain < tolerance) break
    if (iterations < maxIterations) ({ sum, gradient } = problem.linearise(x))
  }
  return { x, sumOfSquares: sum, iterations }
}

/** Points on the way from no step towards −(JᵀJ)⁻¹·gradient, up to the first one outside the radius. */
function descend(
  problem: MatrixFreeProblem,
  gradient: Float64Array,
  { maxProducts, gradientLeft, radius }: { maxProducts: number; gradientLeft: number; radius: number },
): Float64Array[] {
  const way = [new Float64Array(gradient.length)]
  const residual = gradient.map((value) => -value)
  const direction = residual.slice()
  let power = dot(residual, residual)
  const enough = gradientLeft ** 2 * power
  for (let round = 0; round < maxProducts && power > enough; round++) {
    const curved = problem.product(direction)
    const along = power / dot(direction, curved)
    const last = way.at(-1)!
    way.push(last.map((value, i) => value + along * direction[i]!))
    if (norm(way.at(-1)!) > radius) break
    for (let i = 0; i < residual.length; i++) residual[i]! -= along * curved[i]!
    const left = dot(residual, residual)
    for (let i = 0; i < direction.length; i++) direction[i] = residual[i]! + (left / power) * direction[i]!
    power = left
  }
  return way
}

/** The point of a way whose distance from its start is `length`. */
function pointAt(way: readonly Float64Array[], length: number): Float64Array {
  const beyond = way.findIndex((point) => norm(point) > length)
  if (beyond <= 0) return way.at(-1)!
  const [from, to] = [way[beyond - 1]!, way[beyond]!]
  const step = to.map((value, i) => value - from[i]!)
  // |from + t·step| = length
  const [a, b, c] = [dot(step, step), dot(from, step), dot(from, from) - length ** 2]
  const t = (-b + Math.sqrt(Math.max(0, b * b - a * c))) / a
  return from.map((value, i) => value + t * step[i]!)
}

const norm = (values: Float64Array): number => Math.sqrt(dot(values, values))

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0
  for (let i = 0; i < left.length; i++) sum += left[i]! * right[i]!
  return sum
}
