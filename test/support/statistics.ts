/** Mean and standard deviation, and how sure they are: five standard errors, for a test that never fails by chance. */
export function statistics(values: ArrayLike<number>): {
  readonly mean: number
  readonly sigma: number
  readonly meanTolerance: number
  readonly sigmaTolerance: number
} {
  const list = Float64Array.from(values)
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length
  const variance = list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (list.length - 1)
  const sigma = Math.sqrt(variance)
  return {
    mean,
    sigma,
    meanTolerance: (5 * sigma) / Math.sqrt(list.length),
    sigmaTolerance: (5 * sigma) / Math.sqrt(2 * list.length),
  }
}
