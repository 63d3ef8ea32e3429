import { BenchError } from '../../core/errors.ts'
import type { OpticalCore } from '../../core/optical-core.ts'
import type { Numerics } from '../numerics/choose-numerics.ts'
import { ONE_PASS, passCount } from '../numerics/passes.ts'
import type { Passes } from '../numerics/passes.ts'
import { probeVectors, weightProbes } from '../numerics/probes.ts'
import { rowsPerFrame } from '../numerics/remedy.ts'
import { codeFrame } from '../tiles/frame-coding.ts'
import type { CodedFrame } from '../tiles/frame-coding.ts'
import { TileProduct } from '../tiles/tile-product.ts'
import type { CutTile, RealMatrix } from '../tiles/tile-product.ts'

/** One frame of a product. */
export interface FrameJob {
  readonly coded: CodedFrame
  /** A tile of B, or what the optics missed of one. */
  readonly stage: 'tile' | 'mending'
  readonly attempt: number
}

/** The frames of a product: all rows pass one tile before the next is programmed. */
export class FrameQueue {
  readonly #core: OpticalCore
  readonly #product: TileProduct
  readonly #numerics: Numerics
  /** [tile]: how much of the light its frames may have, where that is not all of it. */
  readonly #gains = new Map<number, number>()

  constructor(core: OpticalCore, a: RealMatrix, b: RealMatrix, numerics: Numerics) {
    this.#core = core
    this.#product = new TileProduct(a, b, core.shape, numerics.scaling)
    this.#numerics = numerics
  }

  *tiles(): Generator<FrameJob> {
    const { remedy } = this.#numerics
    const probes = this.#tileProbes()
    for (let id = 0; id < this.#product.tiles; id++) {
      for (const coded of this.#framesOf(this.#product.tile(id), probes, remedy)) {
        yield { coded, stage: 'tile', attempt: 1 }
      }
    }
  }

  /** Once more through what is missing in the weights of each tile, with numbers of their own. */
  *mendingTiles(missedWeights: (tile: CutTile) => Float64Array): Generator<FrameJob> {
    const probes = probeVectors(this.#core.shape.inputs)
    for (let id = 0; id < this.#product.tiles; id++) {
      const cut = this.#product.tile(id)
      const tile = { id: this.#product.tiles + id, weights: missedWeights(cut) }
      for (const coded of this.#framesOf({ ...cut, tile }, probes, ONE_PASS)) {
        yield { coded, stage: 'mending', attempt: 1 }
      }
    }
  }

  /** Frames of this tile that are made from now on are sent with less light, too. */
  dim({ coded: { cut, gain } }: FrameJob): void {
    this.#gains.set(cut.tile.id, gain / 2)
  }

  /** The same frame with half the light. */
  dimmer(job: FrameJob): FrameJob {
    const { cut, inputs, passes, gain } = job.coded
    const probes = job.stage === 'tile' ? this.#tileProbes() : probeVectors(this.#core.shape.inputs)
    return { ...job, coded: codeFrame(this.#core, cut, inputs, { passes, probes, gain: gain / 2 }) }
  }

  #tileProbes(): Float64Array {
    const { inputs } = this.#core.shape
    return this.#numerics.remedy.isMended ? weightProbes(inputs) : probeVectors(inputs)
  }

  *#framesOf(cut: CutTile, probes: Float64Array, passes: Passes): Generator<CodedFrame> {
    const { rows } = this.#product.a
    const perFrame = rowsPerFrame(this.#core, probes.length / this.#core.shape.inputs, passCount(passes))
    if (perFrame < 1) throw noRoom(this.#core.maxSymbolsPerFrame, probes.length / this.#core.shape.inputs)
    for (let firstRow = 0; firstRow < rows; firstRow += perFrame) {
      const inputs = this.#product.inputs(cut, firstRow, Math.min(perFrame, rows - firstRow))
      yield codeFrame(this.#core, cut, inputs, { passes, probes, gain: this.#gains.get(cut.tile.id) ?? 1 })
    }
  }
}

function noRoom(maxSymbols: number, probes: number): BenchError {
  return new BenchError(
    'RANGE_EXCEEDED',
    `a frame of ${maxSymbols} symbols has no room for data: ${probes} are probes`,
    { context: { maxSymbols, probes } },
  )
}
