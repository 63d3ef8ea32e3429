import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import { Sqlite } from '../../orchestrator/journal/sqlite.ts'
import { bytesOf, recordsOf, scratchFile, scratchFolder } from './conversation.ts'
import { HEADER } from './journal-pattern.ts'

const clock = new VirtualClock()

async function filledJournal(): Promise<string> {
  const file = await scratchFile()
  await using journal = await Journal.open(file, { clock, mode: 'write' })
  const run = await journal.startRun({ kind: 'demo', header: HEADER })
  const tap = run.tap('laser')
  for (let i = 0; i < 2000; i++) tap.record('tx', bytesOf(`POW ${i}\n`))
  await run.finish('done')
  return file
}

const refusal = (code: string, message: string) => ({ code, message: expect.stringContaining(message) as string })

async function expectRefused(file: string, message: string, modes: readonly ('read' | 'write')[] = ['read', 'write']) {
  for (const mode of modes) {
    await expect(Journal.open(file, { clock, mode }), mode).rejects.toMatchObject(
      refusal('JOURNAL_UNREADABLE', message),
    )
  }
}

test('a journal is closed as one file, without a log beside it', async () => {
  const file = await filledJournal()
  await expect(readFile(`${file}-wal`)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a journal that is not there is made for writing, and asked for when reading', async () => {
  const file = await scratchFile()
  await expectRefused(file, 'is not there. Name a journal that Fringe wrote; a run makes one', ['read'])
  await using journal = await Journal.open(file, { clock, mode: 'write' })
  expect(await journal.listRuns()).toEqual([])
})

test('a journal in a folder that is not there cannot be made', async () => {
  const file = join(await scratchFolder(), 'nowhere', 'bench.db')
  const opening = Journal.open(file, { clock, mode: 'write' })
  await expect(opening).rejects.toMatchObject(refusal('JOURNAL_WRITE_FAILED', 'its folder must exist'))
})

test('an empty file becomes a journal, and is none for reading', async () => {
  const file = await scratchFile()
  await writeFile(file, '')
  await expectRefused(file, 'it is empty', ['read'])
  await using journal = await Journal.open(file, { clock, mode: 'write' })
  expect(await journal.listRuns()).toEqual([])
})

test('a file that is not SQLite, a folder, and a mutilated header are refused', async () => {
  const file = await scratchFile()
  await writeFile(file, 'core: mesh\nlanes: 4\n')
  await expectRefused(file, 'it is not an SQLite file. Name a journal that Fringe wrote')
  const folder = await scratchFolder()
  await mkdir(join(folder, 'sub'))
  await expectRefused(join(folder, 'sub'), 'cannot be read')
  await writeFile(file, `SQLite format 3\0${'x'.repeat(5000)}`)
  await expectRefused(file, 'is not a journal: it is not an SQLite file')
})

test('the SQLite file of another program is refused and left as it was', async () => {
  const file = await scratchFile()
  {
    await using db = await Sqlite.open(file, 'create')
    await db.exec('CREATE TABLE bookmarks (url TEXT)')
  }
  const before = await readFile(file)
  await expectRefused(file, 'is an SQLite file of another program')
  expect(await readFile(file)).toEqual(before)
})

test('a journal of another version is refused, and the message says which Fringe reads it', async () => {
  for (const [version, remedy] of [
    [4, 'Use the newer Fringe that wrote it'],
    [2, 'Use the older Fringe that wrote it'],
  ] as const) {
    const file = await filledJournal()
    {
      await using db = await Sqlite.open(file, 'write')
      await db.exec(`PRAGMA user_version = ${version}`)
    }
    await expectRefused(file, `is a journal of version ${version}, and this Fringe reads version 3. ${remedy}`)
  }
})

test('a journal that was cut short is refused, wherever it was cut', async () => {
  const whole = await readFile(await filledJournal())
  for (const length of [100, 4096, 5000, Math.floor(whole.length / 2), whole.length - 4096]) {
    const file = await scratchFile()
    await writeFile(file, whole)
    await truncate(file, length)
    await expectRefused(file, 'is damaged or cut short')
  }
})

test('a journal with overwritten pages is refused when these are read', async () => {
  const whole = await readFile(await filledJournal())
  const file = await scratchFile()
  whole.fill(0xa5, 8 * 4096)
  await writeFile(file, whole)
  const reading = async (): Promise<void> => {
    await using journal = await Journal.open(file, { clock, mode: 'read' })
    await recordsOf(await journal.readWires('last'))
  }
  await expect(reading()).rejects.toMatchObject(refusal('JOURNAL_UNREADABLE', 'is damaged or cut short'))
})

test('a journal whose tables were removed is refused', async () => {
  const file = await filledJournal()
  {
    await using db = await Sqlite.open(file, 'write')
    await db.exec('DROP TABLE wire_batches')
  }
  await using journal = await Journal.open(file, { clock, mode: 'read' })
  const reading = journal.readWires('last').then(recordsOf)
  await expect(reading).rejects.toMatchObject(refusal('JOURNAL_UNREADABLE', 'does not hold the tables of a journal'))
})

test('objects that are no longer JSON are refused by the name of their column', async () => {
  for (const [column, message] of [
    ['header', 'holds a header that is not JSON'],
    ['process', 'does not say which process wrote it'],
  ] as const) {
    const file = await filledJournal()
    {
      await using db = await Sqlite.open(file, 'write')
      await db.exec(`UPDATE runs SET status = 'running', ${column} = '{'`)
    }
    await using journal = await Journal.open(file, { clock, mode: 'read' })
    await expect(journal.readRun('last')).rejects.toMatchObject(refusal('JOURNAL_UNREADABLE', message))
  }
})
