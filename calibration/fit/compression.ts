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
const STEPS = 8
/** A curve that would bend back within its readings is none. */
const MOST_BENT = 0.9

/**
 * Finds out of detectors that follow the light from those that do not, without knowing any light.
 *
 * All light is dimmed by one unknown ratio a, so what a linear detector shows dimmed is a line through zero over what it
 * showed before. With lin(r) = r/(1 − c·r) in the place of the reading, lin(dim) = a·lin(bright) comes to
 * dim = a·bright/(1 − k·bright), k = c·(1 − a): exact for a photodiode whose responsivity falls as 1/(1 + P/P_sat). Fitted
 * by Gauss–Newton as a curve over the bright readings, whose noise is the smaller one. The ratio is the middle one of those
 * that each detector finds for itself, so that one that is off does not bend the others. What all of them do alike by a
 * power law looks like another ratio, and is not seen.
 */
export function fitCompression(readings: readonly DimmedReadings[]): CompressionFit {
  const alone = readings.map(ratioAlone)
  const noiseMw = middle(alone.map(({ residualMw }) => ({ value: residualMw, weight: 1 })))
  // A detector without light has no ratio, and no say.
  const weights = alone.map(({ sigmaPerMw, ratio }) => (Number.isNaN(ratio) ? 0 : 1 / (sigmaPerMw * noiseMw) ** 2))
  const ratio = middle(alone.map((own, i) => ({ value: own.ratio, weight: weights[i]! })))
  const ratioSigma = MEDIAN_OVER_MEAN / Math.sqrt(weights.reduce((sum, weight) => sum + weight, 0))
  return { ratio, detectors: readings.map((one) => compressionAt(one, ratio, ratioSigma)) }
}

/** Ratio and compression of one detector alone; the sigma is of the ratio, for a noise of 1 mW. */
function ratioAlone(readings: DimmedReadings): { ratio: number; sigmaPerMw: number; residualMw: number } {
  let [ratio, bend] = [1, 0]
  for (let step = 0; step < STEPS; step++) {
    const { aa, ak, kk, ar, kr } = normalsAt(readings, ratio, bend)
    const det = aa * kk - ak * ak
    ratio += (kk * ar - ak * kr) / det
    bend = limited(readings, bend + (aa * kr - ak * ar) / det)
  }
  const { aa, ak, kk, rr } = normalsAt(readings, ratio, bend)
  return {
    ratio,
    sigmaPerMw: Math.sqrt(kk / (aa * kk - ak * ak)),
    residualMw: Math.sqrt(rr / (readings.bright.length - 2)),
  }
}

function compressionAt(readings: DimmedReadings, ratio: number, ratioSigma: number): Compression {
  let bend = 0
  for (let step = 0; step < STEPS; step++) {
    const { kk, kr } = normalsAt(readings, ratio, bend)
    bend = limited(readings, bend + kr / kk)
  }
  const { ak, kk, rr } = normalsAt(readings, ratio, bend)
  const floorMw = Math.sqrt(rr / (readings.bright.length - 1))
  const bendSigma = Math.hypot(floorMw / Math.sqrt(kk), (ak / kk) * ratioSigma)
  return { perMw: bend / (1 - ratio), sigmaPerMw: bendSigma / (1 - ratio), floorMw }
}

/** Products of the curve's slopes by ratio (a) and bend (k), and of what it leaves (r). */
function normalsAt({ bright, dim }: DimmedReadings, ratio: number, bend: number) {
  let [aa, ak, kk, ar, kr, rr] = [0, 0, 0, 0, 0, 0]
  for (const [i, x] of bright.entries()) {
    const byRatio = x / (1 - bend * x)
    const byBend = ratio * byRatio * byRatio
    const left = dim[i]! - ratio * byRatio
    aa += byRatio * byRatio
    ak += byRatio * byBend
    kk += byBend * byBend
    ar += byRatio * left
    kr += byBend * left
    rr += left * left
  }
  return { aa, ak, kk, ar, kr, rr }
}

function limited({ bright }: DimmedReadings, bend: number): number {
  const most = MOST_BENT / Math.max(...bright)
  return Math.min(most, Math.max(-most, bend))
}

/** Weighted median. */
function middle(items: readonly { readonly value: number; readonly weight: number }[]): number {
  const sorted = items.filter(({ value }) => !Number.isNaN(value)).toSorted((a, b) => a.value - b.value)
  const half = sorted.reduce((sum, { weight }) => sum + weight, 0) / 2
  let sum = 0
  for (const { value, weight } of sorted) {
    sum += weight
    if (sum >= half) return value
  }
  return NaN
}
