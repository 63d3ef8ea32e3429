import type { KernelPool } from '../kernels/kernel-pool.ts'
import type { KernelTasks } from '../kernels/kernel-tasks.ts'

/** Inputs that a block passes at once while others wait: their light is kept. */
const INPUTS_AT_ONCE = 1024
/** Where none waits; less and less then, so that all threads end together. */
const LAST_INPUTS_AT_ONCE = 256

/** Of a block that threads share, so that none waits long for the others. */
const SHARES_A_THREAD = 2

/** What a block is on its way past rows of tiles `from` to `to`, cut by outputs into `shares` at most. */
export type PartsOf = (from: number, to: number, shares: number) => readonly KernelTasks['product'][]

interface Passing {
  readonly partsOf: PartsOf
  readonly signal: AbortSignal
  readonly resolve: (overRange: number) => void
  readonly reject: (reason: unknown) => void
  /** Rows of tiles behind it. */
  passed: number
  overRange: number
  isRunning: boolean
}

/**
 * Blocks on their way past the rows of tiles of a factor, on the threads of a pool: the oldest first, so that they end one after
 * the other and the next are made ready meanwhile. Where there are fewer blocks than threads they share a block's outputs.
 */
export class BlockPasses {
  readonly #pool: KernelPool
  readonly #rowsOfTiles: number
  readonly #atOnce: number
  readonly #lastAtOnce: number
  #passing: readonly Passing[] = []
  /** Rows of tiles that are there. */
  #made = 0
  #failure: Error | undefined

  constructor(pool: KernelPool, rowsOfTiles: number, tileInputs: number) {
    this.#pool = pool
    this.#rowsOfTiles = rowsOfTiles
    this.#atOnce = Math.ceil(INPUTS_AT_ONCE / tileInputs)
    this.#lastAtOnce = Math.ceil(LAST_INPUTS_AT_ONCE / tileInputs)
  }

  /** Resolves to the readings over range when the block has passed all rows of tiles. */
  pass(partsOf: PartsOf, signal: AbortSignal): Promise<number> {
    if (this.#rowsOfTiles === 0) return Promise.resolve(0)
    return new Promise((resolve, reject) => {
      const block = { partsOf, signal, resolve, reject, passed: 0, overRange: 0, isRunning: false }
      if (this.#failure !== undefined) reject(this.#failure)
      else this.#passing = [...this.#passing, block]
      this.#begin()
    })
  }

  /** One more row of tiles is there. */
  rowMade(): void {
    this.#made++
    this.#begin()
  }

  /** There will be no more rows of tiles: whoever waits for them fails. */
  fail(reason: Error): void {
    this.#failure = reason
    for (const block of this.#passing) if (!block.isRunning) this.#end(block, () => block.reject(reason))
  }

  /** Gives threads that have nothing to do the blocks that wait. */
  #begin(): void {
    for (let idle = this.#pool.idle; idle > 0; idle = this.#pool.idle) {
      const waiting = this.#passing.filter(({ isRunning, passed }) => !isRunning && passed < this.#made)
      const [block] = waiting
      if (block === undefined) return
      const { signal, partsOf, passed } = block
      if (signal.aborted) {
        this.#end(block, () => block.reject(signal.reason))
        continue
      }
      const isShared = waiting.length < idle
      const left = this.#rowsOfTiles - passed
      const step = waiting.length > idle ? this.#atOnce : Math.min(this.#lastAtOnce, Math.ceil(left / 4))
      const to = isShared ? this.#made : Math.min(this.#made, passed + step)
      void this.#run(block, to, partsOf(passed, to, isShared ? SHARES_A_THREAD * idle : 1))
    }
  }

  async #run(block: Passing, to: number, parts: readonly KernelTasks['product'][]): Promise<void> {
    block.isRunning = true
    try {
      block.overRange += await this.#pool.run('product', parts, block.signal)
      block.passed = to
      block.isRunning = false
      if (to === this.#rowsOfTiles) this.#end(block, () => block.resolve(block.overRange))
      else if (this.#failure !== undefined) throw this.#failure
    } catch (error) {
      this.#end(block, () => block.reject(error))
    }
    this.#begin()
  }

  #end(block: Passing, settle: () => void): void {
    this.#passing = this.#passing.filter((other) => other !== block)
    settle()
  }
}
