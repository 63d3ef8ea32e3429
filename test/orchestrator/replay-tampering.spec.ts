import { beforeAll, expect, test } from 'vitest'
import { isBenchError } from '../../core/errors.ts'
import { WireSession } from '../../drivers/transports/session.ts'
import type { RunRecording, WireRecord } from '../../orchestrator/journal/records.ts'
import { chain, CHAIN_START } from '../../orchestrator/journal/wire-chain.ts'
import { Player } from '../../orchestrator/replay/player.ts'
import { bytesOf, converse, line, liveWire, readRecording, recordRun, recordsOf } from './conversation.ts'
import { scratchFile, textOf, withRecords } from './conversation.ts'

let recording: RunRecording
let records: readonly WireRecord[]

beforeAll(async () => {
  const file = await scratchFile()
  await recordRun(file, (run) => converse(liveWire(run, 'laser')))
  recording = await readRecording(file)
  records = await recordsOf(recording)
})

/** What the player says of this recording after the same program ran on it; undefined when all was the same. */
async function verdict(changed: RunRecording): Promise<{ record: number; message: string } | undefined> {
  await using player = await Player.open(changed)
  await converse(player.wire('laser')).catch(() => undefined)
  try {
    await player.finish()
  } catch (error) {
    if (!isBenchError(error, 'REPLAY_DIVERGED')) throw error
    expect(player.divergence).toBe(error)
    return { record: Number(error.context['record']), message: error.message }
  }
  return undefined
}

const withChanged = (index: number, change: Partial<WireRecord>): RunRecording =>
  withRecords(
    recording,
    records.map((record, i) => (i === index ? { ...record, ...change } : record)),
  )

/** Checksums and numbers made right again, as by somebody who knows how. */
function resealed(changed: readonly WireRecord[]): RunRecording {
  let crc = CHAIN_START
  const sealed = changed.map((record, i) => {
    crc = chain(crc, record.direction, record.kept)
    return { ...record, seq: i + 1, crc }
  })
  return { ...withRecords(recording, sealed), heads: new Map([['laser', { records: sealed.length, crc }]]) }
}

const withBytes = (bytes: Uint8Array): Pick<WireRecord, 'bytes' | 'kept'> => ({ bytes, kept: { bytes, packedFrom: 0 } })

function flipped(bytes: Uint8Array, at: number, mask: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at] = copy[at]! ^ mask
  return copy
}

test('an untouched recording matches', async () => {
  expect(records.map(({ direction }) => direction)).toContain('ctl')
  expect(await verdict(recording)).toBeUndefined()
})

test('every byte of every record, changed by a single bit or altogether, is noticed at that record', async () => {
  for (const [index, record] of records.entries()) {
    for (let at = 0; at < record.bytes.length; at++) {
      for (const mask of [1, 0x80, 0xff]) {
        const found = await verdict(withChanged(index, withBytes(flipped(record.bytes, at, mask))))
        expect(found?.record, `byte ${at} of record ${index + 1}`).toBe(index + 1)
      }
    }
  }
})

test('a reply that any parser would forgive is noticed: a space behind a number', async () => {
  const index = records.findIndex(({ bytes }) => textOf(bytes) === '5\n')
  const found = await verdict(withChanged(index, withBytes(bytesOf('5 \n'))))
  expect(found?.message).toContain('wire "laser", record 6, step 2 "set power"')
  expect(found?.message).toContain('the journal was changed')
})

test('a byte more or a byte less is noticed', async () => {
  for (const [index, { bytes }] of records.entries()) {
    expect((await verdict(withChanged(index, withBytes(Buffer.concat([bytes, bytesOf(' ')])))))?.record).toBe(index + 1)
    expect((await verdict(withChanged(index, withBytes(bytes.slice(0, -1)))))?.record).toBe(index + 1)
  }
})

test('a changed direction, number or checksum is noticed', async () => {
  for (const [index, { direction, seq, crc }] of records.entries()) {
    for (const other of ['tx', 'rx', 'ctl', 'err', 'RX', ''].filter((name) => name !== direction)) {
      expect(await verdict(withChanged(index, { direction: other })), `${direction} to ${other}`).toBeDefined()
    }
    expect(await verdict(withChanged(index, { seq: seq + 1 }))).toBeDefined()
    expect(await verdict(withChanged(index, { seq: NaN }))).toBeDefined()
    expect(await verdict(withChanged(index, { crc: crc ^ 1 }))).toBeDefined()
    expect(await verdict(withChanged(index, { crc: NaN }))).toBeDefined()
  }
})

test('a dropped record is noticed, wherever it was', async () => {
  for (const index of records.keys()) {
    expect(await verdict(withRecords(recording, records.toSpliced(index, 1))), `record ${index + 1}`).toBeDefined()
  }
})

test('a recording cut short is noticed, wherever it was cut', async () => {
  for (const length of records.keys()) {
    const found = await verdict(withRecords(recording, records.slice(0, length)))
    expect(found?.message, `after ${length}`).toContain(`record ${length + 1} of ${records.length} is missing`)
  }
})

test('two records exchanged are noticed, with their numbers or without', async () => {
  for (let index = 0; index + 1 < records.length; index++) {
    const [first, second] = [records[index]!, records[index + 1]!]
    const rows = records.toSpliced(index, 2, second, first)
    expect(await verdict(withRecords(recording, rows)), `rows ${index + 1}`).toBeDefined()
    const contents = records.toSpliced(
      index,
      2,
      { ...first, direction: second.direction, ...withBytes(second.bytes) },
      { ...second, direction: first.direction, ...withBytes(first.bytes) },
    )
    expect(await verdict(withRecords(recording, contents)), `contents ${index + 1}`).toBeDefined()
  }
})

test('a record written twice is noticed, next to itself or at the end', async () => {
  for (const [index, record] of records.entries()) {
    expect(await verdict(withRecords(recording, records.toSpliced(index, 0, record)))).toBeDefined()
    expect(await verdict(withRecords(recording, [...records, record]))).toBeDefined()
  }
})

test('a record that was put in is noticed, even at the end and with a checksum that fits', async () => {
  const last = records.at(-1)!
  const changed = withBytes(bytesOf('1\n'))
  const added = { ...last, row: last.row + 1, seq: last.seq + 1, ...changed, crc: chain(last.crc, 'rx', changed.kept) }
  expect((await verdict(withRecords(recording, [...records, added])))?.message).toContain('the run wrote 15 records')
  const elsewhere = { ...added, wire: 'oven', seq: 1 }
  expect((await verdict(withRecords(recording, [...records, elsewhere])))?.message).toContain('no such wire')
})

test('with all checksums made right again, a changed command or control record is still noticed', async () => {
  for (const [index, record] of records.entries()) {
    if (record.direction === 'rx') continue
    for (let at = 0; at < record.bytes.length; at++) {
      const changed = { ...record, ...withBytes(flipped(record.bytes, at, 1)) }
      const found = await verdict(resealed(records.with(index, changed)))
      expect(found, `byte ${at} of record ${index + 1}`).toBeDefined()
    }
  }
})

test('with all checksums made right again, what the program did still cannot be dropped, doubled or moved', async () => {
  for (const [index, record] of records.entries()) {
    const next = records[index + 1]
    // What comes while a wire is being cleared is thrown away: there a reply may move.
    const isCleared = records[index - 1]?.direction === 'ctl'
    if (next !== undefined && next.direction !== record.direction && !isCleared) {
      expect(await verdict(resealed(records.toSpliced(index, 2, next, record))), `moved ${index + 1}`).toBeDefined()
    }
    if (record.direction === 'rx') continue
    expect(await verdict(resealed(records.toSpliced(index, 1))), `without ${index + 1}`).toBeDefined()
    expect(await verdict(resealed(records.toSpliced(index, 0, record))), `twice ${index + 1}`).toBeDefined()
  }
})

test('with all checksums made right again, a command that became a control record is still noticed', async () => {
  const found = await verdict(resealed(records.with(0, { ...records[0]!, direction: 'ctl' })))
  expect(found).toMatchObject({
    record: 1,
    message: expect.stringContaining('expected ctl "*IDN?\\n", got tx') as string,
  })
})

test('a record that was put in behind thousands is noticed', async () => {
  const last = records.at(-1)!
  // A whole number of pages: the last one of the run says nothing of what is behind it.
  const many = Array.from({ length: 1024 }, () => records.slice(0, 2)).flat()
  const long = resealed(many)
  const all = await recordsOf(long)
  const stranger = { ...last, row: 5000, wire: 'oven', seq: 1 }
  await using player = await Player.open(withRecords(long, [...all, stranger]))
  const wire = player.wire('laser')
  const session = new WireSession(wire.transport, { tap: wire.tap, timeoutMs: 1000 })
  for (let i = 0; i < 1024; i++) await session.ask(bytesOf('*IDN?\n'), line, new AbortController().signal)
  await expect(player.finish()).rejects.toMatchObject({ context: { wire: 'oven', record: 1 } })
})
