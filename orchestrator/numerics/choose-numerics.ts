import { BenchError } from '../../core/errors.ts'
import type { OpticalCore } from '../../core/optical-core.ts'
import { ROW_SCALING } from '../tiles/block-scaling.ts'
import type { BlockScaling, OffsetBlock } from '../tiles/block-scaling.ts'
import { TileProduct } from '../tiles/tile-product.ts'
import type { RealMatrix } from '../tiles/tile-product.ts'
import { errorSums, knownCore } from './error-sums.ts'
import type { ErrorSums, KnownCore, WantedColumns } from './error-sums.ts'
import { passCount } from './passes.ts'
import { bitsFor, bitsSigmaFor, predictedError } from './predicted-error.ts'
import type { PredictedError } from './predicted-error.ts'
import { costOf, NO_REMEDY, rowsPerFrame } from './remedy.ts'
import type { Remedy } from './remedy.ts'
import type { Sample } from './sample.ts'

/** `row`: a scale for each row's share of a tile. `column`: for each output's weights, too. `adaptive`: what is best. */
export const SCALINGS = ['row', 'column', 'adaptive'] as const
export type Scaling = (typeof SCALINGS)[number]
export const DEFAULT_SCALING: Scaling = 'adaptive'

export interface NumericsOptions {
  readonly scaling?: Scaling | undefined
  /** Effective bits that the product must have. Undefined: as many as one pass of all rows gives. */
  readonly bits?: number | undefined
  /** Undefined: all. */
  readonly isWanted?: WantedColumns | undefined
}

/** How a product is computed, and what it is expected to come to. */
export interface Numerics {
  readonly scaling: BlockScaling
  readonly remedy: Remedy
  readonly predicted: {
    /** Null when the core does not know its errors. */
    readonly effectiveBits: number | null
    /** Two jobs in three come to within this of it, nineteen in twenty to within twice as much. */
    readonly bitsSigma: number | null
    readonly frames: number
    /** Settling of heaters and symbols of frames; 0 when the core knows nothing of itself. */
    readonly benchSeconds: number
  }
}

/** The prediction is trusted to so many bits. */
const MARGIN_BITS = 0.2
const REPEATS = [1, 2, 4, 8, 16, 32]
/** Enough to tell scalings apart, and to predict. */
const FEW: Sample = { tiles: 8, rows: 24, compiled: 0 }
const MANY: Omit<Sample, 'compiled'> = { tiles: 96, rows: 128 }
/** Weights of tiles that are compiled before the first frame, but at least so many tiles. They are kept for the job. */
const COMPILED = { weights: 2 ** 13, tiles: 32 }
/** Zero points of whole rows and columns are looked for in matrices up to this size together. */
const MOST_ELEMENTS = 2 ** 22

/**
 * The cheapest way to a product of so many bits, from what the core knows of itself and from the matrices.
 *
 * `range` is that of the exact product, as far as it is wanted. Throws: CALL_INVALID when the bits are out of reach,
 * naming what limits them.
 */
export function chooseNumerics(
  core: OpticalCore,
  a: RealMatrix,
  b: RealMatrix,
  range: number,
  { scaling = DEFAULT_SCALING, bits, isWanted }: NumericsOptions = {},
): Numerics {
  const known = knownCore(core)
  const cut = (blocks: BlockScaling): TileProduct => new TileProduct(a, b, core.shape, blocks)
  if (known === undefined) {
    if (bits !== undefined) {
      const why = 'the calibration does not say what its errors are, so nothing can be predicted'
      throw new BenchError('CALL_INVALID', `--bits ${bits}: ${why}; calibrate again, or leave --bits out`)
    }
    const { frames } = costOf(core, cut(ROW_SCALING), NO_REMEDY)
    const predicted = { effectiveBits: null, bitsSigma: null, frames, benchSeconds: 0 }
    return { scaling: ROW_SCALING, remedy: NO_REMEDY, predicted }
  }
  const errorOf = (sums: ErrorSums, remedy: Remedy): PredictedError =>
    predictedError(sums, remedy, known, core.shape.inputs)
  const chosen = bestOf(
    scalingsOf(scaling, known, a, b),
    (blocks) => errorOf(errorSums(core, known, cut(blocks), range, FEW, isWanted), NO_REMEDY).square,
  )
  const product = cut(chosen)
  const { inputs, outputs } = core.shape
  const compiled = Math.max(COMPILED.tiles, Math.floor(COMPILED.weights / (inputs * outputs)))
  const sums = errorSums(core, known, product, range, { ...MANY, compiled }, isWanted)
  const withCost = (remedy: Remedy): Numerics => {
    const { frames, seconds } = costOf(core, product, remedy)
    const error = errorOf(sums, remedy)
    const foretold = { effectiveBits: bitsFor(error.square, range), bitsSigma: bitsSigmaFor(error) }
    return { scaling: chosen, remedy, predicted: { ...foretold, frames, benchSeconds: seconds } }
  }
  if (bits === undefined) return withCost(NO_REMEDY)
  const all = remediesFor(core, known).map(withCost)
  const enough = all.filter(({ predicted }) => predicted.effectiveBits! >= bits + MARGIN_BITS)
  if (enough.length > 0) return bestOf(enough, ({ predicted }) => predicted.benchSeconds)
  const most = bestOf(all, ({ predicted }) => -predicted.effectiveBits!)
  throw new BenchError('CALL_INVALID', outOfReach(bits, most, sums), {
    context: { bits, reachable: most.predicted.effectiveBits },
  })
}

/** Blocks that a core can be asked for: where tiles must keep their form nothing may be taken off weights. */
function scalingsOf(scaling: Scaling, { knowledge }: KnownCore, a: RealMatrix, b: RealMatrix): readonly BlockScaling[] {
  const isFree = knowledge.weights === 'any'
  const byColumn: BlockScaling = { ...ROW_SCALING, scaled: isFree ? 'output' : 'tile' }
  if (scaling === 'row') return [ROW_SCALING]
  if (scaling === 'column') return [byColumn]
  const blocks: readonly OffsetBlock[] =
    a.data.length + b.data.length <= MOST_ELEMENTS ? ['none', 'share', 'whole'] : ['none', 'share']
  return blocks.flatMap((inputs) =>
    (isFree ? blocks : (['none'] as const)).flatMap((weights) =>
      [ROW_SCALING, byColumn].map(({ scaled }) => ({ inputs, weights, scaled })),
    ),
  )
}

function remediesFor(core: OpticalCore, { knowledge }: KnownCore): readonly Remedy[] {
  const mending = knowledge.weights === 'any' ? [false, true] : [false]
  const all = REPEATS.flatMap((repeats) =>
    ([1, 2] as const).flatMap((slices) => mending.map((isMended) => ({ repeats, slices, isMended }))),
  )
  return all.filter((remedy) => rowsPerFrame(core, 2 * core.shape.inputs, passCount(remedy)) > 0)
}

function outOfReach(bits: number, { predicted, remedy }: Numerics, sums: ErrorSums): string {
  const limits = {
    'readings of the meters': sums.readings / remedy.repeats,
    'weights that come out wrong': remedy.isMended ? sums.mended : sums.model + sums.unknown,
  }
  const [limit] = Object.entries(limits).reduce((worst, next) => (next[1] > worst[1] ? next : worst))
  const reachable = Math.floor(10 * (predicted.effectiveBits! - MARGIN_BITS)) / 10
  return `--bits ${bits} is out of reach for these matrices on this bench: ${limit} leave ${reachable.toFixed(1)}, with all that can be done; ask for that many at most`
}

/** The one of least cost; of equals the first. */
function bestOf<Choice extends object>(choices: readonly Choice[], costOf: (choice: Choice) => number): Choice {
  let [best, least]: [Choice, number] = [choices[0]!, Infinity]
  for (const choice of choices) {
    const cost = costOf(choice)
    if (cost < least) [best, least] = [choice, cost]
  }
  return best
}
