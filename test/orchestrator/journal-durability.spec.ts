import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { SystemClock } from '../../core/clock.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import type { WireRecord } from '../../orchestrator/journal/records.ts'
import { Sqlite } from '../../orchestrator/journal/sqlite.ts'
import { chain, CHAIN_START } from '../../orchestrator/journal/wire-chain.ts'
import { readRecording, recordsOf, scratchFile } from './conversation.ts'
import { HEADER, PATTERN_WIRES, patternBytes } from './journal-pattern.ts'
import { canMount, ScratchDisk } from './scratch-disk.ts'

const clock = new SystemClock()
const root = new URL('../../', import.meta.url)

/** The records are those of the pattern, from the first on without a gap; returns how many. */
function requirePattern(records: readonly WireRecord[]): number {
  const crcs = new Map(PATTERN_WIRES.map((wire) => [wire, CHAIN_START]))
  for (const [index, record] of records.entries()) {
    const wire = PATTERN_WIRES[index % PATTERN_WIRES.length] ?? ''
    const bytes = patternBytes(index)
    const direction = index % 2 === 0 ? 'tx' : 'rx'
    const crc = chain(crcs.get(wire) ?? NaN, direction, { bytes, packedFrom: 0 })
    crcs.set(wire, crc)
    const same =
      Buffer.compare(record.bytes, bytes) === 0 && record.seq === Math.floor(index / PATTERN_WIRES.length) + 1
    if (!same || record.wire !== wire || record.direction !== direction || record.crc !== crc) {
      throw new Error(`record ${index} is ${JSON.stringify(record)}`)
    }
  }
  return records.length
}

async function requireIntact(file: string): Promise<void> {
  await using db = await Sqlite.open(file, 'read')
  expect(await db.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
}

/** A journalling process; `lines` is what it says. `limit` is the largest file it may write, in blocks of the shell. */
function spawnWriter(file: string, records: number, limit = 'unlimited') {
  const script = `ulimit -f ${limit}; exec "$0" --import ./test/support/typescript-loader.mjs test/orchestrator/journal-child.ts "$@"`
  const child = spawn('/bin/sh', ['-c', script, process.execPath, file, String(records)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return { child, lines: createInterface({ input: child.stdout }) }
}

async function saidBy(writer: ReturnType<typeof spawnWriter>): Promise<string[]> {
  const said: string[] = []
  for await (const line of writer.lines) said.push(line)
  return said
}

test('100 000 records of all lengths read back as they were recorded', async () => {
  const file = await scratchFile()
  await using journal = await Journal.open(file, { clock, mode: 'write' })
  const run = await journal.startRun({ kind: 'demo', header: HEADER })
  const taps = PATTERN_WIRES.map((wire) => run.tap(wire))
  const times: number[] = []
  for (let record = 0; record < 100_000; record++) {
    const tap = taps[record % taps.length]!
    tap.cause = record >> 4
    times.push(run.timeNs)
    tap.record(record % 2 === 0 ? 'tx' : 'rx', patternBytes(record))
    if (record % 1000 === 0) await run.ready()
  }
  await run.finish('done')
  const records = await recordsOf(await journal.readWires(run.id))
  expect(requirePattern(records)).toBe(100_000)
  expect(records.every(({ step }, index) => step === index >> 4)).toBe(true)
  // Each was stamped between the two readings of the clock around it.
  expect(records.every(({ timeNs }, i) => timeNs >= times[i]! && timeNs <= (times[i + 1] ?? Infinity))).toBe(true)
})

test('every direction, an empty record and one of a megabyte keep their bytes', async () => {
  const file = await scratchFile()
  await using journal = await Journal.open(file, { clock, mode: 'write' })
  const run = await journal.startRun({ kind: 'demo', header: HEADER })
  const tap = run.tap('awg')
  const upload = Buffer.alloc(1 << 20, 'waveform')
  tap.record('tx', upload)
  upload.fill(0)
  tap.cause = 123_456_789
  tap.record('rx', new Uint8Array(0))
  tap.record('ctl', Buffer.from('resynchronise'))
  tap.record('err', Buffer.from('timeout'))
  await run.flush()
  const records = await recordsOf(await journal.readWires(run.id))
  expect(records.map(({ direction, step }) => [direction, step])).toEqual([
    ['tx', 0],
    ['rx', 123_456_789],
    ['ctl', 123_456_789],
    ['err', 123_456_789],
  ])
  expect(records.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual([
    'waveform'.repeat(1 << 17),
    '',
    'resynchronise',
    'timeout',
  ])
})

test('a process killed in the middle of writing loses nothing that was acknowledged, and its run is interrupted', async () => {
  const file = await scratchFile()
  const writer = spawnWriter(file, 1e9)
  let run = ''
  let acknowledged = 0
  for await (const line of writer.lines) {
    if (run === '') run = line
    else acknowledged = Number(line)
    if (acknowledged === 10_000) writer.child.kill('SIGKILL')
  }
  expect(acknowledged).toBeGreaterThanOrEqual(10_000)
  // Somebody who only reads sees it, too, before any writer has marked it.
  {
    await using journal = await Journal.open(file, { clock, mode: 'read' })
    expect(await journal.readRun(run)).toMatchObject({ status: 'interrupted', endedMs: null })
  }
  await using journal = await Journal.open(file, { clock, mode: 'write' })
  expect(await journal.listRuns()).toMatchObject([{ id: run, status: 'interrupted' }])
  const recording = await journal.readWires(run)
  const stored = requirePattern(await recordsOf(recording))
  expect(stored).toBeGreaterThanOrEqual(acknowledged)
  const ends = [...recording.heads.values()].reduce((sum, head) => sum + head.records, 0)
  expect(ends).toBe(stored)
  expect((await journal.readSteps(run)).length).toBeGreaterThanOrEqual(acknowledged / 250)
  await requireIntact(file)
  await using db = await Sqlite.open(file, 'read')
  expect(await db.all('SELECT status FROM runs')).toEqual([{ status: 'interrupted' }])
})

test('a run is not taken for interrupted while its process lives', async () => {
  const file = await scratchFile()
  const writer = spawnWriter(file, 1e9)
  const [run] = (await once(writer.lines, 'line')) as [string]
  await using journal = await Journal.open(file, { clock, mode: 'write' })
  expect(await journal.readRun(run)).toMatchObject({ status: 'running' })
  writer.child.kill('SIGKILL')
  await once(writer.child, 'exit')
  expect(await journal.readRun(run)).toMatchObject({ status: 'interrupted' })
})

test('a run whose process number now belongs to another process is interrupted', async () => {
  const file = await scratchFile()
  await using journal = await Journal.open(file, { clock, mode: 'write' })
  const run = await journal.startRun({ kind: 'demo', header: HEADER })
  expect(await journal.readRun(run.id)).toMatchObject({ status: 'running' })
  await using db = await Sqlite.open(file, 'write')
  await db.exec(`UPDATE runs SET process = json_set(process, '$.start', '1')`)
  await using _later = await Journal.open(file, { clock, mode: 'write' })
  expect(await db.all('SELECT status FROM runs')).toEqual([{ status: 'interrupted' }])
})

test('a run on another host, whose processes cannot be seen from here, is left alone', async () => {
  const file = await scratchFile()
  await using journal = await Journal.open(file, { clock, mode: 'write' })
  await journal.startRun({ kind: 'demo', header: HEADER })
  await using db = await Sqlite.open(file, 'write')
  await db.exec(`UPDATE runs SET process = json_set(process, '$.host', 'elsewhere', '$.start', '1')`)
  await using later = await Journal.open(file, { clock, mode: 'write' })
  expect(await later.readRun('last')).toMatchObject({ status: 'running' })
})

test('two processes and a reader share one journal', async () => {
  const file = await scratchFile()
  const writers = [spawnWriter(file, 20_000), spawnWriter(file, 20_000)]
  const saying = Promise.all(writers.map(saidBy))
  await Promise.all(writers.map(({ lines }) => once(lines, 'line')))
  await using reader = await Journal.open(file, { clock, mode: 'read' })
  let reads = 0
  const finished = (): boolean => writers.every(({ child }) => child.exitCode !== null)
  while (!finished()) {
    for (const { id } of await reader.listRuns()) requirePattern(await recordsOf(await reader.readWires(id)))
    reads++
  }
  expect(reads).toBeGreaterThan(0)
  for (const said of await saying) {
    expect(said.at(-1)).toBe('done')
    expect(requirePattern(await recordsOf(await reader.readWires(said[0] ?? '')))).toBe(20_000)
  }
  await requireIntact(file)
})

test('two runs of one process are written at once and kept apart', async () => {
  const file = await scratchFile()
  {
    await using journal = await Journal.open(file, { clock, mode: 'write' })
    const runs = [
      await journal.startRun({ kind: 'first', header: HEADER }),
      await journal.startRun({ kind: 'second', header: HEADER }),
    ]
    const taps = runs.map((run) => PATTERN_WIRES.map((wire) => run.tap(wire)))
    for (let record = 0; record < 5000; record++) {
      for (const tap of taps) tap[record % 3]!.record(record % 2 === 0 ? 'tx' : 'rx', patternBytes(record))
      if (record % 100 === 0) await Promise.all(runs.map((run) => run.flush()))
    }
    await Promise.all(runs.map((run) => run.finish('done')))
    for (const run of runs) expect(requirePattern(await recordsOf(await journal.readWires(run.id)))).toBe(5000)
  }
  expect(requirePattern(await recordsOf(await readRecording(file)))).toBe(5000)
})

/** The process ended because its journal failed, and said so; all that it had been acknowledged is there. */
async function requireStoppedBy(writer: ReturnType<typeof spawnWriter>, file: string): Promise<void> {
  const said = await saidBy(writer)
  expect(said.at(-1)).toBe('JOURNAL_WRITE_FAILED')
  const acknowledged = Number(said.at(-2))
  expect(acknowledged).toBeGreaterThan(0)
  const stored = requirePattern(await recordsOf(await readRecording(file)))
  expect(stored).toBeGreaterThanOrEqual(acknowledged)
  await requireIntact(file)
}

test('a journal that may not grow stops the run at the next flush and keeps what was acknowledged', async () => {
  const file = await scratchFile()
  await requireStoppedBy(spawnWriter(file, 1e9, '4096'), file)
})

test.skipIf(!canMount)(
  'a full disk stops the run, and the message says so (needs the right to mount one)',
  async () => {
    await using disk = await ScratchDisk.create(2)
    await using journal = await Journal.open(join(disk.folder, 'bench.db'), { clock, mode: 'write' })
    const run = await journal.startRun({ kind: 'demo', header: HEADER })
    const tap = run.tap('laser')
    const fill = async (): Promise<void> => {
      for (;;) {
        for (let i = 0; i < 100; i++) tap.record('tx', patternBytes(96))
        await run.flush()
      }
    }
    const full = { code: 'JOURNAL_WRITE_FAILED', message: expect.stringContaining('the disk is full') as string }
    await expect(fill()).rejects.toMatchObject(full)
    // The bench must still be made safe over this wire.
    tap.record('tx', patternBytes(1))
    expect(() => run.step('next')).toThrow(expect.objectContaining(full))
    await expect(run.ready()).rejects.toMatchObject(full)
    await expect(run.finish('done')).rejects.toMatchObject(full)
    const header = { ...HEADER, arguments: 'x'.repeat(1 << 21) }
    await expect(journal.startRun({ kind: 'demo', header })).rejects.toMatchObject(full)
  },
)

test.skipIf(!canMount)('a journal on a write-protected disk can be read (needs the right to mount one)', async () => {
  await using disk = await ScratchDisk.create(2)
  const file = join(disk.folder, 'bench ü.db')
  {
    await using journal = await Journal.open(file, { clock, mode: 'write' })
    const run = await journal.startRun({ kind: 'demo', header: HEADER })
    await run.finish('done')
  }
  disk.protect()
  await using journal = await Journal.open(file, { clock, mode: 'read' })
  expect(await journal.listRuns()).toMatchObject([{ kind: 'demo', status: 'done' }])
  await expect(Journal.open(file, { clock, mode: 'write' })).rejects.toMatchObject({ code: 'JOURNAL_WRITE_FAILED' })
})
