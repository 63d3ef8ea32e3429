import { createHash } from 'node:crypto'
import { BenchError } from '../../core/errors.ts'
import { mayBeAlive } from '../../core/process-identity.ts'
import type { ProcessIdentity } from '../../core/process-identity.ts'
import { unreadable } from './faults.ts'
import type {
  CalibrationRecord,
  FrameRecord,
  ListedRun,
  RunHeader,
  RunRecord,
  RunRecording,
  RunStatus,
  RunSummary,
  SampleRecord,
  StepRecord,
  WireHead,
  WireRecord,
} from './records.ts'
import { nearest } from './run-id.ts'
import type { Sqlite, SqlRow, SqlValue } from './sqlite.ts'
import { SELECT_NEXT_WIRE_BATCH, wireRecordsOf } from './wire-rows.ts'

/** Some records of a run in the order in which they were written, and the place behind the last of them. */
export type Pages<T> = AsyncIterableIterator<{ readonly records: readonly T[]; readonly after: number }>

const PAGE_ROWS = 5000

/** What a journal tells. Throws: JOURNAL_UNREADABLE where the file is damaged; RUN_UNKNOWN with the names that are near. */
export class JournalReader {
  readonly #file: string
  readonly #db: Sqlite

  constructor(file: string, db: Sqlite) {
    this.#file = file
    this.#db = db
  }

  /** Newest first. */
  async listRuns(): Promise<readonly ListedRun[]> {
    const asked = `${argument('layer')} AS layer, ${argument('partOf')} AS part_of`
    const rows = await this.#all(
      `SELECT id, kind, status, started_ms, ended_ms, pid, process, ${asked} FROM runs ORDER BY rowid DESC`,
    )
    return rows.map((row) => ({
      ...summaryOf(row),
      layer: textOf(row['layer']) || null,
      partOf: textOf(row['part_of']) || null,
    }))
  }

  /** Runs that one process has begun since a time, oldest first. */
  async runsOfProcess(pid: number, sinceMs: number): Promise<readonly string[]> {
    const sql = 'SELECT id FROM runs WHERE pid = ? AND started_ms >= ? ORDER BY rowid'
    return (await this.#all(sql, pid, sinceMs)).map((row) => textOf(row['id']))
  }

  /** `name` is an id, an unambiguous beginning of one, or `last`: the newest job, and not one core's part of it. */
  async readRun(name: string): Promise<RunRecord> {
    const id = await this.#findRun(name)
    const [row] = await this.#all('SELECT * FROM runs WHERE id = ?', id)
    if (row === undefined) throw new BenchError('RUN_UNKNOWN', `run ${id} was deleted meanwhile`)
    return { ...summaryOf(row), header: this.#json(row, 'header') as RunHeader, result: this.#json(row, 'result') }
  }

  async readSteps(run: string): Promise<readonly StepRecord[]> {
    return allOf(this.stepPages(run))
  }

  async readFrames(run: string): Promise<readonly FrameRecord[]> {
    return allOf(this.framePages(run))
  }

  async readSamples(run: string): Promise<readonly SampleRecord[]> {
    return allOf(this.samplePages(run))
  }

  /** By pieces, for runs that are large or still running: those behind the place `after`, as a page before told it. */
  async *stepPages(run: string, after = 0): Pages<StepRecord> {
    yield* this.#pages('step', 'steps', run, after, (row) => ({
      step: numberOf(row['step']),
      parent: numberOf(row['parent']),
      name: textOf(row['name']),
      detail: this.#json(row, 'detail'),
      timeNs: numberOf(row['t_ns']),
    }))
  }

  async *framePages(run: string, after = 0): Pages<FrameRecord> {
    yield* this.#pages('rowid', 'frames', run, after, (row) => ({
      seq: numberOf(row['seq']),
      step: numberOf(row['step']),
      timeNs: numberOf(row['t_ns']),
      data: this.#json(row, 'data'),
    }))
  }

  async *samplePages(run: string, after = 0): Pages<SampleRecord> {
    yield* this.#pages('rowid', 'samples', run, after, (row) => ({
      timeNs: numberOf(row['t_ns']),
      quantity: textOf(row['quantity']),
      unit: textOf(row['unit']),
      value: numberOf(row['value']),
      source: textOf(row['source']),
    }))
  }

  /** What `work` reads is of one moment, however much another process writes meanwhile. Only in a journal opened for reading. */
  async snapshot<T>(work: () => Promise<T>): Promise<T> {
    await this.#all('BEGIN')
    try {
      return await work()
    } finally {
      await this.#all('COMMIT')
    }
  }

  async readBlob(sha256: string): Promise<Uint8Array> {
    const [row] = await this.#all('SELECT CAST(bytes AS BLOB) AS bytes FROM blobs WHERE sha256 = ?', sha256)
    const bytes = row?.['bytes']
    if (!(bytes instanceof Uint8Array))
      throw this.#damaged(`holds no blob ${sha256}. Use a copy of the journal that does`)
    const actual = createHash('sha256').update(bytes).digest('hex')
    if (actual !== sha256) throw this.#damaged(`blob ${sha256} was changed: its bytes now hash to ${actual}`)
    return bytes
  }

  /** The conversations of a run, to replay them. */
  async readWires(name: string): Promise<RunRecording> {
    const run = await this.#findRun(name)
    const { status, startedMs } = await this.readRun(run)
    const steps = await this.#all('SELECT step, name, t_ns FROM steps WHERE run = ?', run)
    return {
      run,
      status,
      startedMs,
      heads: await this.#heads(run),
      steps: new Map(
        steps.map((row) => [numberOf(row['step']), { name: textOf(row['name']), timeNs: numberOf(row['t_ns']) }]),
      ),
      pages: () => this.#wirePages(run),
    }
  }

  /** The newest calibration of a bench file, by the hash of its text. */
  async latestCalibration(benchHash: string): Promise<CalibrationRecord | undefined> {
    const sql = 'SELECT * FROM calibrations WHERE bench_hash = ? ORDER BY rowid DESC LIMIT 1'
    const [row] = await this.#all(sql, benchHash)
    return row === undefined ? undefined : this.#calibrationOf(row)
  }

  /** Throws: CALIBRATION_MISSING. */
  async readCalibration(id: string): Promise<CalibrationRecord> {
    const [row] = await this.#all('SELECT * FROM calibrations WHERE id = ?', id)
    if (row !== undefined) return this.#calibrationOf(row)
    throw new BenchError('CALIBRATION_MISSING', `${this.#file} holds no calibration ${id}`, { context: { id } })
  }

  async #findRun(name: string): Promise<string> {
    const rows = await this.#all(`SELECT id, ${argument('part')} IS NOT NULL AS part FROM runs ORDER BY rowid DESC`)
    const ids = rows.map((row) => textOf(row['id']))
    const [last = ids[0]] = rows.flatMap((row) => (row['part'] === 1 ? [] : [textOf(row['id'])]))
    if (last === undefined) throw new BenchError('RUN_UNKNOWN', `${this.#file} holds no runs yet`)
    if (name === 'last') return last
    if (ids.includes(name)) return name
    const matches = ids.filter((id) => id.startsWith(name))
    const [only, ...others] = matches
    if (only !== undefined && others.length === 0) return only
    const [why, near] =
      only === undefined
        ? [`no run is called "${name}". Did you mean`, nearest(name, ids)]
        : [`${matches.length} runs begin with "${name}":`, matches.slice(0, 5)]
    throw new BenchError('RUN_UNKNOWN', `${why} ${near.join(', ')}${only === undefined ? '?' : ''}`, {
      context: { name, near },
    })
  }

  async #heads(run: string): Promise<ReadonlyMap<string, WireHead>> {
    const [row] = await this.#all('SELECT wires FROM runs WHERE id = ?', run)
    const wires = row === undefined ? null : this.#json(row, 'wires')
    if (wires !== null) return new Map(Object.entries(wires as Record<string, WireHead>))
    // The run did not end by itself: its wires end where the last batch says.
    const heads = await this.#all('SELECT wire, records, crc FROM wire_heads WHERE run = ?', run)
    return new Map(
      heads.map((head) => [textOf(head['wire']), { records: numberOf(head['records']), crc: numberOf(head['crc']) }]),
    )
  }

  async *#pages<T>(
    place: 'rowid' | 'step',
    table: 'steps' | 'frames' | 'samples',
    name: string,
    after: number,
    recordOf: (row: SqlRow) => T,
  ): Pages<T> {
    const run = await this.#findRun(name)
    const sql = `SELECT *, ${place} AS place FROM ${table} WHERE run = ? AND ${place} > ? ORDER BY ${place} LIMIT ${PAGE_ROWS}`
    for (let last = after; ;) {
      const rows = await this.#all(sql, run, last)
      if (rows.length === 0) return
      last = numberOf(rows.at(-1)!['place'])
      yield { records: rows.map(recordOf), after: last }
    }
  }

  async *#wirePages(run: string): AsyncIterableIterator<readonly WireRecord[]> {
    let records = 0
    for (let after = 0; ;) {
      const [row] = await this.#all(SELECT_NEXT_WIRE_BATCH, run, after)
      if (row === undefined) return
      after = numberOf(row['row'])
      const batch = this.#json(row, 'records')
      if (!Array.isArray(batch)) throw this.#damaged(`batch ${after} of the wires' records is no list`)
      const page = wireRecordsOf(batch, bytesOf(row['bytes']), records)
      records += page.length
      yield page
    }
  }

  #calibrationOf(row: SqlRow): CalibrationRecord {
    return {
      id: textOf(row['id']),
      benchHash: textOf(row['bench_hash']),
      chip: textOf(row['chip']),
      createdMs: numberOf(row['created_ms']),
      run: textOf(row['run']),
      record: this.#json(row, 'record'),
    }
  }

  #json(row: SqlRow, column: string): unknown {
    const text = row[column]
    if (text === null || text === undefined) return null
    try {
      return JSON.parse(textOf(text)) as unknown
    } catch (error) {
      throw this.#damaged(`holds a ${column} that is not JSON (${(error as Error).message})`)
    }
  }

  #damaged(what: string): BenchError {
    return new BenchError('JOURNAL_UNREADABLE', `${this.#file}: ${what}`, { context: { file: this.#file } })
  }

  async #all(sql: string, ...values: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    try {
      return await this.#db.inTurn(() => this.#db.all(sql, ...values))
    } catch (error) {
      throw unreadable(this.#file, error)
    }
  }
}

/** SQL of what the header of a run says was asked for. One header that is damaged must not hide all other runs. */
const argument = (name: string): string =>
  `CASE WHEN json_valid(header) THEN json_extract(header, '$.arguments.${name}') END`

async function allOf<T>(pages: Pages<T>): Promise<readonly T[]> {
  const all: T[] = []
  for await (const { records } of pages) all.push(...records)
  return all
}

/** The process that writes a run, as its row names it. */
export function writerOf(row: SqlRow): ProcessIdentity {
  try {
    const rest = JSON.parse(textOf(row['process'])) as Omit<ProcessIdentity, 'pid'>
    return { ...rest, pid: numberOf(row['pid']) }
  } catch (cause) {
    const message = `run ${textOf(row['id'])} does not say which process wrote it: its row was changed or damaged`
    throw new BenchError('JOURNAL_UNREADABLE', message, { cause })
  }
}

function summaryOf(row: SqlRow): RunSummary {
  const status = row['status'] as RunStatus
  return {
    id: textOf(row['id']),
    kind: textOf(row['kind']),
    // A reader cannot mark what it sees; the next writer will.
    status: status === 'running' && !mayBeAlive(writerOf(row)) ? 'interrupted' : status,
    startedMs: numberOf(row['started_ms']),
    endedMs: row['ended_ms'] === null ? null : numberOf(row['ended_ms']),
  }
}

/** Columns have types, but whoever edits a row may ignore them: NaN, then, which equals no number. */
const numberOf = (value: SqlValue | undefined): number => (typeof value === 'number' ? value : NaN)
const textOf = (value: SqlValue | undefined): string => (typeof value === 'string' ? value : '')
const bytesOf = (value: SqlValue | undefined): Uint8Array => (value instanceof Uint8Array ? value : new Uint8Array(0))
