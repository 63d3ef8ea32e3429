/** What one detector shows of the same light in full and dimmed, dark taken off, mW. Shape of each: [symbol]. */
export interface DimmedReadings {
  readonly bright: Float64Array
  readonly dim: Float64Array
}

/** By how much a detector falls short: reading r stands for r/(1 − perMw·r) of light. */
export interface Compression {
  readonly perMw: number
  readonly sigmaPerMw: number
  /** RMS of what the law leaves of a reading, the steps of its converter included. */
  readonly floorMw: number
}

export interface CompressionFit {
  /** By how much the light was dimmed. */
  readonly ratio: number
  /** In the order of the readings. */
  readonly detectors: readonly Compression[]
}

/** What a median is wider than a mean, for normal errors: √(π/2). */
const MEDIAN_OVER_MEAN = 1.2533

/**
 * Finds out of detectors that follow the light from those that do not, without knowing any light.
 *
 * All light is dimmed by one unknown ratio a, so what a linear detector shows dimmed is a line through zero over what it
 * showed before. With lin(r) = r/(1 − c·r) in the place of the reading, lin(dim) = a·lin(bright) comes to
 * dim − a·bright = c·(1 − a)·bright·dim: linear in c, and exact for a photodiode whose responsivity falls as
 * 1/(1 + P/P_sat). The ratio is the middle one of those that each detector finds for itself, so that one that is off does
 * not bend the others. What all of them do alike by a power law looks like another ratio, and is not seen.
 */
export function fitCompression(readings: readonly DimmedReadings[]): CompressionFit {
  const alone = readings.map(ratioAlone)
  const noiseMw = middle(alone.map(({ residualMw }) => ({ value: residualMw, weight: 1 })))
  const weights = alone.map(({ sigmaPerMw }) => 1 / (sigmaPerMw * noiseMw) ** 2)
  const ratio = middle(alone.map((own, i) => ({ value: own.ratio, weight: weights[i]! })))
  const ratioSigma = MEDIAN_OVER_MEAN / Math.sqrt(weights.reduce((sum, weight) => sum + weight, 0))
  return { ratio, detectors: readings.map((one) => compressionAt(one, ratio, ratioSigma)) }
}

/** Ratio and compression of one detector alone; the sigma is of the ratio, for a noise of 1 mW. */
function ratioAlone({ bright, dim }: DimmedReadings): { ratio: number; sigmaPerMw: number; residualMw: number } {
  let [xx, xq, qq, xy, qy, yy] = [0, 0, 0, 0, 0, 0]
  for (const [i, x] of bright.entries()) {
    const y = dim[i]!
    const q = x * y
    xx += x * x
    xq += x * q
    qq += q * q
    xy += x * y
    qy += q * y
    yy += y * y
  }
  const det = xx * qq - xq * xq
  const [ratio, slope] = [(qq * xy - xq * qy) / det, (xx * qy - xq * xy) / det]
  const residual = Math.max(0, yy - ratio * xy - slope * qy) / (bright.length - 2)
  return { ratio, sigmaPerMw: Math.sqrt(qq / det), residualMw: Math.sqrt(residual) }
}

function compressionAt({ bright, dim }: DimmedReadings, ratio: number, ratioSigma: number): Compression {
  let [qq, qx, qd, dd] = [0, 0, 0, 0]
  for (const [i, x] of bright.entries()) {
    const q = (1 - ratio) * x * dim[i]!
    const beside = dim[i]! - ratio * x
    qq += q * q
    qx += q * x
    qd += q * beside
    dd += beside * beside
  }
  const floorMw = Math.sqrt(Math.max(0, dd - (qd * qd) / qq) / (bright.length - 1))
  return { perMw: qd / qq, sigmaPerMw: Math.hypot(floorMw / Math.sqrt(qq), (qx / qq) * ratioSigma), floorMw }
}

/** Weighted median. */
function middle(items: readonly { readonly value: number; readonly weight: number }[]): number {
  const sorted = items.filter(({ value, weight }) => value + weight > -Infinity).toSorted((a, b) => a.value - b.value)
  const half = sorted.reduce((sum, { weight }) => sum + weight, 0) / 2
  let sum = 0
  for (const { value, weight } of sorted) {
    sum += weight
    if (sum >= half) return value
  }
  return NaN
}
