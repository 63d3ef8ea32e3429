import { fitLeastSquares, NormalEquations } from '../fit/least-squares.ts'
import type { FittedRing, ThermalLaw } from './awgr-record.ts'
import { bankLight, bankSlopes } from './ring-bank.ts'
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
    for (let ring = 0; ring < rings; ring++) {
      const [gainDrop, gainThrough] = [Math.exp(p[PER_RING * ring + 4]!), Math.exp(p[PER_RING * ring + 5]!)]
      const jacobian = normal && new Float64Array(2 * data.settings * count)
      const residuals = new Float64Array(2 * data.settings)
      for (let s = 0; s < data.settings; s++) {
        const at = s * rings + ring
        const light = normal ? undefined : bankLight(states[s]!, frequenciesGhz[ring]!)
        const slopes = normal && bankSlopes(states[s]!, frequenciesGhz[ring]!)
        const { drop, through } = (slopes ?? light)!
        residuals[2 * s] = (gainDrop * drop - data.dropMw[at]! / scales.drop[ring]!) / DATA_SIGMA
        residuals[2 * s + 1] = (gainThrough * through - data.throughMw[at]! / scales.through[ring]!) / DATA_SIGMA
        if (jacobian === undefined || slopes === undefined) continue
        for (let of = Math.max(0, ring - WINDOW); of <= Math.min(rings - 1, ring + WINDOW); of++) {
          const uToGhz = -2 / states[s]!.fwhmGhz[of]!
          const lToGhz = slopes.lorentzianToU[of]! * uToGhz
          const lToWidth = -slopes.lorentzianToU[of]! * slopes.u[of]!
          const warmed = data.warmedGhz[s * rings + of]!
          const share = Math.exp(p[count - 2]!)
          const toShare = -share * (warmed + (p[count - 1]! - decay) * data.warmedSlopeGhz[s * rings + of]!)
          const toDecay = -share * data.warmedSlopeGhz[s * rings + of]!
          for (const [row, gain, toL, toFloor] of [
            [2 * s, gainDrop, slopes.dropToL[of]!, slopes.dropToFloor[of]!],
            [2 * s + 1, gainThrough, slopes.throughToL[of]!, slopes.throughToFloor[of]!],
          ] as const) {
            const base = row * count
            const scaled = gain / DATA_SIGMA
            jacobian[base + PER_RING * of] = scaled * toL * lToGhz
            jacobian[base + PER_RING * of + 1] = -scaled * toL * lToGhz * data.squaredV[s * rings + of]!
            jacobian[base + PER_RING * of + 2] = scaled * toL * lToWidth
            jacobian[base + PER_RING * of + 3] = scaled * toFloor
            jacobian[base + count - 2]! += scaled * toL * lToGhz * toShare
            jacobian[base + count - 1]! += scaled * toL * lToGhz * toDecay
          }
        }
        jacobian[2 * s * count + PER_RING * ring + 4] = (gainDrop * drop) / DATA_SIGMA
        jacobian[(2 * s + 1) * count + PER_RING * ring + 5] = (gainThrough * through) / DATA_SIGMA
      }
      for (const residual of residuals) sum += residual * residual
      if (jacobian !== undefined) normal?.add(jacobian, residuals, 2 * data.settings)
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
