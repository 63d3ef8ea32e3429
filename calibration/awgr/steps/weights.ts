import type { RandomStream } from '../../../core/random.ts'
import type { WeightProgrammer } from '../programming.ts'
import type { AwgrContext } from './awgr-context.ts'
import { randomWeights } from './random-weights.ts'
import type { RingProbe } from './ring-probe.ts'

/** Matrices of random weights, and how often each is set again, with the others in between. */
const MATRICES = 8
const REPEATS = 3
/** From −1 to 1. */
const RANGE = 2

export interface WeightQuality {
  readonly accuracyBits: number
  readonly precisionBits: number
}

/**
 * How near weights come to what was asked for (accuracy), and to themselves when set again (precision), in bits of
 * their range: log2(2 / RMS). Each output's weights are relative to its own scale, and its gain is as calibrated.
 */
export async function measureWeightQuality(
  { bench: { layout } }: AwgrContext,
  probe: RingProbe,
  programmer: WeightProgrammer,
  random: RandomStream,
  signal: AbortSignal,
): Promise<WeightQuality> {
  const { size } = layout
  const targets = Array.from({ length: MATRICES }, () => randomWeights(layout, random))
  const programmed = targets.map((weights) => programmer.program(weights))
  const measured = targets.map((): Float64Array[] => [])
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    for (const [m, { voltagesV, weightPerMw }] of programmed.entries()) {
      const { drop, through } = await probe.read(voltagesV, signal)
      measured[m]!.push(
        Float64Array.from({ length: size * size }, (_, at) => {
          const [output, port] = [Math.floor(at / size), at % size]
          const signalMw = drop[output]![port]! - programmer.throughShare[output]! * through[output]![port]!
          return signalMw * weightPerMw[output]!
        }),
      )
    }
  }
  let [off, apart] = [0, 0]
  for (const [m, target] of targets.entries()) {
    for (const [at, weight] of target.entries()) {
      const values = measured[m]!.map((weights) => weights[at]!)
      const mean = values.reduce((sum, value) => sum + value, 0) / REPEATS
      off += values.reduce((sum, value) => sum + (value - weight) ** 2, 0) / REPEATS
      apart += values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (REPEATS - 1)
    }
  }
  const count = MATRICES * size * size
  const bits = (squares: number): number => Math.log2(RANGE / Math.sqrt(squares / count))
  return { accuracyBits: bits(off), precisionBits: bits(apart) }
}
