import type { OpticalCore } from '../../core/optical-core.ts'
import type { RealMatrix } from '../tiles/tile-product.ts'
import type { PowerLedger } from './power-ledger.ts'
import { TileAccount } from './tile-account.ts'

/** Energy is told apart for so many blocks of weights; all further ones are one part. */
const MOST_BLOCKS = 64
const FURTHER = 'further blocks'

/** The blocks of weights that a job multiplies with, one after the other: each is a part of the job's energy. */
export class BlockAccounts {
  readonly #ledger: PowerLedger
  readonly #core: Pick<OpticalCore, 'shape' | 'lanes'>
  /** [part] */
  readonly #accounts = new Map<string, TileAccount>()
  #block: RealMatrix | undefined
  #account: TileAccount | undefined
  #blocks = 0

  constructor(ledger: PowerLedger, core: Pick<OpticalCore, 'shape' | 'lanes'>) {
    this.#ledger = ledger
    this.#core = core
  }

  /** The same object as before means the same weights. */
  of(b: RealMatrix): TileAccount {
    if (this.#account !== undefined && this.#block === b) return this.#account
    const part = ++this.#blocks > MOST_BLOCKS ? FURTHER : `block ${this.#blocks}`
    this.#block = b
    this.#account = new TileAccount(this.#ledger, b, this.#core, part)
    this.#accounts.set(part, this.#account)
    return this.#account
  }

  /** Of one entry of the account. Tiles of further blocks go by their places alone. */
  nameOf(part: string, tile: number): string {
    const name = this.#accounts.get(part)?.nameOf(tile) ?? `tile ${tile}`
    return this.#accounts.size === 1 ? name : `${name} of ${part}`
  }
}
