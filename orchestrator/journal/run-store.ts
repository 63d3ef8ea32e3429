import type { Clock } from '../../core/clock.ts'
import { identityOf } from '../../core/process-identity.ts'
import type { Batch } from './batch.ts'
import type { Durability } from './batch-writer.ts'
import { writeFailed } from './faults.ts'
import type { Calibration, RunStatus, WireHead } from './records.ts'
import { idStem, nextId } from './run-id.ts'
import type { Sqlite } from './sqlite.ts'

/** The statements that write one run. Throws: JOURNAL_WRITE_FAILED. */
export class RunStore {
  readonly run: string
  readonly #file: string
  readonly #db: Sqlite
  readonly #clock: Clock

  private constructor(run: string, file: string, db: Sqlite, clock: Clock) {
    this.run = run
    this.#file = file
    this.#db = db
    this.#clock = clock
  }

  /** `header` is JSON text. */
  static async start(file: string, db: Sqlite, clock: Clock, kind: string, header: string): Promise<RunStore> {
    const startedMs = Math.floor(clock.epochMs())
    const { pid, ...rest } = identityOf(process.pid)
    const run = await written(file, () =>
      db.transaction('durable', async () => {
        const id = await freeId(db, 'runs', '', startedMs)
        await db.run(
          `INSERT INTO runs (id, kind, status, started_ms, pid, process, header) VALUES (?, ?, 'running', ?, ?, ?, ?)`,
          ...[id, kind, startedMs, pid, JSON.stringify(rest), header],
        )
        return id
      }),
    )
    return new RunStore(run, file, db, clock)
  }

  batch(batch: Batch, heads: ReadonlyMap<string, WireHead>, durability: Durability): Promise<void> {
    return this.#transaction(durability, async () => {
      await batch.store(this.#db, this.run, heads)
      // A commit that changes nothing waits for nothing: this one must bring those before it to the disk.
      if (durability === 'durable') await this.#db.run('UPDATE runs SET pid = pid WHERE id = ?', this.run)
    })
  }

  header(json: string): Promise<void> {
    return this.#transaction('process', () => this.#db.run('UPDATE runs SET header = ? WHERE id = ?', json, this.run))
  }

  async calibration({ benchHash, chip }: Calibration, record: string): Promise<string> {
    const createdMs = Math.floor(this.#clock.epochMs())
    return this.#transaction('durable', async () => {
      const id = await freeId(this.#db, 'calibrations', 'cal-', createdMs)
      await this.#db.run(
        'INSERT INTO calibrations (id, bench_hash, chip, created_ms, record, run) VALUES (?, ?, ?, ?, ?, ?)',
        ...[id, benchHash, chip, createdMs, record, this.run],
      )
      return id
    })
  }

  /** `wires`: where every wire ends, when all of it is stored. */
  finish(status: RunStatus, result: string | null, wires: string | null): Promise<void> {
    const endedMs = Math.floor(this.#clock.epochMs())
    return this.#transaction('durable', () =>
      this.#db.run(
        'UPDATE runs SET status = ?, ended_ms = ?, result = ?, wires = ? WHERE id = ?',
        ...[status, endedMs, result, wires, this.run],
      ),
    )
  }

  #transaction<T>(durability: Durability, work: () => Promise<T>): Promise<T> {
    return written(this.#file, () => this.#db.transaction(durability, work))
  }
}

/** Inside a transaction, so that no other process takes the same one. */
async function freeId(db: Sqlite, table: 'runs' | 'calibrations', prefix: string, epochMs: number): Promise<string> {
  const stem = idStem(prefix, epochMs)
  const taken = await db.all(`SELECT id FROM ${table} WHERE substr(id, 1, ?) = ?`, stem.length, stem)
  return nextId(
    prefix,
    epochMs,
    taken.map((row) => String(row['id'])),
  )
}

async function written<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw writeFailed(file, error)
  }
}
