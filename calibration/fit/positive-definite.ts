/**
 * Solves A·x = b by Cholesky decomposition; undefined when A is not positive definite.
 *
 * Shapes: `matrix` is [n, n] row-major, its upper triangle is read, and it is overwritten; `right` is [n].
 * Written here and not taken from ml-matrix because this is what a fit spends its time on: see docs/dependencies.md.
 */
export function solvePositiveDefinite(matrix: Float64Array, right: Float64Array): Float64Array | undefined {
  const n = right.length
  // Row k of the factor stays in row k: A = Rᵀ·R, and all inner loops run along rows.
  for (let k = 0; k < n; k++) {
    const pivot = matrix[k * n + k]!
    if (!(pivot > 0)) return undefined
    const root = Math.sqrt(pivot)
    for (let j = k; j < n; j++) matrix[k * n + j]! /= root
    for (let i = k + 1; i < n; i++) {
      const factor = matrix[k * n + i]!
      if (factor === 0) continue
      for (let j = i, from = k * n + i, to = i * n + i; j < n; j++, from++, to++) matrix[to]! -= factor * matrix[from]!
    }
  }
  const x = Float64Array.from(right)
  for (let k = 0; k < n; k++) {
    x[k]! /= matrix[k * n + k]!
    for (let i = k + 1; i < n; i++) x[i]! -= matrix[k * n + i]! * x[k]!
  }
  for (let k = n - 1; k >= 0; k--) {
    let sum = x[k]!
    for (let i = k + 1; i < n; i++) sum -= matrix[k * n + i]! * x[i]!
    x[k] = sum / matrix[k * n + k]!
  }
  return x
}
