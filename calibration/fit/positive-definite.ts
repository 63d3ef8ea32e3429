/**
 * Solves A·x = b by Cholesky decomposition; undefined when A is not positive definite.
 *
 * Shapes: `matrix` is [n, n] row-major, its upper triangle is read, and it is overwritten; `right` is [n].
 * Written here and not taken from ml-matrix because this is what a fit spends its time on: see docs/dependencies.md.
 */
export function solvePositiveDefinite(matrix: Float64Array, right: Float64Array): Float64Array | undefined {
  if (!factorPositiveDefinite(matrix, right.length)) return undefined
  return solveUpper(matrix, solveUpperTransposed(matrix, right))
}

/** A = Rᵀ·R: writes R over the upper triangle of A, [n, n] row-major. False when A is not positive definite. */
export function factorPositiveDefinite(matrix: Float64Array, n: number): boolean {
  // Row k of the factor stays in row k, and all inner loops run along rows.
  for (let k = 0; k < n; k++) {
    const pivot = matrix[k * n + k]!
    if (!(pivot > 0)) return false
    const root = Math.sqrt(pivot)
    for (let j = k; j < n; j++) matrix[k * n + j]! /= root
    for (let i = k + 1; i < n; i++) {
      const factor = matrix[k * n + i]!
      if (factor === 0) continue
      for (let j = i, from = k * n + i, to = i * n + i; j < n; j++, from++, to++) matrix[to]! -= factor * matrix[from]!
    }
  }
  return true
}

/** R⁻ᵀ·b of a factor made by `factorPositiveDefinite`. */
export function solveUpperTransposed(factor: Float64Array, right: Float64Array): Float64Array {
  const n = right.length
  const x = Float64Array.from(right)
  for (let k = 0; k < n; k++) {
    x[k]! /= factor[k * n + k]!
    for (let i = k + 1; i < n; i++) x[i]! -= factor[k * n + i]! * x[k]!
  }
  return x
}

/** R⁻¹·b of a factor made by `factorPositiveDefinite`. */
export function solveUpper(factor: Float64Array, right: Float64Array): Float64Array {
  const n = right.length
  const x = Float64Array.from(right)
  for (let k = n - 1; k >= 0; k--) {
    let sum = x[k]!
    for (let i = k + 1; i < n; i++) sum -= factor[k * n + i]! * x[i]!
    x[k] = sum / factor[k * n + k]!
  }
  return x
}
