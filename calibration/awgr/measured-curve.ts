import { monotoneCurve } from '../fit/monotone-curve.ts'

const MAX_CODE = 127
/** [code + 127]: 0 is the least light of the sweep, 1 the most. */
export type MeasuredCurve = readonly number[]

export interface CurveFit {
  readonly curve: MeasuredCurve
  /** Root mean square of what one curve for all outputs leaves of them. */
  readonly rmsResidual: number
  /** Root mean square of the curve itself about its mean, over all outputs. */
  readonly rmsAmplitude: number
}

/**
 * One curve that all outputs follow, each with an offset and a scale of its own, whatever law it has: for modulators that
 * are no interferometers. Outputs count by their swing. Undefined where no output moves at all.
 *
 * Shapes: `codes` is [level], `outputs` is [output][level].
 */
export function fitMeasuredCurve(codes: Float64Array, outputs: readonly Float64Array[]): CurveFit | undefined {
  const total = codes.map((_, level) => outputs.reduce((sum, series) => sum + series[level]!, 0))
  const [least, most] = [total.indexOf(Math.min(...total)), total.indexOf(Math.max(...total))]
  const weights = outputs.map((series) => series[most]! - series[least]!)
  const mixed = codes.map((_, level) => outputs.reduce((sum, series, o) => sum + weights[o]! * series[level]!, 0))
  const [low, high] = [Math.min(...mixed), Math.max(...mixed)]
  if (!(high > low)) return undefined
  const followed = mixed.map((value) => (value - low) / (high - low))
  const mean = average(followed)
  const spread = followed.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  let [residual, amplitude] = [0, 0]
  for (const series of outputs) {
    const offset = average(series)
    const scale = series.reduce((sum, value, level) => sum + (value - offset) * (followed[level]! - mean), 0) / spread
    amplitude += scale ** 2 * spread
    for (const [level, value] of series.entries()) {
      residual += (value - offset - scale * (followed[level]! - mean)) ** 2
    }
  }
  const count = outputs.length * codes.length
  const curveAt = monotoneCurve(codes, followed)
  return {
    curve: Array.from({ length: 2 * MAX_CODE + 1 }, (_, at) => curveAt(at - MAX_CODE)),
    rmsResidual: Math.sqrt(residual / count),
    rmsAmplitude: Math.sqrt(amplitude / count),
  }
}

/** The code of least light. */
export const darkestCode = (curve: MeasuredCurve): number => nearestCode(curve, 0)

export const transmissionAt = (curve: MeasuredCurve, code: number): number => curve[code + MAX_CODE]!

/** The code whose transmission is nearest; of equal ones that of the smaller drive. */
export function nearestCode(curve: MeasuredCurve, transmission: number): number {
  let [best, off] = [0, Infinity]
  for (const [at, value] of curve.entries()) {
    const [code, beside] = [at - MAX_CODE, Math.abs(value - transmission)]
    if (beside < off || (beside === off && Math.abs(code) < Math.abs(best))) [best, off] = [code, beside]
  }
  return best
}

const average = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length
