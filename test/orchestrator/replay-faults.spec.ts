import { copyFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { SystemClock } from '../../core/clock.ts'
import { BenchError, isBenchError } from '../../core/errors.ts'
import { WireSession } from '../../drivers/transports/session.ts'
import type { SessionOptions } from '../../drivers/transports/session-options.ts'
import { TappedTransport } from '../../drivers/transports/tapped.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import type { RunRecording } from '../../orchestrator/journal/records.ts'
import { Sqlite } from '../../orchestrator/journal/sqlite.ts'
import { Player } from '../../orchestrator/replay/player.ts'
import { ManualTransport, bytesOf, lost, settled } from '../support/manual-transport.ts'
import { converse, line, liveWire, readRecording, recordRun, recordsOf, scratchFile } from './conversation.ts'
import { textOf } from './conversation.ts'
import { HEADER } from './journal-pattern.ts'
import type { TestWire } from './conversation.ts'

/** What goes wrong on the recorded wire; in a replay nobody does it, the recording does. */
type Fault = (wire: ManualTransport) => Promise<void> | void
type Program = (wire: TestWire, fault: (what: Fault) => Promise<void>, signal: AbortSignal) => Promise<unknown>

const never = new AbortController().signal

function answering(): ManualTransport {
  const wire = new ManualTransport()
  wire.onSent = (text) => {
    if (text === 'POW?\n') wire.arrive('0.125\n')
    if (text === 'OUT?\n') wire.arrive('0\n')
  }
  return wire
}

async function record(program: Program, signal = never): Promise<{ recording: RunRecording; live: unknown }> {
  const file = await scratchFile()
  const wire = answering()
  let live: unknown
  await recordRun(file, async (run) => {
    const tap = run.tap('laser')
    live = await program({ transport: new TappedTransport(wire, tap), tap }, async (what) => what(wire), signal)
  })
  return { recording: await readRecording(file), live }
}

async function replay(recording: RunRecording, program: Program): Promise<unknown> {
  await using player = await Player.open(recording)
  const result = await program(player.wire('laser'), async () => undefined, player.signal)
  await player.finish()
  return result
}

/** The program behaves in the replay as it did when it was recorded. Returns the records as text. */
async function sameAgain(program: Program): Promise<{ records: string[]; result: unknown }> {
  const { recording, live } = await record(program)
  expect(await replay(recording, program)).toEqual(live)
  const records = (await recordsOf(recording)).map(({ direction, bytes }) => `${direction} ${textOf(bytes).trimEnd()}`)
  return { records, result: live }
}

function openSession(wire: TestWire, options: Partial<SessionOptions> = {}): WireSession {
  return new WireSession(wire.transport, { timeoutMs: 3_600_000, tap: wire.tap, ...options })
}

const tell = (session: WireSession, text: string, signal = never): Promise<string> =>
  session.tell(bytesOf(text), signal).then(() => 'told', codeOf)
const ask = (session: WireSession, text: string, signal = never): Promise<string> =>
  session.ask(bytesOf(text), line, signal).catch(codeOf)

function codeOf(error: unknown): string {
  if (isBenchError(error) && error.code !== 'REPLAY_DIVERGED') return error.code
  throw error
}

test('a wire that is lost in the middle of an exchange is lost again, and reopened again', async () => {
  const { records, result } = await sameAgain(async (wire, fault) => {
    const session = openSession(wire)
    const waiting = ask(session, 'SILENT?\n')
    await fault((live) => settled().then(() => live.lose()))
    return [await waiting, await ask(session, 'POW?\n')]
  })
  expect(result).toEqual(['TRANSPORT_LOST', '0.125'])
  expect(records).toEqual(['tx SILENT?', 'err lost', 'ctl resynchronise', 'tx POW?', 'rx 0.125'])
})

test('a wire that is lost between two exchanges is lost again', async () => {
  const { result } = await sameAgain(async (wire, fault) => {
    const session = openSession(wire)
    const before = await ask(session, 'POW?\n')
    await fault((live) => live.lose())
    return [before, await ask(session, 'OUT?\n')]
  })
  expect(result).toEqual(['0.125', '0'])
})

test('a reopening that failed fails again, as often as it did', async () => {
  const { records, result } = await sameAgain(async (wire, fault) => {
    const session = openSession(wire)
    const outcomes = [await ask(session, 'POW?\n')]
    await fault((live) => live.lose())
    for (let attempt = 0; attempt < 3; attempt++) {
      await fault((live) => {
        const refused = new BenchError('TRANSPORT_OPEN_FAILED', 'switched off')
        if (attempt < 2) live.nextResynchronisation = () => Promise.reject(refused)
      })
      outcomes.push(await ask(session, 'OUT?\n'))
    }
    return outcomes
  })
  expect(result).toEqual(['0.125', 'TRANSPORT_OPEN_FAILED', 'TRANSPORT_OPEN_FAILED', '0'])
  expect(records.filter((record) => record === 'ctl resynchronise')).toHaveLength(3)
})

test('a write that failed fails again', async () => {
  const { records, result } = await sameAgain(async (wire, fault) => {
    const session = openSession(wire)
    await fault((live) => {
      live.nextWrite = () => Promise.reject(lost())
    })
    return [await tell(session, 'POW 2\n'), await tell(session, 'POW 3\n'), await ask(session, 'OUT?\n')]
  })
  expect(result).toEqual(['TRANSPORT_LOST', 'told', '0'])
  expect(records).toEqual(['tx POW 2', 'ctl resynchronise', 'tx POW 3', 'tx OUT?', 'rx 0'])
})

test('bytes that nobody asked for make the session clear the wire again', async () => {
  const { records, result } = await sameAgain(async (wire, fault) => {
    const session = openSession(wire)
    const outcomes = [await tell(session, 'POW 2\n')]
    await fault((live) => live.arrive('late\n'))
    outcomes.push(await ask(session, 'POW?\n'))
    await fault((live) => live.arrive('later\n'))
    return [...outcomes, await ask(session, 'OUT?\n')]
  })
  expect(result).toEqual(['told', '0.125', '0'])
  expect(records.filter((record) => record === 'ctl resynchronise')).toHaveLength(2)
})

test('bytes that arrive before the first word do not answer it', async () => {
  const { records, result } = await sameAgain(async (wire, fault) => {
    const session = openSession(wire)
    await fault((live) => live.arrive('welcome\n'))
    return ask(session, 'POW?\n')
  })
  expect(result).toBe('0.125')
  expect(records).toEqual(['rx welcome', 'ctl resynchronise', 'tx POW?', 'rx 0.125'])
})

test('messages that come unasked reach their listener, and not the next question', async () => {
  const { result } = await sameAgain(async (wire, fault) => {
    const messages: string[] = []
    const session = openSession(wire, { onStray: (bytes) => messages.push(textOf(bytes)) })
    await fault((live) => live.arrive('hello\n'))
    await tell(session, 'POW 2\n')
    await fault((live) => live.arrive('warm\n'))
    const power = await ask(session, 'POW?\n')
    await fault((live) => live.arrive('hot\n'))
    return [power, await ask(session, 'OUT?\n'), ...messages]
  })
  expect(result).toEqual(['0.125', '0', 'hello\n', 'warm\n', 'hot\n'])
})

test('a resynchronisation that talks and waits for silence talks and waits again', async () => {
  const { records, result } = await sameAgain(async (wire, fault) => {
    const session = openSession(wire, {
      resynchronise: async (raw, signal) => {
        await raw.write(bytesOf('\0\0\0\0'), signal)
        while ((await raw.nextBytes(1, signal)) !== undefined);
      },
    })
    await fault((live) => {
      const { onSent } = live
      live.onSent = (text) => {
        onSent(text)
        if (text.startsWith('\0')) live.arrive('rest')
      }
    })
    const failed = session.ask(
      bytesOf('POW?\n'),
      () => {
        throw new BenchError('PROTOCOL_UNEXPECTED_REPLY', 'not this')
      },
      never,
    )
    return [await failed.catch(codeOf), await ask(session, 'OUT?\n')]
  })
  expect(result).toEqual(['PROTOCOL_UNEXPECTED_REPLY', '0'])
  expect(records).toEqual([
    'tx POW?',
    'rx 0.125',
    'ctl resynchronise',
    'tx \0\0\0\0',
    'rx rest',
    'ctl silence',
    'tx OUT?',
    'rx 0',
  ])
})

test('an exchange that the user gave up is given up again through the signal of the player', async () => {
  const user = new AbortController()
  const program: Program = async (wire, fault, signal) => {
    const session = openSession(wire)
    const waiting = ask(session, 'SILENT?\n', signal)
    await fault(() => user.abort())
    // What every way out does, under a deadline of its own.
    return [await waiting, await ask(session, 'OUT?\n')]
  }
  const { recording, live } = await record(program, user.signal)
  expect(live).toEqual(['TRANSPORT_ABORTED', '0'])
  expect(await replay(recording, program)).toEqual(live)
})

test('an exchange that the program itself gives up is given up again without it', async () => {
  const program: Program = async (wire) => {
    const session = openSession(wire)
    const sibling = new AbortController()
    const waiting = ask(session, 'SILENT?\n', sibling.signal)
    await settled()
    sibling.abort()
    return [await waiting, await ask(session, 'OUT?\n')]
  }
  expect((await sameAgain(program)).result).toEqual(['TRANSPORT_ABORTED', '0'])
})

test('what had arrived before the program gave up has arrived before it gives up again', async () => {
  const program: Program = async (wire, fault) => {
    const heard: string[] = []
    const session = openSession(wire)
    const sibling = new AbortController()
    const untilLine = (bytes: Uint8Array): ReturnType<typeof line> => {
      heard.push(textOf(bytes))
      return line(bytes)
    }
    const waiting = session.ask(bytesOf('SILENT?\n'), untilLine, sibling.signal).catch(codeOf)
    // Nothing of this takes time in the replay: the abort comes at once.
    await fault((live) => settled().then(() => live.arrive('0.1')))
    sibling.abort()
    return [await waiting, ...heard, await ask(session, 'OUT?\n')]
  }
  expect((await sameAgain(program)).result).toEqual(['TRANSPORT_ABORTED', '0.1', '0'])
})

test('a program that does not wait where the run waited in vain diverges, even when it sleeps first', async () => {
  const file = await scratchFile()
  await recordRun(file, (run) => converse(liveWire(run, 'laser')))
  await using player = await Player.open(await readRecording(file))
  const session = openSession(player.wire('laser'))
  await ask(session, '*IDN?\n')
  await session.tell(bytesOf('POW 2\n'), never)
  await ask(session, 'POW?\n')
  await session.tell(bytesOf('SILENT?\n'), never)
  await player.clock.sleep(60_000, never)
  const onwards = session.tell(bytesOf('OUT 0\n'), never)
  await expect(onwards).rejects.toMatchObject({ context: { expected: 'err "timeout"', actual: 'tx "OUT 0\\n"' } })
})

test('a program that waits on where the run gave up diverges', async () => {
  const user = new AbortController()
  const program: Program = async (wire, fault, signal) => {
    const waiting = ask(openSession(wire), 'SILENT?\n', signal)
    await fault(() => user.abort())
    return waiting
  }
  const { recording } = await record(program, user.signal)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const replaying = replay(recording, (wire, fault) => program(wire, fault, never))
    const state = { pending: true }
    const ended = replaying.catch((error: unknown) => error).finally(() => (state.pending = false))
    while (state.pending) {
      await settled()
      vi.advanceTimersByTime(1000)
    }
    expect(await ended).toMatchObject({ context: { expected: 'err "aborted"', actual: 'err "timeout"' } })
  } finally {
    vi.useRealTimers()
  }
})

test('a run whose process died replays as far as it came, and says that it was cut off there', async () => {
  const file = await scratchFile()
  {
    await using journal = await Journal.open(file, { clock: new SystemClock(), mode: 'write' })
    const run = await journal.startRun({ kind: 'demo', header: HEADER })
    const tap = run.tap('laser')
    const session = openSession({ transport: new TappedTransport(answering(), tap), tap })
    await ask(session, 'POW?\n')
    // Closing the journal under the run leaves it interrupted.
  }
  const recording = await readRecording(file)
  expect(recording.status).toBe('interrupted')
  await expect(replay(recording, async (wire) => ask(openSession(wire), 'POW?\n'))).resolves.toBe('0.125')
  const onwards = replay(recording, async (wire) => {
    const session = openSession(wire)
    await ask(session, 'POW?\n')
    await ask(session, 'OUT?\n')
  })
  await expect(onwards).rejects.toMatchObject({
    message: expect.stringContaining('the run was cut off here') as string,
  })
})

test('a record of a wire that was edited with another SQLite tool is noticed', async () => {
  const file = await scratchFile()
  const run = await recordRun(file, (writer) => converse(liveWire(writer, 'laser')))
  const edits = [
    `bytes = replace(bytes, '0.12', '0.21')`,
    `records = json_set(records, '$[4][6]', 3)`,
    `records = json_set(records, '$[4][5]', 'no place')`,
    `records = json_set(records, '$[4][7]', 17)`,
    `records = json_remove(records, '$[4]')`,
    `records = json_set(records, '$[4]', 'gone')`,
    `records = json_set(records, '$[4][1]', 'tx')`,
    `records = json_set(records, '$[4][0]', 'oven')`,
    `records = json_insert(records, '$[#]', json_set(records -> 14, '$[2]', 16))`,
    `records = json_set(records, '$[13]', records -> 14, '$[14]', records -> 13)`,
    `records = '[]'`,
  ]
  await using player = await Player.open(await readRecording(file, run))
  await converse(player.wire('laser'))
  await player.finish()
  for (const edit of edits) {
    const copy = await scratchFile()
    await copyFile(file, copy)
    {
      await using db = await Sqlite.open(copy, 'write')
      await db.exec(`UPDATE wire_batches SET ${edit} WHERE run = '${run}'`)
    }
    await using tampered = await Player.open(await readRecording(copy, run))
    await converse(tampered.wire('laser')).catch(() => undefined)
    await expect(tampered.finish(), edit).rejects.toMatchObject({ code: 'REPLAY_DIVERGED', context: { run } })
  }
})
