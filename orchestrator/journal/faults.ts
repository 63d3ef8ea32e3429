import { BenchError, isBenchError } from '../../core/errors.ts'

/** What SQLite reports when the file cannot be read as a journal, and what would be right. */
export function unreadable(file: string, cause: unknown): BenchError {
  if (isBenchError(cause)) return cause
  const context = { file, sqlite: sqliteCode(cause) }
  return new BenchError('JOURNAL_UNREADABLE', `${file} ${whyUnreadable(cause)}`, { cause, context })
}

/** What SQLite reports when the journal cannot be written, and what would be right. */
export function writeFailed(file: string, cause: unknown): BenchError {
  if (isBenchError(cause)) return cause
  const context = { file, sqlite: sqliteCode(cause) }
  return new BenchError('JOURNAL_WRITE_FAILED', `${file}: ${whyNotWritten(cause)}`, { cause, context })
}

/** What SQLite reports when a journal cannot be opened for writing: the fault is the file's, or the disk's. */
export function unwritable(file: string, cause: unknown): BenchError {
  const code = sqliteCode(cause)
  return code !== undefined && DISK_FAULTS.includes(code) ? writeFailed(file, cause) : unreadable(file, cause)
}

const DISK_FAULTS: readonly string[] = ['SQLITE_FULL', 'SQLITE_READONLY', 'SQLITE_CANTOPEN', 'SQLITE_IOERR']

function whyUnreadable(cause: unknown): string {
  switch (sqliteCode(cause)) {
    case 'SQLITE_NOTADB':
      return 'is not a journal: it is not an SQLite file. Name a journal that Fringe wrote'
    case 'SQLITE_CORRUPT':
      return `is damaged or cut short (${messageOf(cause)}). Use a copy, or save what is left with: sqlite3 FILE .recover`
    case 'SQLITE_CANTOPEN':
      return 'cannot be opened: the file must exist, and you must be allowed to read it and its folder'
    case 'SQLITE_BUSY':
      return 'is locked by another program. Close that program, then try again'
    case 'SQLITE_ERROR':
      return `does not hold the tables of a journal (${messageOf(cause)}). Name a journal that Fringe wrote`
    default:
      return `cannot be read: ${messageOf(cause)}`
  }
}

function whyNotWritten(cause: unknown): string {
  switch (sqliteCode(cause)) {
    case 'SQLITE_FULL':
      return 'the disk is full. Free some space, or name a journal on another disk'
    case 'SQLITE_READONLY':
      return 'the journal is write-protected. Allow writing to the file and its folder, or name another journal'
    case 'SQLITE_CANTOPEN':
      return 'the journal cannot be written here: its folder must exist, and you must be allowed to write there'
    case 'SQLITE_BUSY':
      return 'another program keeps the journal locked. Close that program, or name another journal'
    case 'SQLITE_IOERR':
      return `the disk failed or is full (${messageOf(cause)}). Name a journal on another disk`
    default:
      return `the journal could not be written: ${messageOf(cause)}`
  }
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

function sqliteCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined
  return typeof cause.code === 'string' ? cause.code : undefined
}
