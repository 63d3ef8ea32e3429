import { expect, test } from 'vitest'
import { BenchError } from '../../core/errors.ts'
import type { Batch } from '../../orchestrator/journal/batch.ts'
import { BatchWriter } from '../../orchestrator/journal/batch-writer.ts'
import type { Durability } from '../../orchestrator/journal/batch-writer.ts'

/** A disk that stores when the test says so. */
class SlowDisk {
  readonly stored: { readonly entries: number; readonly durability: Durability }[] = []
  atOnce = 0
  mostAtOnce = 0
  failure: BenchError | undefined
  #release: (() => void) | undefined
  readonly writer = new BatchWriter((batch, durability) => this.#store(batch, durability))

  async #store(batch: Batch, durability: Durability): Promise<void> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce)
    await new Promise<void>((resolve) => (this.#release = resolve))
    this.atOnce--
    if (this.failure !== undefined) throw this.failure
    this.stored.push({ entries: batch.entries, durability })
  }

  /** Finishes the batch under way, as soon as there is one. */
  async finishOne(): Promise<void> {
    while (this.#release === undefined) await turn()
    this.#release()
    this.#release = undefined
    await turn()
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

let added = 0

function add(writer: BatchWriter, blobs: number, bytes = 10): void {
  for (let i = 0; i < blobs; i++) {
    writer.filling.blob(String(added++), new Uint8Array(bytes))
    writer.added()
  }
}

const MEBIBYTE = 2 ** 20

test('one batch is written while the next fills, never two', async () => {
  const disk = new SlowDisk()
  add(disk.writer, 1000)
  await turn()
  add(disk.writer, 2500)
  const flushed = disk.writer.flush('process')
  await turn()
  await disk.finishOne()
  await disk.finishOne()
  await flushed
  expect(disk.stored.map(({ entries }) => entries)).toEqual([1000, 2500])
  expect(disk.mostAtOnce).toBe(1)
})

test('a flush waits for what was added before it, not for what comes after', async () => {
  const disk = new SlowDisk()
  add(disk.writer, 3)
  const flushed = disk.writer.flush('process')
  await disk.finishOne()
  add(disk.writer, 2)
  await flushed
  expect(disk.stored).toEqual([{ entries: 3, durability: 'process' }])
})

test('a flush with nothing to write is done, a durable one still goes to the disk', async () => {
  const disk = new SlowDisk()
  await disk.writer.flush('process')
  const durable = disk.writer.flush('durable')
  await disk.finishOne()
  await durable
  expect(disk.stored).toEqual([{ entries: 0, durability: 'durable' }])
})

test('a little is written after a while without a flush', async () => {
  const disk = new SlowDisk()
  add(disk.writer, 1)
  await disk.finishOne()
  expect(disk.stored).toEqual([{ entries: 1, durability: 'process' }])
})

test('ready lets go on at once while the disk keeps up, and waits while 32 MiB wait for it', async () => {
  const disk = new SlowDisk()
  add(disk.writer, 31, MEBIBYTE)
  await disk.writer.ready()
  add(disk.writer, 2, MEBIBYTE)
  let ready = false
  const waiting = disk.writer.ready().then(() => (ready = true))
  await turn()
  expect(ready).toBe(false)
  await disk.finishOne()
  await waiting
})

test('whoever does not wait is stopped before the memory is full', async () => {
  const disk = new SlowDisk()
  add(disk.writer, 1, MEBIBYTE)
  await turn()
  const flushed = disk.writer.flush('process')
  add(disk.writer, 300, MEBIBYTE)
  await expect(flushed).rejects.toMatchObject({ code: 'JOURNAL_WRITE_FAILED' })
  expect(() => disk.writer.requireWorking()).toThrow('the bench talks faster than it writes')
  expect(disk.writer.filling.byteLength).toBe(0)
  await disk.finishOne()
})

test('after a failed write everybody who waits or comes later is told, and nothing is kept', async () => {
  const disk = new SlowDisk()
  disk.failure = new BenchError('JOURNAL_WRITE_FAILED', 'the disk is full')
  add(disk.writer, 40, MEBIBYTE)
  const waiting = [disk.writer.flush('process'), disk.writer.ready()].map((work) =>
    work.catch((error: unknown) => error),
  )
  await disk.finishOne()
  expect(await Promise.all(waiting)).toEqual([disk.failure, disk.failure])
  await expect(disk.writer.flush('durable')).rejects.toBe(disk.failure)
  await expect(disk.writer.ready()).rejects.toBe(disk.failure)
  add(disk.writer, 5000)
  expect(disk.writer.filling.entries).toBe(0)
})
