import { lossDbToPowerRatio } from '../../core/quantities.ts'
import { RandomStream } from '../../core/random.ts'
import { superGaussian } from './passband.ts'
import type { AwgrImperfections } from './parameters/awgr-parameters.ts'

/** What the foundry made of one arrayed-waveguide-grating router. */
export interface AwgrTruth {
  readonly size: number
  readonly channelSpacingThz: number
  /** Centre of the passband from input 0 to output 0. */
  readonly firstThz: number
  readonly passband3DbThz: number
  readonly passbandOrder: number
  /** [input × size + output] */
  readonly lossRatio: Float64Array
  readonly centreErrorThz: Float64Array
  /** Power that leaks from a neighbouring channel, and from any other. */
  readonly adjacentLeak: number
  readonly otherLeak: number
  /** What the leaks leave for the right output. */
  readonly kept: number
}

export function fabricateAwgr(
  name: string,
  grid: { readonly size: number; readonly firstThz: number; readonly spacingThz: number },
  what: AwgrImperfections,
  seed: number,
): AwgrTruth {
  const losses = new RandomStream(seed, `awgr/${name}/loss`)
  const centres = new RandomStream(seed, `awgr/${name}/centre`)
  const paths = { length: grid.size ** 2 }
  const adjacentLeak = lossDbToPowerRatio(what.awgrAdjacentIsolationDb)
  const otherLeak = lossDbToPowerRatio(what.awgrNonAdjacentIsolationDb)
  const neighbours = Math.min(2, grid.size - 1)
  return {
    size: grid.size,
    channelSpacingThz: grid.spacingThz,
    firstThz: grid.firstThz,
    passband3DbThz: what.awgrPassband3DbGhz / 1e3,
    passbandOrder: what.awgrPassbandOrder,
    lossRatio: Float64Array.from(paths, () =>
      lossDbToPowerRatio(Math.max(0, losses.normal(what.awgrLossDb, what.awgrLossSpreadDb))),
    ),
    centreErrorThz: Float64Array.from(paths, () => centres.normal(0, what.awgrCentreErrorGhz / 1e3)),
    adjacentLeak,
    otherLeak,
    kept: 1 - neighbours * adjacentLeak - (grid.size - 1 - neighbours) * otherLeak,
  }
}

/**
 * Power from an input to an output at one frequency, for 1 at the input.
 *
 * Passbands lie at ν0 + (input − output)·Δ + n·N·Δ: the router is cyclic, its free spectral range is N channels. Each is
 * a super-Gaussian. Beside it light leaks: from adjacent channels, and from all others.
 * Source: routing law of Xing et al. 2025 and passband model of docs/physics.md.
 */
export function awgrTransmission(awgr: AwgrTruth, input: number, output: number, frequencyThz: number): number {
  const { size, channelSpacingThz } = awgr
  const path = input * size + output
  const rangeThz = size * channelSpacingThz
  const besideThz = frequencyThz - awgr.firstThz - (input - output) * channelSpacingThz - awgr.centreErrorThz[path]!
  const offThz = besideThz - Math.round(besideThz / rangeThz) * rangeThz
  const passed = superGaussian(offThz, awgr.passband3DbThz, awgr.passbandOrder)
  const channels = Math.round(Math.abs(offThz) / channelSpacingThz)
  const leak = channels === 0 ? 0 : channels === 1 ? awgr.adjacentLeak : awgr.otherLeak
  return awgr.lossRatio[path]! * (awgr.kept * passed + leak)
}
