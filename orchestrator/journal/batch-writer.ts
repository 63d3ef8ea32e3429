import { BenchError } from '../../core/errors.ts'
import { Batch } from './batch.ts'

export type Durability = 'durable' | 'process'

/** A batch leaves when it holds this much, or after a while, or when somebody waits for it. */
const FULL_ENTRIES = 1000
const FULL_BYTES = 1 << 22
const IDLE_FLUSH_MS = 50
/** From here on `ready` asks the bench to wait for the disk. */
const HIGH_WATER_BYTES = 32 * 2 ** 20
/** Whoever has not waited by now would fill the memory. */
const LIMIT_BYTES = 8 * HIGH_WATER_BYTES

interface Waiter {
  readonly batch: number
  readonly resolve: () => void
  readonly reject: (error: BenchError) => void
}

/**
 * Collects what a run says, and brings it to disk in batches: one batch is written while the next one fills.
 *
 * Rate: a batch of about a thousand entries, or whatever has come while the one before was being written.
 * Backpressure: `ready` waits while more than 32 MiB wait for the disk; at 256 MiB the writer fails.
 * Errors: the first one ends it. What comes later is dropped; `flush`, `ready` and `requireWorking` throw it.
 */
export class BatchWriter {
  readonly #store: (batch: Batch, durability: Durability) => Promise<void>
  #filling = new Batch()
  #spare: Batch | undefined = new Batch()
  /** Number of the batch that fills, and of the last one that the disk has. */
  #number = 1
  #stored = 0
  #writingBytes = 0
  #writing = false
  #urgent: Durability | undefined
  #timer: NodeJS.Timeout | undefined
  #waiters: Waiter[] = []
  #onRoom: (() => void)[] = []
  #failure: BenchError | undefined

  constructor(store: (batch: Batch, durability: Durability) => Promise<void>) {
    this.#store = store
  }

  get failure(): BenchError | undefined {
    return this.#failure
  }

  /** The batch to add to. Call `added` afterwards. */
  get filling(): Batch {
    return this.#filling
  }

  added(): void {
    const batch = this.#filling
    if (this.#failure !== undefined) return batch.clear()
    if (batch.entries >= FULL_ENTRIES || batch.byteLength >= FULL_BYTES) {
      if (!this.#writing) this.#startWriting()
      else if (this.#waitingBytes > LIMIT_BYTES) this.#fail(tooSlow())
    } else {
      this.#timer ??= setTimeout(() => this.#startWriting(), IDLE_FLUSH_MS).unref()
    }
  }

  requireWorking(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Resolves when there is room for more; at once, as long as the disk keeps up. */
  async ready(): Promise<void> {
    while (this.#failure === undefined && this.#waitingBytes > HIGH_WATER_BYTES) {
      await new Promise<void>((resolve) => this.#onRoom.push(resolve))
    }
    this.requireWorking()
  }

  /** Resolves when all that was added before is committed. `durable` also outlives a loss of power. */
  flush(durability: Durability): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const nothingNew = this.#filling.entries === 0 && durability === 'process'
    const batch = nothingNew ? this.#number - 1 : this.#number
    if (batch <= this.#stored) return Promise.resolve()
    if (!nothingNew && this.#urgent !== 'durable') this.#urgent = durability
    return new Promise((resolve, reject) => {
      this.#waiters.push({ batch, resolve, reject })
      this.#startWriting()
    })
  }

  get #waitingBytes(): number {
    return this.#filling.byteLength + this.#writingBytes
  }

  #startWriting(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#writing) return
    this.#writing = true
    // Not in the turn of the event loop in which bytes are being recorded.
    setImmediate(() => void this.#write())
  }

  async #write(): Promise<void> {
    try {
      do {
        await this.#writeOne()
      } while (this.#failure === undefined && this.#isDue())
    } catch (error) {
      this.#fail(error as BenchError)
    }
    this.#writing = false
    if (this.#filling.entries > 0) this.added()
  }

  async #writeOne(): Promise<void> {
    const batch = this.#filling
    const number = this.#number++
    const durability = this.#urgent ?? 'process'
    this.#urgent = undefined
    this.#filling = this.#spare ?? new Batch()
    this.#spare = undefined
    this.#writingBytes = batch.byteLength
    await this.#store(batch, durability)
    batch.clear()
    this.#spare = batch
    this.#writingBytes = 0
    this.#stored = number
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.batch > number) return true
      waiter.resolve()
      return false
    })
    this.#announceRoom()
  }

  #isDue(): boolean {
    if (this.#urgent !== undefined) return true
    return this.#filling.entries >= FULL_ENTRIES || this.#filling.byteLength >= FULL_BYTES
  }

  #fail(error: BenchError): void {
    this.#failure ??= error
    this.#filling.clear()
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#failure)
    this.#announceRoom()
  }

  #announceRoom(): void {
    for (const resolve of this.#onRoom.splice(0)) resolve()
  }
}

function tooSlow(): BenchError {
  const mebibytes = LIMIT_BYTES / 2 ** 20
  return new BenchError(
    'JOURNAL_WRITE_FAILED',
    `${mebibytes} MiB wait for the disk: the bench talks faster than it writes. Await ready() between frames, or use a faster disk`,
  )
}
