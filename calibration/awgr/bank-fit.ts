import { fitLeastSquares, NormalEquations } from '../fit/least-squares.ts'
import type { FittedRing, ThermalLaw } from './awgr-record.ts'
import { bankLight, BankSlopes } from './ring-bank.ts'
import type { BankState } from './ring-bank.ts'

/** One bank's light at many settings. Shapes: [setting × rings + ring], each ring with its own wavelength. */
export interface BankData {
  readonly settings: number
  readonly squaredV: Float64Array
  readonly dropMw: Float64Array
  readonly throughMw: Float64Array
  /** What other heaters shift each ring by at the present law for a share of 1, in GHz, and its slope to log decay. */
  readonly warmedGhz: Float64Array
  readonly warmedSlopeGhz: Float64Array
}

export interface BankGuess {
  readonly rings: readonly FittedRing[]
  readonly thermal: ThermalLaw
}

export interface BankFit extends BankGuess {
  /** Sum of squares of what is left, relative to each path's largest light. */
  readonly sumOfSquares: number
}

/** Parameters of a ring in a row: offset, tuning, log width, floor, log gain of drop and through. */
const PER_RING = 6
/** Rings farther than this from a wavelength pull at it too little to learn from. */
const WINDOW = 2
/** What a reading may be off by, relative to its path's largest light: the weight of data against the priors. */
const DATA_SIGMA = 1e-3
const PRIOR = { logFwhm: 0.3, floor: 0.05, logShare: 1, logDecay: 0.7 } as const
const TYPICAL_FLOOR = 0.02
const TYPICAL: ThermalLaw = { neighbourShare: 0.01, decayPitch: 1 }

/**
 * Rings of one bank and the thermal law around it from readings at many heater settings.
 *
 * Maximum a posteriori by Levenberg–Marquardt with analytic slopes. Priors are wide: line widths within 30 % of the
 * guess, floors a few percent, the thermal law within a factor.
 */
export function fitBank(
  data: BankData,
  frequenciesGhz: Float64Array,
  guess: BankGuess,
  maxIterations: number,
): BankFit {
  const rings = guess.rings.length
  const count = PER_RING * rings + 2
  const largest = (values: Float64Array): Float64Array =>
    Float64Array.from({ length: rings }, (_, ring) => {
      let most = 0
      for (let s = 0; s < data.settings; s++) most = Math.max(most, values[s * rings + ring]!)
      return most
    })
  const scales = { drop: largest(data.dropMw), through: largest(data.throughMw) }
  const start = new Float64Array(count)
  for (const [ring, { offsetGhz, tuningGhzPerV2, fwhmGhz, throughFloor }] of guess.rings.entries()) {
    start.set([offsetGhz, tuningGhzPerV2, Math.log(fwhmGhz), throughFloor, 0, 0], PER_RING * ring)
  }
  start[count - 2] = Math.log(guess.thermal.neighbourShare)
  const decay = Math.log(guess.thermal.decayPitch)
  start[count - 1] = decay

  const slopes = new BankSlopes(rings)
  const evaluate = (p: Float64Array, normal?: NormalEquations): number => {
    let sum = 0
    const prior = (parameter: number, mean: number, sigma: number): void => {
      const residual = (p[parameter]! - mean) / sigma
      sum += residual * residual
      normal?.addDiagonal(parameter, 1 / sigma, residual)
    }
    for (let ring = 0; ring < rings; ring++) {
      prior(PER_RING * ring + 2, Math.log(guess.rings[ring]!.fwhmGhz), PRIOR.logFwhm)
      prior(PER_RING * ring + 3, TYPICAL_FLOOR, PRIOR.floor)
    }
    prior(count - 2, Math.log(TYPICAL.neighbourShare), PRIOR.logShare)
    prior(count - 1, Math.log(TYPICAL.decayPitch), PRIOR.logDecay)
    const states = bankStates(data, frequenciesGhz, p, decay)
    const share = Math.exp(p[count - 2]!)
    for (let ring = 0; ring < rings; ring++) {
      const [gainDrop, gainThrough] = [Math.exp(p[PER_RING * ring + 4]!), Math.exp(p[PER_RING * ring + 5]!)]
      const [first, last] = [Math.max(0, ring - WINDOW), Math.min(rings - 1, ring + WINDOW)]
      // Only what the window moves: rings in it, and the thermal law.
      const columns = Array.from({ length: PER_RING * (last - first + 1) }, (_, i) => PER_RING * first + i)
      columns.push(count - 2, count - 1)
      const width = columns.length
      const jacobian = normal && new Float64Array(2 * data.settings * width)
      const residuals = new Float64Array(2 * data.settings)
      for (let s = 0; s < data.settings; s++) {
        const at = s * rings + ring
        const state = states[s]!
        const { drop, through } = jacobian
          ? slopes.at(state, frequenciesGhz[ring]!)
          : bankLight(state, frequenciesGhz[ring]!)
        residuals[2 * s] = (gainDrop * drop - data.dropMw[at]! / scales.drop[ring]!) / DATA_SIGMA
        residuals[2 * s + 1] = (gainThrough * through - data.throughMw[at]! / scales.through[ring]!) / DATA_SIGMA
        if (jacobian === undefined) continue
        const [dropRow, throughRow] = [2 * s * width, (2 * s + 1) * width]
        const [dropScale, throughScale] = [gainDrop / DATA_SIGMA, gainThrough / DATA_SIGMA]
        for (let of = first; of <= last; of++) {
          const place = s * rings + of
          const lToGhz = (-2 * slopes.lorentzianToU[of]!) / state.fwhmGhz[of]!
          const lToWidth = -slopes.lorentzianToU[of]! * slopes.u[of]!
          const warmedSlope = share * data.warmedSlopeGhz[place]!
          const warmed = share * data.warmedGhz[place]! + (p[count - 1]! - decay) * warmedSlope
          const dropToL = dropScale * slopes.dropToL[of]!
          const throughToL = throughScale * slopes.throughToL[of]!
          const inRow = PER_RING * (of - first)
          const toTuning = -lToGhz * data.squaredV[place]!
          jacobian[dropRow + inRow] = dropToL * lToGhz
          jacobian[dropRow + inRow + 1] = dropToL * toTuning
          jacobian[dropRow + inRow + 2] = dropToL * lToWidth
          jacobian[dropRow + inRow + 3] = dropScale * slopes.dropToFloor[of]!
          jacobian[dropRow + width - 2]! -= dropToL * lToGhz * warmed
          jacobian[dropRow + width - 1]! -= dropToL * lToGhz * warmedSlope
          jacobian[throughRow + inRow] = throughToL * lToGhz
          jacobian[throughRow + inRow + 1] = throughToL * toTuning
          jacobian[throughRow + inRow + 2] = throughToL * lToWidth
          jacobian[throughRow + inRow + 3] = throughScale * slopes.throughToFloor[of]!
          jacobian[throughRow + width - 2]! -= throughToL * lToGhz * warmed
          jacobian[throughRow + width - 1]! -= throughToL * lToGhz * warmedSlope
        }
        const own = PER_RING * (ring - first)
        jacobian[dropRow + own + 4] = (gainDrop * drop) / DATA_SIGMA
        jacobian[throughRow + own + 5] = (gainThrough * through) / DATA_SIGMA
      }
      for (const residual of residuals) sum += residual * residual
      if (jacobian !== undefined) normal?.addColumns(jacobian, residuals, columns)
    }
    return sum
  }
  const { parameters: p, sumOfSquares } = fitLeastSquares({ evaluate }, start, { maxIterations, tolerance: 1e-4 })
  return {
    rings: guess.rings.map((_, ring) => ({
      offsetGhz: p[PER_RING * ring]!,
      tuningGhzPerV2: p[PER_RING * ring + 1]!,
      fwhmGhz: Math.exp(p[PER_RING * ring + 2]!),
      throughFloor: p[PER_RING * ring + 3]!,
    })),
    thermal: { neighbourShare: Math.exp(p[count - 2]!), decayPitch: Math.exp(p[count - 1]!) },
    sumOfSquares: sumOfSquares * DATA_SIGMA ** 2,
  }
}

/** [setting] */
function bankStates(data: BankData, frequenciesGhz: Float64Array, p: Float64Array, decay: number): BankState[] {
  const rings = frequenciesGhz.length
  const [logShare, logDecay] = p.subarray(p.length - 2)
  const share = Math.exp(logShare!)
  const fwhmGhz = Float64Array.from(frequenciesGhz, (_, ring) => Math.exp(p[PER_RING * ring + 2]!))
  const throughFloor = Float64Array.from(frequenciesGhz, (_, ring) => p[PER_RING * ring + 3]!)
  return Array.from({ length: data.settings }, (_, s) => ({
    fwhmGhz,
    throughFloor,
    resonanceGhz: frequenciesGhz.map((laserGhz, ring) => {
      const at = s * rings + ring
      const warmed = share * (data.warmedGhz[at]! + (logDecay! - decay) * data.warmedSlopeGhz[at]!)
      return laserGhz + p[PER_RING * ring]! - p[PER_RING * ring + 1]! * data.squaredV[at]! - warmed
    }),
  }))
}
