import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BenchError, isBenchError } from '../../core/errors.ts'

/**
 * Writes a file of which whoever looks sees what was there before, or the whole new one.
 *
 * `write` fills the empty file that it is given.
 * Throws: CALL_INVALID for a place where nothing can be written; EXPORT_FAILED for a disk that is full or fails.
 */
export async function writeWhole(path: string, write: (part: string) => Promise<void>): Promise<void> {
  // In the same folder, because a rename does not cross file systems.
  const part = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`)
  try {
    await (await open(part, 'wx')).close()
    await write(part)
    await synced(part)
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined)
    throw explained(path, error)
  }
}

/** A rename that outlives a power cut must not show an empty file. */
async function synced(part: string): Promise<void> {
  const file = await open(part, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

function explained(path: string, error: unknown): unknown {
  if (isBenchError(error)) return error
  const { code, message } = error as NodeJS.ErrnoException
  // What is no word of the file system is a fault of ours.
  if (code === undefined) return error
  const options = { cause: error, context: { file: path } }
  const misplaced = MISPLACED[code]
  if (misplaced !== undefined) return new BenchError('CALL_INVALID', `${path} ${misplaced}`, options)
  const why = code === 'ENOSPC' ? 'the disk is full' : message
  return new BenchError(
    'EXPORT_FAILED',
    `${path} cannot be written: ${why}. Make room, or choose another disk`,
    options,
  )
}

const MISPLACED: Readonly<Record<string, string>> = {
  ENOENT: 'cannot be written: its folder does not exist; create it first',
  ENOTDIR: 'cannot be written: its folder is a file; give another path',
  EISDIR: 'is a folder; give the path of a file, for example run.npz',
  EACCES: 'cannot be written: this user may not write there; choose another folder',
  EROFS: 'cannot be written: the disk is read-only; choose another folder',
}
