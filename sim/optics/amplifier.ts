import { lossDbToPowerRatio } from '../../core/quantities.ts'
import type { SpanValues } from './parameters/span-parameters.ts'

/** Planck constant. Source: SI definition. */
const PLANCK_JS = 6.62607015e-34
/** Where the amplifier's photons are. */
const CARRIER_HZ = 193.4e12
/** Newton needs five in the worst case; the rest is to the last bit. */
const NEWTON_STEPS = 30
const W_PER_MW = 1e-3

export interface Amplified {
  /** Amplified light and the spontaneous emission of both polarisations. */
  readonly powerMw: number
  /** Of the beats signal–ASE and ASE–ASE, per hertz of receiver bandwidth. */
  readonly varianceMw2PerHz: number
}

/**
 * An erbium-doped fibre amplifier in front of a photodiode. It follows the power at once.
 *
 * Gain: ln(G₀/G) = (G − 1)·P_in/P_s, where P_s = P_sat/ln 2 makes P_sat the output at which a large gain has fallen by 3 dB.
 * ASE a polarisation: N = (G − 1)·n_sp·hν, n_sp = (G₀·NF − 1)/(2(G₀ − 1)).
 * Beats: 4·P·N + 4·N²·B_o (less B_e, which is far below B_o). Source: docs/physics.md.
 */
export class FibreAmplifier {
  readonly #smallGain: number
  readonly #spontaneous: number
  readonly #saturationMw: number
  readonly #opticalHz: number

  constructor(what: SpanValues) {
    this.#smallGain = 1 / lossDbToPowerRatio(what.edfaGainDb)
    const noiseFigure = 1 / lossDbToPowerRatio(what.edfaNoiseFigureDb)
    this.#spontaneous = (this.#smallGain * noiseFigure - 1) / (2 * (this.#smallGain - 1))
    this.#saturationMw = 10 ** (what.edfaSaturationDbm / 10) / Math.LN2
    this.#opticalHz = what.edfaOpticalBandwidthGhz * 1e9
  }

  /** Power gain for this much light. */
  gain(inputMw: number): number {
    const share = Math.max(0, inputMw) / this.#saturationMw
    // In u = ln G: ln G₀ − u − (e^u − 1)·share falls and is concave, so Newton from above the root never overshoots.
    let u = Math.log(this.#smallGain)
    const small = u
    for (let step = 0; step < NEWTON_STEPS; step++) {
      const next = u + (small - u - Math.expm1(u) * share) / (1 + Math.exp(u) * share)
      if (next === u) break
      u = Math.max(0, next)
    }
    return Math.exp(u)
  }

  amplify(inputMw: number): Amplified {
    const gain = this.gain(inputMw)
    const signalMw = gain * inputMw
    const asePerHzMw = ((gain - 1) * this.#spontaneous * PLANCK_JS * CARRIER_HZ) / W_PER_MW
    return {
      powerMw: signalMw + 2 * asePerHzMw * this.#opticalHz,
      varianceMw2PerHz: 4 * Math.max(0, signalMw) * asePerHzMw + 4 * asePerHzMw ** 2 * this.#opticalHz,
    }
  }
}

/** What every amplifier of this gain adds at least: n_sp = 1, NF = 2 − 1/G. Source: quantum limit, Haus and Mullen 1962. */
export function leastNoiseFigureDb(gainDb: number): number {
  return 10 * Math.log10(2 - lossDbToPowerRatio(gainDb))
}
