import type { OpticalCore } from '../../core/optical-core.ts'
import type { FrameAccount } from '../jobs/matmul.ts'
import type { RealMatrix, TileJob } from '../tiles/tile-product.ts'
import type { PowerLedger } from './power-ledger.ts'

/** Energy is told apart for so many tiles; of more, neighbours in the order of the job are one. */
const MOST_TILES = 64

/** The frames of one product, as a ledger counts them: by tile and lane. */
export class TileAccount implements FrameAccount {
  readonly #ledger: PowerLedger
  readonly #core: Pick<OpticalCore, 'shape' | 'lanes'>
  readonly #size: Pick<RealMatrix, 'rows' | 'columns'>
  readonly #part: string
  readonly #tiles: number
  readonly #together: number

  constructor(ledger: PowerLedger, b: RealMatrix, core: Pick<OpticalCore, 'shape' | 'lanes'>, part: string) {
    this.#ledger = ledger
    this.#core = core
    // Its sizes alone: a job may bring more weights than memory holds.
    this.#size = { rows: b.rows, columns: b.columns }
    this.#part = part
    this.#tiles = Math.ceil(b.rows / core.shape.inputs) * Math.ceil(b.columns / core.shape.outputs)
    this.#together = Math.ceil(this.#tiles / MOST_TILES)
  }

  between(signal: AbortSignal): Promise<void> {
    return this.#ledger.between(signal)
  }

  /** Rows of a frame take turns on the lanes; beyond the edges of B nothing is multiplied. */
  frame({ frame, rows, firstInner, firstColumn }: TileJob, isGood: boolean): void {
    const { lanes, shape } = this.#core
    const inner = Math.min(shape.inputs, this.#size.rows - firstInner)
    const columns = Math.min(shape.outputs, this.#size.columns - firstColumn)
    const vectors = Array.from({ length: lanes }, (_, lane) => Math.ceil((rows - lane) / lanes))
    const macs = vectors.map((some) => (isGood ? some * inner * columns : 0))
    this.#ledger.frame({ part: this.#part, tile: Math.floor(frame.tile.id / this.#together), vectors, macs })
  }

  /** Of one entry of the account. */
  nameOf(entry: number): string {
    const first = entry * this.#together
    const last = Math.min(first + this.#together, this.#tiles) - 1
    return first === last ? `tile ${first}` : `tiles ${first}–${last}`
  }
}
