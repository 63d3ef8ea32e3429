import fc from 'fast-check'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import type { WireDirection } from '../../core/transport.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import type { WireRecord } from '../../orchestrator/journal/records.ts'
import { chain, CHAIN_START } from '../../orchestrator/journal/wire-chain.ts'
import { recordStarts, WireRows, wireRecordsOf } from '../../orchestrator/journal/wire-rows.ts'
import { Sqlite } from '../../orchestrator/journal/sqlite.ts'
import { scratchFile } from './conversation.ts'
import { HEADER } from './journal-pattern.ts'

/** Some stretches of one code each, as a generator takes them. */
const uploads = fc
  .tuple(fc.uint8Array({ maxLength: 20 }), fc.array(fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 900 }))))
  .map(([head, stretches]) =>
    Buffer.concat([head, ...stretches.map(([code, length]) => new Uint8Array(length).fill(code))]),
  )

const record = fc.record({
  wire: fc.constantFrom('laser', 'pm "0"', 'Österreich', '温度\\'),
  direction: fc.constantFrom<WireDirection>('tx', 'rx', 'ctl', 'err'),
  seq: fc.integer({ min: 1, max: 2 ** 31 }),
  timeNs: fc.maxSafeNat(),
  step: fc.nat(),
  bytes: fc.oneof(fc.uint8Array({ maxLength: 40 }), uploads),
  crc: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
})

test('any batch of records is JSON that gives them back, also after the batch before was cleared', () => {
  const rows = new WireRows()
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 30 }), (records) => {
      rows.clear()
      for (const { wire, direction, seq, timeNs, step, bytes, crc } of records) {
        rows.add(recordStarts(wire)[direction], seq, timeNs, step, rows.keep(bytes), crc)
      }
      expect(rows.count).toBe(records.length)
      const read = wireRecordsOf(JSON.parse(Buffer.from(rows.records).toString()) as unknown[], rows.bytes, 100)
      expect(read.map(({ kept: _, ...each }) => ({ ...each, bytes: Array.from(each.bytes) }))).toEqual(
        records.map((each, index) => ({ ...each, row: 101 + index, bytes: Array.from(each.bytes) })),
      )
      const keptBytes = read.reduce((sum, { kept }) => sum + kept.bytes.length, 0)
      expect(keptBytes).toBe(rows.bytes.length)
    }),
  )
})

/** A journal with one run, some records on two wires in several batches. */
async function journalOf(clock: VirtualClock): Promise<{ file: string; said: readonly (readonly unknown[])[] }> {
  const file = await scratchFile()
  await using journal = await Journal.open(file, { clock, mode: 'write' })
  const run = await journal.startRun({ kind: 'talk', header: HEADER })
  const said: (readonly unknown[])[] = []
  for (let seq = 1; seq <= 6; seq++) {
    for (const wire of ['laser', 'oven "B"']) {
      const direction = seq % 2 === 0 ? 'rx' : 'tx'
      const bytes = new Uint8Array(seq - 1).fill(seq)
      run.tap(wire).record(direction, bytes)
      said.push([wire, direction, seq, Array.from(bytes)])
    }
    await run.flush()
  }
  await run.finish('done')
  return { file, said }
}

test('the view `wire` shows every record as a row of its own', async () => {
  const { file, said } = await journalOf(new VirtualClock())
  await using db = await Sqlite.open(file, 'read')
  const rows = await db.all('SELECT * FROM wire')
  // The binding gives an empty blob as null.
  expect(rows.map(({ wire, dir, seq, bytes }) => [wire, dir, seq, Array.from((bytes ?? []) as Uint8Array)])).toEqual(
    said,
  )
  expect(await db.all('SELECT DISTINCT typeof(bytes) AS type FROM wire')).toEqual([{ type: 'blob' }])
  expect(Object.keys(rows[0]!)).toEqual(['run', 'wire', 'seq', 't_ns', 'dir', 'step', 'bytes', 'crc', 'packed_from'])
  expect(rows.every((row) => typeof row['t_ns'] === 'number' && typeof row['crc'] === 'number')).toBe(true)
})

test('an upload is kept packed, says how long it was, and is covered by its checksum', async () => {
  const file = await scratchFile()
  const upload = Buffer.concat([Buffer.from('#6160000'), ...[3, -7, 100].map((code) => Buffer.alloc(50_000, code))])
  {
    await using journal = await Journal.open(file, { clock: new VirtualClock(), mode: 'write' })
    const run = await journal.startRun({ kind: 'talk', header: HEADER })
    run.tap('awg').record('tx', upload)
    await run.finish('done')
  }
  await using journal = await Journal.open(file, { clock: new VirtualClock(), mode: 'read' })
  const [record] = (await (await journal.readWires('last')).pages().next()).value as readonly WireRecord[]
  expect(Buffer.compare(record!.bytes, upload)).toBe(0)
  expect(record!.crc).toBe(chain(CHAIN_START, 'tx', record!.kept))
  expect(chain(CHAIN_START, 'tx', { ...record!.kept, packedFrom: upload.length - 1 })).not.toBe(record!.crc)
  await using db = await Sqlite.open(file, 'read')
  const [row] = await db.all('SELECT length(bytes) AS kept, packed_from FROM wire')
  expect(row).toMatchObject({ packed_from: upload.length })
  expect(row!['kept']).toBeLessThan(60)
})

test.each([
  [`'not JSON'`, 'holds a records that is not JSON'],
  [`'{"a": 1}'`, 'batch 2 of the wires'],
])('records edited into %s are refused', async (records, message) => {
  const { file } = await journalOf(new VirtualClock())
  {
    await using db = await Sqlite.open(file, 'write')
    await db.exec(`UPDATE wire_batches SET records = ${records} WHERE rowid = 2`)
  }
  await using journal = await Journal.open(file, { clock: new VirtualClock(), mode: 'read' })
  const recording = await journal.readWires('last')
  const reading = async (): Promise<void> => {
    for await (const page of recording.pages()) expect(page).not.toHaveLength(0)
  }
  await expect(reading()).rejects.toMatchObject({
    code: 'JOURNAL_UNREADABLE',
    message: expect.stringContaining(message) as string,
  })
})
