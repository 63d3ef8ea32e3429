import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import type { Clock } from '../../core/clock.ts'
import { BenchError, isBenchError } from '../../core/errors.ts'
import { mayBeAlive } from '../../core/process-identity.ts'
import { unreadable, unwritable } from './faults.ts'
import { toJson } from './json.ts'
import { JournalReader, writerOf } from './reader.ts'
import type { RunHeader } from './records.ts'
import { RunStore } from './run-store.ts'
import { RunWriter } from './run-writer.ts'
import { createTables, requireJournal } from './schema.ts'
import { Sqlite } from './sqlite.ts'
import type { SqliteMode } from './sqlite.ts'

export interface JournalOptions {
  readonly clock: Clock
  /** `write` makes the file when it is not there; `read` changes nothing and works beside a writer. */
  readonly mode: 'write' | 'read'
}

/**
 * The journal: one SQLite file with every byte, step, sample and calibration of every run.
 *
 * Write-ahead log: readers and one writer at a time, in any number of processes, do not disturb each other.
 * Batches are committed with synchronous = NORMAL: a killed process loses nothing that was committed, a loss of
 * power may lose the last moments but never damages the file. Start and end of a run, calibrations and whatever
 * is flushed `durable` are committed with synchronous = FULL, which waits for the disk.
 *
 * Throws: JOURNAL_UNREADABLE, with what would be right; JOURNAL_WRITE_FAILED.
 * Leaves: runs that nobody finished are marked as interrupted when the journal closes.
 */
export class Journal extends JournalReader implements AsyncDisposable {
  readonly #file: string
  readonly #db: Sqlite
  readonly #options: JournalOptions
  readonly #open = new Set<RunWriter>()

  private constructor(file: string, db: Sqlite, options: JournalOptions) {
    super(file, db)
    this.#file = file
    this.#db = db
    this.#options = options
  }

  static async open(file: string, options: JournalOptions): Promise<Journal> {
    requireSqliteFile(file, options.mode)
    if (options.mode === 'write') return Journal.#connect(file, options, 'create')
    try {
      return await Journal.#connect(file, options, 'read')
    } catch (error) {
      // Even a reader puts a log beside the file. On a write-protected disk it cannot, and where there is no log
      // to read, it need not.
      const isProtected = isBenchError(error) && error.context['sqlite'] === 'SQLITE_CANTOPEN'
      if (!isProtected || existsSync(`${file}-wal`)) throw error
      return Journal.#connect(file, options, 'archive')
    }
  }

  static async #connect(file: string, options: JournalOptions, mode: SqliteMode): Promise<Journal> {
    const explain = options.mode === 'write' ? unwritable : unreadable
    const db = await Sqlite.open(file, mode).catch((error: unknown) => {
      throw explain(file, error)
    })
    try {
      await prepare(file, db, options.mode)
      return new Journal(file, db, options)
    } catch (error) {
      await db[Symbol.asyncDispose]()
      throw explain(file, error)
    }
  }

  /** Begins a run; when it resolves, the disk knows of it. */
  async startRun(start: { readonly kind: string; readonly header: RunHeader }): Promise<RunWriter> {
    if (this.#options.mode === 'read') throw new BenchError('CALL_INVALID', `${this.#file} was opened for reading`)
    const header = toJson('header', start.header)
    const store = await RunStore.start(this.#file, this.#db, this.#options.clock, start.kind, header)
    const run = new RunWriter(store, start.header, this.#options.clock, (ended) => this.#open.delete(ended))
    this.#open.add(run)
    return run
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends = await Promise.allSettled([...this.#open].map((run) => run.abandon()))
    await this.#db[Symbol.asyncDispose]()
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }
}

const SQLITE_MAGIC = 'SQLite format 3\0'

/** SQLite itself would call some other files "out of memory" or "malformed". */
function requireSqliteFile(file: string, mode: 'write' | 'read'): void {
  const start = firstBytes(file)
  if (start === undefined) {
    if (mode === 'write') return
    throw refused(file, 'is not there. Name a journal that Fringe wrote; a run makes one')
  }
  if (start === '' && mode === 'write') return
  if (start !== SQLITE_MAGIC) {
    const what = start === '' ? 'it is empty' : 'it is not an SQLite file'
    throw refused(file, `is not a journal: ${what}. Name a journal that Fringe wrote`)
  }
}

/** Undefined when there is no such file. */
function firstBytes(file: string): string | undefined {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    const bytes = Buffer.alloc(SQLITE_MAGIC.length)
    return bytes.toString('latin1', 0, readSync(descriptor, bytes))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw refused(file, `cannot be read: ${(error as Error).message}`, error)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

async function prepare(file: string, db: Sqlite, mode: 'write' | 'read'): Promise<void> {
  if (mode === 'write') await createTables(db)
  // Before anything else is written: the file may be another program's.
  await requireJournal(file, db)
  if (mode === 'read') return
  const [row] = await db.all('PRAGMA journal_mode = WAL')
  if (row?.['journal_mode'] !== 'wal') {
    throw new BenchError(
      'JOURNAL_WRITE_FAILED',
      `${file} lies on a disk that allows no write-ahead log. Use a local disk`,
    )
  }
  await db.exec('PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864')
  await markInterrupted(db)
}

/** Runs whose process is gone did not end by themselves. */
async function markInterrupted(db: Sqlite): Promise<void> {
  const running = await db.all(`SELECT id, pid, process FROM runs WHERE status = 'running'`)
  for (const row of running) {
    if (mayBeAlive(writerOf(row))) continue
    await db.run(`UPDATE runs SET status = 'interrupted' WHERE id = ? AND status = 'running'`, row['id'] ?? null)
  }
}

function refused(file: string, why: string, cause?: unknown): BenchError {
  return new BenchError('JOURNAL_UNREADABLE', `${file} ${why}`, { cause, context: { file } })
}
