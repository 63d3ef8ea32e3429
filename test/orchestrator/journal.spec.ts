import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { withStep } from '../../core/step-context.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import type { RunWriter } from '../../orchestrator/journal/run-writer.ts'
import { Sqlite } from '../../orchestrator/journal/sqlite.ts'
import { bytesOf, recordsOf, scratchFile } from './conversation.ts'
import { HEADER } from './journal-pattern.ts'

const AUGUST = Date.UTC(2026, 7, 1, 14, 30, 5)

async function withJournal<T>(work: (journal: Journal, clock: VirtualClock) => Promise<T>): Promise<T> {
  const clock = new VirtualClock(AUGUST)
  await using journal = await Journal.open(await scratchFile(), { clock, mode: 'write' })
  return await work(journal, clock)
}

const startRun = (journal: Journal, kind = 'matmul'): Promise<RunWriter> => journal.startRun({ kind, header: HEADER })

test('a run reads back as it was written: header, steps, frames, samples and result', () =>
  withJournal(async (journal, clock) => {
    const run = await startRun(journal)
    clock.moveTo(1e9)
    const outer = run.step('multiply', { tiles: 4 })
    withStep(outer, () => {
      clock.moveTo(2e9)
      const inner = run.step('frame 1')
      withStep(inner, () => run.frame({ nrmse: 0.0123, symbols: 128 }))
    })
    run.sample({ quantity: 'electrical power', unit: 'W', value: 118.6, source: 'mains' })
    clock.moveTo(3e9)
    await run.finish('done', { nrmse: 0.0123 })

    expect(await journal.readRun('last')).toEqual({
      id: '20260801-143005-01',
      kind: 'matmul',
      status: 'done',
      startedMs: AUGUST,
      endedMs: AUGUST + 3000,
      header: HEADER,
      result: { nrmse: 0.0123 },
    })
    expect(await journal.readSteps('last')).toEqual([
      { step: 1, parent: 0, name: 'multiply', detail: { tiles: 4 }, timeNs: 1e9 },
      { step: 2, parent: 1, name: 'frame 1', detail: null, timeNs: 2e9 },
    ])
    expect(await journal.readFrames('last')).toEqual([
      { seq: 1, step: 2, timeNs: 2e9, data: { nrmse: 0.0123, symbols: 128 } },
    ])
    expect(await journal.readSamples('last')).toEqual([
      { timeNs: 2e9, quantity: 'electrical power', unit: 'W', value: 118.6, source: 'mains' },
    ])
  }))

test('samples come back to the last bit', () =>
  withJournal(async (journal) => {
    const run = await startRun(journal)
    // Some of these lose their last bit on the way through decimal text in SQLite.
    const values = Array.from({ length: 2000 }, (_, i) => Math.sin(i) * 10 ** ((i % 40) - 20))
    for (const value of [...values, 0, 5, Number.MAX_VALUE, Number.MIN_VALUE]) {
      run.sample({ quantity: 'power', unit: 'mW', value, source: 'meter' })
    }
    await run.flush()
    const samples = await journal.readSamples(run.id)
    expect(samples.map(({ value }) => value)).toEqual([...values, 0, 5, Number.MAX_VALUE, Number.MIN_VALUE])
  }))

test('what was not known at the start completes the header', () =>
  withJournal(async (journal) => {
    const run = await startRun(journal)
    const identity = { maker: 'Acme', model: 'TL100', serial: '7', firmware: '1.0' }
    const laser = { name: 'laser', driver: 'acme-tl100', resource: 'ASRL/dev/ttyUSB0::INSTR', identity, settings: {} }
    await run.amendHeader({ instruments: [laser], calibrations: ['cal-20260801-140000-01'] })
    const { header } = await journal.readRun(run.id)
    expect(header).toEqual({ ...HEADER, instruments: [laser], calibrations: ['cal-20260801-140000-01'] })
  }))

test('bytes are kept once under their hash', () =>
  withJournal(async (journal) => {
    const run = await startRun(journal)
    const reused = Buffer.from('first')
    const sha256 = run.blob(reused)
    reused.fill(0)
    expect(sha256).toBe(createHash('sha256').update('first').digest('hex'))
    expect(run.blob(bytesOf('first'))).toBe(sha256)
    const empty = run.blob(bytesOf(''))
    await run.flush()
    expect(Buffer.from(await journal.readBlob(sha256)).toString()).toBe('first')
    expect(await journal.readBlob(empty)).toHaveLength(0)
  }))

test('a blob that was changed or is missing is refused by its name', async () => {
  const file = await scratchFile()
  const clock = new VirtualClock(AUGUST)
  let sha256 = ''
  {
    await using journal = await Journal.open(file, { clock, mode: 'write' })
    const run = await startRun(journal)
    sha256 = run.blob(bytesOf('first'))
    await run.finish('done')
  }
  {
    await using db = await Sqlite.open(file, 'write')
    await db.exec(`UPDATE blobs SET bytes = 'First'`)
  }
  await using journal = await Journal.open(file, { clock, mode: 'read' })
  for (const name of [sha256, '00']) {
    const refusal = { code: 'JOURNAL_UNREADABLE', message: expect.stringContaining(`blob ${name}`) as string }
    await expect(journal.readBlob(name)).rejects.toMatchObject(refusal)
  }
})

test('the newest calibration of a bench is found by the hash of its file, any other by its name', () =>
  withJournal(async (journal, clock) => {
    const run = await startRun(journal, 'calibrate')
    const first = await run.calibration({ benchHash: 'b3', chip: 'chip-7', record: { residual: 0.02 } })
    clock.moveTo(60e9)
    const second = await run.calibration({ benchHash: 'b3', chip: 'chip-7', record: { residual: 0.01 } })
    await run.calibration({ benchHash: 'b4', chip: 'chip-8', record: { residual: 0.5 } })
    expect([first, second]).toEqual(['cal-20260801-143005-01', 'cal-20260801-143105-01'])
    const record = { id: second, benchHash: 'b3', chip: 'chip-7', createdMs: AUGUST + 60_000, run: run.id }
    expect(await journal.latestCalibration('b3')).toEqual({ ...record, record: { residual: 0.01 } })
    expect(await journal.readCalibration(first)).toMatchObject({ record: { residual: 0.02 } })
    expect(await journal.latestCalibration('b5')).toBeUndefined()
    await expect(journal.readCalibration('cal-0')).rejects.toMatchObject({ code: 'CALIBRATION_MISSING' })
  }))

test('runs are named after the second in which they began, counted within it, and sort by time', () =>
  withJournal(async (journal, clock) => {
    const ids: string[] = []
    for (let i = 0; i < 12; i++) ids.push((await startRun(journal)).id)
    clock.moveTo(1e9)
    ids.push((await startRun(journal)).id)
    expect(ids.slice(0, 2)).toEqual(['20260801-143005-01', '20260801-143005-02'])
    expect(ids.at(-1)).toBe('20260801-143006-01')
    expect(ids).toEqual(ids.toSorted())
    expect((await journal.listRuns()).map(({ id }) => id)).toEqual(ids.toReversed())
  }))

test('a run is found by its name, by a beginning that fits no other, and as the last', () =>
  withJournal(async (journal, clock) => {
    await startRun(journal, 'calibrate')
    clock.moveTo(86_400e9)
    await startRun(journal, 'matmul')
    expect(await journal.readRun('20260801-143005-01')).toMatchObject({ kind: 'calibrate' })
    expect(await journal.readRun('20260801')).toMatchObject({ kind: 'calibrate' })
    expect(await journal.readRun('20260802-1')).toMatchObject({ kind: 'matmul' })
    expect(await journal.readRun('last')).toMatchObject({ kind: 'matmul' })
  }))

test('an unknown or ambiguous name is answered with the names that are near', () =>
  withJournal(async (journal, clock) => {
    await expect(journal.readRun('last')).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
    await startRun(journal)
    clock.moveTo(86_400e9)
    await startRun(journal)
    await expect(journal.readRun('2026081-1430')).rejects.toMatchObject({
      code: 'RUN_UNKNOWN',
      message: 'no run is called "2026081-1430". Did you mean 20260801-143005-01, 20260802-143005-01?',
    })
    await expect(journal.readRun('202608')).rejects.toMatchObject({
      code: 'RUN_UNKNOWN',
      message: '2 runs begin with "202608": 20260802-143005-01, 20260801-143005-01',
    })
  }))

test('what JSON would alter in silence is refused, and the refusal says where it was', () =>
  withJournal(async (journal) => {
    const run = await startRun(journal)
    const refused: [unknown, string][] = [
      [{ count: 5n }, 'count is the BigInt 5'],
      [{ tiles: [1, NaN] }, 'tiles[1] is NaN'],
      [{ loss: -Infinity }, 'loss is -Infinity'],
      [{ codes: new Int8Array(2) }, 'codes is a Int8Array'],
      [{ at: new Date(0) }, 'at is a Date'],
      [{ map: new Map() }, 'map is a Map'],
      [[undefined], '[0] is of type undefined'],
      [{ f: () => 1 }, 'f is of type function'],
    ]
    for (const [value, why] of refused) {
      const refusal: unknown = expect.objectContaining({
        code: 'CALL_INVALID',
        message: expect.stringContaining(why) as string,
      })
      expect(() => run.step('x', value)).toThrow(refusal)
      expect(() => run.frame(value)).toThrow(refusal)
      await expect(run.calibration({ benchHash: 'b', chip: 'c', record: value })).rejects.toEqual(refusal)
      await expect(run.finish('done', value)).rejects.toEqual(refusal)
      const header = { ...HEADER, arguments: value }
      await expect(journal.startRun({ kind: 'demo', header })).rejects.toEqual(refusal)
    }
    for (const value of [NaN, Infinity, 5n as unknown as number]) {
      const sample = { quantity: 'power', unit: 'W', value, source: 'mains' }
      expect(() => run.sample(sample)).toThrow(expect.objectContaining({ code: 'CALL_INVALID' }))
    }
    // The run is none the worse for it; a property that is undefined is left out, as everywhere.
    run.step('y', { kept: 1, left: undefined })
    await run.finish('done', [null, true, 'text', -1.5e-300])
    expect(await journal.readSteps(run.id)).toMatchObject([{ name: 'y', detail: { kept: 1 } }])
    expect(await journal.readRun(run.id)).toMatchObject({ result: [null, true, 'text', -1.5e-300] })
  }))

test('no BigInt, NaN, undefined or empty blob reaches SQLite, which would store NULL', async () => {
  await using db = await Sqlite.open(await scratchFile(), 'create')
  for (const value of [5n, NaN, undefined, true, {}, new Uint8Array(0)]) {
    await expect(db.run('SELECT ?', value as unknown as number)).rejects.toMatchObject({ code: 'CALL_INVALID' })
  }
})

test('a wire needs a name without blanks at its ends', () =>
  withJournal(async (journal) => {
    const run = await startRun(journal)
    for (const name of ['', ' laser', 'laser ']) expect(() => run.tap(name)).toThrow('cannot name a wire')
    expect(run.tap('laser')).toBe(run.tap('laser'))
  }))

test('after its end a run takes nothing more, and late bytes belong to no run', () =>
  withJournal(async (journal) => {
    const run = await startRun(journal)
    const tap = run.tap('laser')
    tap.record('tx', bytesOf('a'))
    await run.finish('done')
    tap.record('rx', bytesOf('b'))
    for (const late of [() => run.step('x'), () => run.frame({}), () => run.blob(bytesOf('b'))]) {
      expect(late).toThrow(`run ${run.id} has ended`)
    }
    await expect(run.finish('failed')).rejects.toMatchObject({ code: 'CALL_INVALID' })
    await startRun(journal).then((next) => next.finish('done'))
    await run.flush()
    const recording = await journal.readWires(run.id)
    expect(recording.heads.get('laser')?.records).toBe(1)
    expect(await recordsOf(recording)).toHaveLength(1)
  }))

test('a run that nobody finished is interrupted when the journal closes, and keeps what it said', async () => {
  const file = await scratchFile()
  const clock = new VirtualClock(AUGUST)
  {
    await using journal = await Journal.open(file, { clock, mode: 'write' })
    const run = await startRun(journal)
    run.step('half way')
  }
  await using journal = await Journal.open(file, { clock, mode: 'read' })
  expect(await journal.readRun('last')).toMatchObject({ status: 'interrupted' })
  expect(await journal.readSteps('last')).toMatchObject([{ name: 'half way' }])
})

test('a journal that was opened for reading starts no run', async () => {
  const file = await scratchFile()
  const clock = new VirtualClock(AUGUST)
  await (await Journal.open(file, { clock, mode: 'write' }))[Symbol.asyncDispose]()
  await using journal = await Journal.open(file, { clock, mode: 'read' })
  await expect(startRun(journal)).rejects.toMatchObject({ code: 'CALL_INVALID' })
})
