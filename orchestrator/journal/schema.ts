import { BenchError } from '../../core/errors.ts'
import type { Sqlite } from './sqlite.ts'
import { CREATE_WIRE_TABLES } from './wire-rows.ts'

/** 'FRNG' in the header of the file says whose SQLite file it is. */
export const APPLICATION_ID = 0x46524e47
/** Counts up whenever a table changes its meaning. */
export const SCHEMA_VERSION = 3

/*
 * All times `t_ns` are nanoseconds since the start of the run, all `…_ms` milliseconds since 1970 (UTC).
 * Columns of objects hold JSON text. What passed the wires stands in `wire_batches` and is read through the view
 * `wire` (see wire-rows.ts); what was edited with another SQLite tool, replay notices by `crc` (see wire-chain.ts).
 */
const TABLES = `
  CREATE TABLE runs (
    id         TEXT PRIMARY KEY NOT NULL,
    kind       TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed', 'interrupted')),
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER,
    pid        INTEGER NOT NULL,
    process    TEXT NOT NULL,
    header     TEXT NOT NULL,
    result     TEXT,
    wires      TEXT
  );
  CREATE TABLE steps (
    run    TEXT NOT NULL,
    step   INTEGER NOT NULL,
    parent INTEGER NOT NULL,
    name   TEXT NOT NULL,
    detail TEXT,
    t_ns   INTEGER NOT NULL,
    PRIMARY KEY (run, step)
  ) WITHOUT ROWID;
  ${CREATE_WIRE_TABLES}
  CREATE TABLE wire_heads (
    run     TEXT NOT NULL,
    wire    TEXT NOT NULL,
    records INTEGER NOT NULL,
    crc     INTEGER NOT NULL,
    PRIMARY KEY (run, wire)
  ) WITHOUT ROWID;
  CREATE TABLE frames (
    run  TEXT NOT NULL,
    seq  INTEGER NOT NULL,
    step INTEGER NOT NULL,
    t_ns INTEGER NOT NULL,
    data TEXT NOT NULL
  );
  CREATE INDEX frames_by_run ON frames (run);
  CREATE TABLE samples (
    run      TEXT NOT NULL,
    t_ns     INTEGER NOT NULL,
    quantity TEXT NOT NULL,
    unit     TEXT NOT NULL,
    value    REAL NOT NULL,
    source   TEXT NOT NULL
  );
  CREATE INDEX samples_by_run ON samples (run);
  CREATE TABLE calibrations (
    id         TEXT PRIMARY KEY NOT NULL,
    bench_hash TEXT NOT NULL,
    chip       TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    record     TEXT NOT NULL,
    run        TEXT NOT NULL
  );
  CREATE INDEX calibrations_by_bench ON calibrations (bench_hash);
  CREATE TABLE blobs (
    sha256 TEXT PRIMARY KEY NOT NULL,
    bytes  BLOB NOT NULL
  );
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};`

/** Throws: JOURNAL_UNREADABLE unless the file is a journal of this version. */
export async function requireJournal(file: string, db: Sqlite): Promise<void> {
  const application = await pragma(db, 'application_id')
  if (application !== APPLICATION_ID) {
    throw refused(
      file,
      `is an SQLite file of another program (application_id ${application}). Name a journal that Fringe wrote`,
    )
  }
  const version = await pragma(db, 'user_version')
  if (version !== SCHEMA_VERSION) {
    const remedy =
      version > SCHEMA_VERSION ? 'Use the newer Fringe that wrote it' : 'Use the older Fringe that wrote it'
    throw refused(
      file,
      `is a journal of version ${version}, and this Fringe reads version ${SCHEMA_VERSION}. ${remedy}`,
    )
  }
}

/** Makes the tables in a file that has none; two processes may do so at once. */
export async function createTables(db: Sqlite): Promise<void> {
  if (!(await isEmpty(db))) return
  await db.transaction('durable', async () => {
    if (await isEmpty(db)) await db.exec(TABLES)
  })
}

async function isEmpty(db: Sqlite): Promise<boolean> {
  const [row] = await db.all('SELECT count(*) AS tables FROM sqlite_schema')
  return row?.['tables'] === 0 && (await pragma(db, 'application_id')) === 0
}

async function pragma(db: Sqlite, name: 'application_id' | 'user_version'): Promise<number> {
  const [row] = await db.all(`PRAGMA ${name}`)
  return Number(row?.[name])
}

function refused(file: string, why: string): BenchError {
  return new BenchError('JOURNAL_UNREADABLE', `${file} ${why}`, { context: { file } })
}
