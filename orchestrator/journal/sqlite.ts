import { pathToFileURL } from 'node:url'
import sqlite3 from 'sqlite3'
import { BenchError } from '../../core/errors.ts'

export type SqlValue = string | number | Uint8Array | null
export type SqlRow = Readonly<Record<string, SqlValue>>

/** How an SQLite file is opened: `create` makes it when it is not there, `archive` knows that nobody writes it. */
export type SqliteMode = 'create' | 'write' | 'read' | 'archive'

/** How long a statement waits for another process that is writing. */
const BUSY_TIMEOUT_MS = 10_000

/**
 * One connection to an SQLite file, with promises.
 *
 * Throws: CALL_INVALID for a value that the binding would silently turn into NULL (BigInt, NaN, undefined, a
 * blob without bytes);
 * everything else is the error of SQLite itself, whose `code` starts with SQLITE_.
 */
export class Sqlite implements AsyncDisposable {
  readonly #db: sqlite3.Database
  readonly #statements = new Map<string, Promise<sqlite3.Statement>>()
  #last: Promise<unknown> = Promise.resolve()

  private constructor(db: sqlite3.Database) {
    this.#db = db
    db.configure('busyTimeout', BUSY_TIMEOUT_MS)
  }

  static open(file: string, mode: SqliteMode): Promise<Sqlite> {
    return new Promise((resolve, reject) => {
      const name = mode === 'archive' ? `${pathToFileURL(file).href}?immutable=1` : file
      const db = new sqlite3.Database(name, FLAGS[mode], (error) => {
        if (error === null) resolve(new Sqlite(db))
        else reject(error)
      })
    })
  }

  /** Statements without parameters, several separated by semicolons. */
  exec(sql: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#db.exec(sql, (error) => {
        if (error === null) resolve()
        else reject(error)
      })
    })
  }

  async run(sql: string, ...values: readonly SqlValue[]): Promise<void> {
    await this.all(sql, ...values)
  }

  async all(sql: string, ...values: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    values.forEach(requireBindable)
    const statement = await this.#prepare(sql)
    return new Promise((resolve, reject) => {
      statement.all<SqlRow>(values, (error, rows) => {
        if (error === null) resolve(rows)
        else reject(error)
      })
    })
  }

  /** Work that must not mix with other work of this connection: one at a time, in order of the calls. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined)
    return result
  }

  /**
   * All of `work` is committed, or nothing.
   *
   * `durable` also survives a loss of power: this commit waits until the disk has it and all commits before it.
   * Any other commit survives the death of the process.
   */
  transaction<T>(durability: 'durable' | 'process', work: () => Promise<T>): Promise<T> {
    return this.inTurn(async () => {
      if (durability === 'durable') await this.exec('PRAGMA synchronous = FULL')
      try {
        await this.exec('BEGIN IMMEDIATE')
        const result = await work()
        await this.exec('COMMIT')
        return result
      } catch (error) {
        // SQLite has rolled back by itself after some failures and then says that there is nothing to roll back.
        await this.exec('ROLLBACK').catch(() => undefined)
        throw error
      } finally {
        if (durability === 'durable') await this.exec('PRAGMA synchronous = NORMAL')
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last
    for (const statement of this.#statements.values()) await finalize(statement)
    this.#statements.clear()
    await new Promise<void>((resolve, reject) => {
      this.#db.close((error) => {
        if (error === null) resolve()
        else reject(error)
      })
    })
  }

  #prepare(sql: string): Promise<sqlite3.Statement> {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const prepared = new Promise<sqlite3.Statement>((resolve, reject) => {
      const statement = this.#db.prepare(sql, (error) => {
        if (error === null) resolve(statement)
        else reject(error)
      })
    })
    this.#statements.set(sql, prepared)
    // A statement that could not be prepared now (the file was locked, say) is tried again the next time.
    prepared.catch(() => this.#statements.delete(sql))
    return prepared
  }
}

const FLAGS: Record<SqliteMode, number> = {
  create: sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE,
  write: sqlite3.OPEN_READWRITE,
  read: sqlite3.OPEN_READONLY,
  archive: sqlite3.OPEN_READONLY | sqlite3.OPEN_URI,
}

async function finalize(prepared: Promise<sqlite3.Statement>): Promise<void> {
  const statement = await prepared
  await new Promise<void>((resolve) => {
    statement.finalize(() => resolve())
  })
}

function requireBindable(value: SqlValue, index: number): void {
  if (value === null || typeof value === 'string') return
  if (typeof value === 'number' && !Number.isNaN(value)) return
  if (value instanceof Uint8Array && value.length > 0) return
  // The types forbid most of these; but what comes out of JSON or a driver may not keep to them.
  const kind = Number.isNaN(value) ? 'NaN' : value instanceof Uint8Array ? 'an empty blob' : `a ${typeof value}`
  throw new BenchError('CALL_INVALID', `value ${index + 1} is ${kind}, which SQLite would store as NULL`, {
    context: { index, kind },
  })
}
