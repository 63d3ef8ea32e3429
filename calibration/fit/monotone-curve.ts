/**
 * A smooth curve through points that never overshoots them: cubic between two points, with the slopes of Fritsch and Butland.
 *
 * Shapes: `x` ascending, at least 2 of them, and `y` as long. Outside the points the curve stays at its ends.
 * Source: Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5, 300 (1984), harmonic mean of the neighbouring slopes.
 */
export function monotoneCurve(x: Float64Array, y: Float64Array): (at: number) => number {
  const last = x.length - 1
  const step = (i: number): number => x[i + 1]! - x[i]!
  const rise = (i: number): number => (y[i + 1]! - y[i]!) / step(i)
  const slopes = x.map((_, i) => {
    if (i === 0) return rise(0)
    if (i === last) return rise(last - 1)
    const [before, after] = [rise(i - 1), rise(i)]
    if (before * after <= 0) return 0
    const [left, right] = [step(i - 1), step(i)]
    return (3 * (left + right)) / ((left + 2 * right) / before + (2 * left + right) / after)
  })
  return (at) => {
    if (at <= x[0]!) return y[0]!
    if (at >= x[last]!) return y[last]!
    let i = 0
    while (x[i + 1]! < at) i++
    const h = step(i)
    const t = (at - x[i]!) / h
    return (
      y[i]! + t * t * (3 - 2 * t) * (y[i + 1]! - y[i]!) + h * t * (1 - t) * ((1 - t) * slopes[i]! - t * slopes[i + 1]!)
    )
  }
}
