import { settingsOf } from '../../plan-step.ts'
import type { IntensityCodes } from '../intensity-codes.ts'
import type { WeightProgrammer } from '../programming.ts'
import type { AwgrContext } from './awgr-context.ts'
import { randomWeights } from './random-weights.ts'
import { PROBE_SYMBOLS, RingProbe } from './ring-probe.ts'
import type { OutputReading } from './ring-probe.ts'

/** Matrices of random weights, and how often each is set again, with the others in between. */
const MATRICES = 6
const REPEATS = 3
export const QUALITY_FRAMES = MATRICES * REPEATS
/** From −1 to 1. */
const RANGE = 2

export interface WeightQuality {
  readonly accuracyBits: number
  readonly precisionBits: number
}

/**
 * How near weights come to what was asked for (accuracy), and to themselves when set again (precision), in bits of
 * their range: log2(2 / RMS). Each output's weights are relative to its own scale, and its gain is as calibrated.
 *
 * Every repeat is read by rows of its own, so that what the meters round off is noise of the repeat. It is in the
 * precision; from the accuracy it is gone: the mean square of the weights' own error is the mean product of what two
 * repeats are off by.
 */
export async function measureWeightQuality(
  context: AwgrContext,
  codes: IntensityCodes,
  programmer: WeightProgrammer,
  signal: AbortSignal,
): Promise<WeightQuality> {
  const { layout } = context.bench
  const { size } = layout
  const random = settingsOf('quality of weights')
  const targets = Array.from({ length: MATRICES }, () => randomWeights(layout, random))
  const programmed = targets.map((weights) => programmer.program(weights))
  const measured = targets.map((): Float64Array[] => [])
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const probe = new RingProbe(context, codes, PROBE_SYMBOLS.judge, random)
    for (const [m, { voltagesV, oppositeV, weightPerMw }] of programmed.entries()) {
      const one = await probe.read(voltagesV, signal)
      const other = oppositeV && (await probe.read(oppositeV, signal))
      measured[m]!.push(
        Float64Array.from({ length: size * size }, (_, at) => {
          const [output, port] = [Math.floor(at / size), at % size]
          const signalOf = ({ drop, through }: OutputReading): number =>
            drop[output]![port]! - programmer.throughShare[output]! * through[output]![port]!
          const signalMw = other === undefined ? signalOf(one) : (signalOf(one) - signalOf(other)) / 2
          return signalMw * weightPerMw[output]! * programmer.inputShares[port]!
        }),
      )
    }
  }
  return weightQuality(targets, measured)
}

/** Of weights wanted, and what each of them was in every repeat. Shapes: [matrix][element], [matrix][repeat][element]. */
export function weightQuality(
  targets: readonly Float64Array[],
  measured: readonly (readonly Float64Array[])[],
): WeightQuality {
  let [own, apart, count] = [0, 0, 0]
  for (const [m, target] of targets.entries()) {
    const repeats = measured[m]!.length
    for (const [at, weight] of target.entries()) {
      const off = measured[m]!.map((weights) => weights[at]! - weight)
      const sum = off.reduce((total, value) => total + value, 0)
      const squares = off.reduce((total, value) => total + value * value, 0)
      own += (sum * sum - squares) / (repeats * (repeats - 1))
      apart += (squares - (sum * sum) / repeats) / (repeats - 1)
      count++
    }
  }
  const bits = (meanSquare: number): number => Math.log2(RANGE / Math.sqrt(Math.max(meanSquare, LEAST_SQUARE)))
  return { accuracyBits: bits(own / count), precisionBits: bits(apart / count) }
}

/** By chance the products may cancel: no more than 20 bits are claimed. */
const LEAST_SQUARE = (RANGE / 2 ** 20) ** 2
