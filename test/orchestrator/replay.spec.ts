import { expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import type { Clock } from '../../core/clock.ts'
import { BenchError, isBenchError } from '../../core/errors.ts'
import { withStep } from '../../core/step-context.ts'
import type { PipeEnd } from '../../drivers/transports/byte-pipe.ts'
import { WireSession } from '../../drivers/transports/session.ts'
import type { SessionOptions } from '../../drivers/transports/session-options.ts'
import type { RunRecording } from '../../orchestrator/journal/records.ts'
import { Player } from '../../orchestrator/replay/player.ts'
import { bytesOf, converse, line, liveWire, readRecording, recordRun, recordsOf } from './conversation.ts'
import { scratchFile, talker, textOf } from './conversation.ts'
import type { TestWire } from './conversation.ts'

interface Bench {
  wire(name: string): TestWire
  readonly clock: Clock
  readonly signal: AbortSignal
}

const never = new AbortController().signal

/** So many turns of the event loop, in which real programs wait for threads and files. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Runs the program on instruments that speak lines, in virtual time, and reads back what was journalled. */
async function record(
  program: (bench: Bench) => Promise<unknown>,
  farEnd: PipeEnd = talker,
  clock: Clock = new VirtualClock(),
): Promise<RunRecording> {
  const file = await scratchFile()
  await recordRun(file, (run) => program({ wire: (name) => liveWire(run, name, farEnd), clock, signal: never }), clock)
  return readRecording(file)
}

const benchOf = (player: Player): Bench => ({
  wire: (name) => player.wire(name),
  clock: player.clock,
  signal: player.signal,
})

/** Runs the program again on what was recorded; throws the divergence. */
async function replay<T>(recording: RunRecording, program: (bench: Bench) => Promise<T>): Promise<T> {
  await using player = await Player.open(recording)
  const result = await program(benchOf(player)).catch((error: unknown) => {
    throw player.divergence ?? error
  })
  await player.finish()
  return result
}

/** Deadlines far beyond that of the test: nothing here may wait for one. */
const HOUR_MS = 3_600_000

function openSession(wire: TestWire, options: Partial<SessionOptions> = {}): WireSession {
  return new WireSession(wire.transport, { timeoutMs: HOUR_MS, tap: wire.tap, ...options })
}

const ask = (session: WireSession, request: string, signal = never): Promise<string> =>
  session.ask(bytesOf(request), line, signal)

const divergenceOf = async (work: Promise<unknown>): Promise<BenchError> => {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (isBenchError(error, 'REPLAY_DIVERGED')) return error
  throw new Error(`no divergence, but ${String(error)}`)
}

const conversation = (bench: Bench): Promise<string[]> => converse(bench.wire('laser'))

test('a recorded conversation replays to its end: same replies, same timeout', async () => {
  const recording = await record(conversation)
  expect((await recordsOf(recording)).map(({ direction, bytes }) => `${direction} ${textOf(bytes)}`)).toEqual([
    'tx *IDN?\n',
    'rx Acme,TL100,7,1.0\n',
    'tx POW 2\n',
    'tx POW?\n',
    'rx 0.12',
    'rx 5\n',
    'tx SILENT?\n',
    'err timeout',
    'ctl resynchronise',
    'tx POW?\n',
    'rx 0.12',
    'rx 5\n',
    'tx OUT 0\n',
    'tx OUT?\n',
    'rx 0\n',
  ])
  expect(await replay(recording, conversation)).toEqual(['Acme,TL100,7,1.0', '0.125', '(silence)', '0.125', '0'])
})

test('a recorded timeout takes no time in a replay', async () => {
  const patient = (timeoutMs: number) => async (bench: Bench) => {
    const session = openSession(bench.wire('laser'), { timeoutMs })
    await expect(ask(session, 'SILENT?\n')).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    return ask(session, 'OUT?\n')
  }
  expect(await replay(await record(patient(5)), patient(HOUR_MS))).toBe('0')
})

test('another command diverges, and the message says where, what was expected and what came', async () => {
  const recording = await record(conversation)
  const error = await divergenceOf(replay(recording, (bench) => converse(bench.wire('laser'), 3)))
  expect(error.message).toBe(
    `the replay of ${recording.run} diverged on wire "laser", record 3, step 2 "set power": ` +
      'expected tx "POW 2\\n", got tx "POW 3\\n" (first difference at byte 5)',
  )
  expect(error.context).toEqual({
    run: recording.run,
    wire: 'laser',
    record: 3,
    step: 2,
    stepName: 'set power',
    expected: 'tx "POW 2\\n"',
    actual: 'tx "POW 3\\n"',
  })
})

test('bytes that are no text are shown in hexadecimal', async () => {
  const tell = (byte: number) => (bench: Bench) =>
    openSession(bench.wire('laser')).tell(Uint8Array.of(1, byte, 0xff), never)
  const error = await divergenceOf(replay(await record(tell(3)), tell(4)))
  expect(error.message).toContain('expected tx 01 03 ff, got tx 01 04 ff')
})

test('a command less is left over', async () => {
  const program = (commands: number) => async (bench: Bench) => {
    const session = openSession(bench.wire('laser'))
    for (let i = 0; i < commands; i++) await ask(session, 'OUT?\n')
  }
  const error = await divergenceOf(replay(await record(program(3)), program(2)))
  expect(error.context).toMatchObject({
    record: 5,
    expected: 'tx "OUT?\\n"',
    actual: 'nothing: the replay ended before',
  })
  expect(error.message).toContain('it and 1 more were left over')
})

test('a command more is refused', async () => {
  const program = (commands: number) => async (bench: Bench) => {
    const session = openSession(bench.wire('laser'))
    for (let i = 0; i < commands; i++) await ask(session, 'OUT?\n')
  }
  const error = await divergenceOf(replay(await record(program(1)), program(2)))
  expect(error.context).toMatchObject({ record: 3, expected: 'nothing more on this wire', actual: 'tx "OUT?\\n"' })
})

test('a command on a wire that the run never used is refused', async () => {
  const recording = await record(conversation)
  const error = await divergenceOf(
    replay(recording, (bench) => openSession(bench.wire('oven')).tell(bytesOf('ON\n'), never)),
  )
  expect(error.context).toMatchObject({ wire: 'oven', record: 1 })
})

test('an unused wire is left over', async () => {
  const error = await divergenceOf(replay(await record(conversation), async () => undefined))
  expect(error.context).toMatchObject({ wire: 'laser', record: 1 })
})

test('a question that the run did not wait for is answered by nothing, and diverges', async () => {
  const recording = await record(async (bench) => {
    const session = openSession(bench.wire('laser'))
    await session.tell(bytesOf('POW 2\n'), never)
    await session.tell(bytesOf('OUT 0\n'), never)
  })
  const error = await divergenceOf(
    replay(recording, async (bench) => {
      const session = openSession(bench.wire('laser'))
      await ask(session, 'POW 2\n')
    }),
  )
  expect(error.context).toMatchObject({ record: 2, expected: 'tx "OUT 0\\n"', actual: 'err "timeout"' })
})

test('after a divergence every call on every wire fails with it, also those that are waiting', async () => {
  const recording = await record(async (bench) => {
    const oven = openSession(bench.wire('oven'))
    const laser = openSession(bench.wire('laser'))
    await ask(oven, 'OUT?\n')
    await ask(laser, 'OUT?\n')
    await ask(oven, 'OUT?\n')
  })
  await using player = await Player.open(recording)
  const oven = openSession(player.wire('oven'))
  const laser = openSession(player.wire('laser'))
  const sleeping = player.clock.sleep(1e9, never)
  const waiting = laser.ask(bytesOf('OUT?\n'), () => undefined, never)
  const diverging = ask(oven, 'ON?\n')
  const error = await divergenceOf(diverging)
  expect(error.context).toMatchObject({ wire: 'oven', record: 1 })
  for (const later of [waiting, sleeping, ask(laser, 'OUT?\n'), ask(oven, 'OUT?\n'), player.clock.sleep(1, never)]) {
    expect(await divergenceOf(later)).toBe(error)
  }
  expect(player.divergence).toBe(error)
  expect(player.signal.reason).toBe(error)
  expect(await divergenceOf(player.finish())).toBe(error)
})

test('thousands of exchanges, and a reply in a thousand pieces', async () => {
  const farEnd: PipeEnd = (send) => ({
    receive(bytes) {
      if (textOf(bytes) !== 'TRACE?\n') return send(bytes)
      for (let i = 0; i < 1000; i++) send(bytesOf(String(i % 10)))
      send(bytesOf('\n'))
    },
    detach: () => undefined,
  })
  const program = async (bench: Bench): Promise<string> => {
    const session = openSession(bench.wire('laser'))
    for (let i = 0; i < 1500; i++) expect(await ask(session, `${i}\n`)).toBe(String(i))
    return ask(session, 'TRACE?\n')
  }
  expect(await replay(await record(program, farEnd), program)).toHaveLength(1000)
})

test('wires that were used at once may be used one after the other', async () => {
  const each = async (bench: Bench, name: string): Promise<void> => {
    const session = openSession(bench.wire(name))
    for (let i = 0; i < 20; i++) await ask(session, 'OUT?\n')
  }
  const names = ['laser', 'oven', 'meter']
  const recording = await record((bench) => Promise.all(names.map((name) => each(bench, name))))
  await replay(recording, async (bench) => {
    for (const name of names.toReversed()) await each(bench, name)
  })
})

test('replies of several wires come in the recorded order', async () => {
  const program = async (bench: Bench): Promise<string[]> => {
    const order: string[] = []
    const poll = async (name: string, periodMs: number, count: number): Promise<void> => {
      const session = openSession(bench.wire(name))
      for (let i = 0; i < count; i++) {
        await bench.clock.sleep(periodMs, never)
        await ask(session, 'OUT?\n')
        order.push(name)
      }
    }
    await Promise.all([poll('fast', 10, 30), poll('slow', 97, 3)])
    return order
  }
  let live: string[] = []
  const recording = await record(async (bench) => (live = await program(bench)))
  expect(await replay(recording, program)).toEqual(live)
})

test('a poll in the background does not run ahead of the job, and does not go on after it', async () => {
  const program = async (bench: Bench): Promise<void> => {
    const stop = new AbortController()
    const telemetry = async (): Promise<void> => {
      const session = openSession(bench.wire('mains'))
      while (!stop.signal.aborted) {
        await ask(session, 'POW?\n')
        await bench.clock.sleep(1000, stop.signal).catch(() => undefined)
      }
    }
    const polling = telemetry()
    const session = openSession(bench.wire('laser'))
    for (let i = 0; i < 20; i++) {
      await ask(session, 'OUT?\n')
      await bench.clock.sleep(700, never)
    }
    stop.abort()
    await polling
  }
  await replay(await record(program), program)
})

test('the clock shows the recorded time, and a night passes at once', async () => {
  const program = async (bench: Bench): Promise<number[]> => {
    const session = openSession(bench.wire('laser'))
    const times: number[] = []
    for (let i = 0; i < 100; i++) {
      await ask(session, 'OUT?\n')
      times.push(bench.clock.monotonicNs() / 1e9, bench.clock.epochMs())
      await bench.clock.sleep(300_000, never)
      times.push(bench.clock.monotonicNs() / 1e9)
    }
    return times
  }
  let live: number[] = []
  const recording = await record(async (bench) => (live = await program(bench)))
  expect(await replay(recording, program)).toEqual(live)
})

/** As a driver waits for a set point: asks, and sleeps between, until it is reached or time is up. */
async function settle(bench: Bench, name: string, polls: number, deadlineS: number): Promise<string> {
  const session = openSession(bench.wire(name))
  const startNs = bench.clock.monotonicNs()
  for (let poll = 0; ; poll++) {
    await ask(session, 'OUT?\n')
    if (poll === polls) return `${name} settled`
    if (bench.clock.monotonicNs() - startNs > deadlineS * 1e9) return `${name} gave up`
    await bench.clock.sleep(1000, never)
  }
}

test('deadlines of drivers hold and expire as in the recorded run, while other wires are far ahead or behind', async () => {
  const program = async (bench: Bench): Promise<string[]> => {
    const outcomes = await Promise.all([
      settle(bench, 'laser', 9, 10),
      settle(bench, 'oven', 1000, 20),
      settle(bench, 'lock', 55, 60),
    ])
    return [...outcomes, await settle(bench, 'laser', 9, 10)]
  }
  const recording = await record(program)
  expect(await replay(recording, program)).toEqual(['laser settled', 'oven gave up', 'lock settled', 'laser settled'])
})

test('a wire on which the program runs ahead does not move the time of the others', async () => {
  const program = (delayMs: number) => async (bench: Bench) => {
    const ahead = async (): Promise<void> => {
      const session = openSession(bench.wire('awg'))
      await session.tell(bytesOf('ARM\n'), never)
      if (delayMs > 0) await bench.clock.sleep(delayMs, never)
      await session.tell(bytesOf('STOP\n'), never)
    }
    const [settled] = await Promise.all([settle(bench, 'laser', 9, 10), ahead()])
    return settled
  }
  expect(await replay(await record(program(30_000)), program(0))).toBe('laser settled')
})

test('a reply does not overtake what the program did on another wire before it came', async () => {
  const slow: PipeEnd = (send) => ({
    receive(bytes) {
      if (textOf(bytes) === 'OUT?\n') void turns(20).then(() => send(bytesOf('0\n')))
    },
    detach: () => undefined,
  })
  const program = async (bench: Bench): Promise<string[]> => {
    const order: string[] = []
    const asking = ask(openSession(bench.wire('laser')), 'OUT?\n').then(() => order.push('laser'))
    await turns(10)
    await openSession(bench.wire('oven')).tell(bytesOf('ON\n'), never)
    order.push('oven')
    await asking
    return order
  }
  expect(await replay(await record(program, slow), program)).toEqual(['oven', 'laser'])
})

test('a sleeper does not wake before what the program did meanwhile without sleeping', async () => {
  const program = (clock?: VirtualClock) => async (bench: Bench) => {
    const stop = new AbortController()
    const telemetry = async (): Promise<void> => {
      const session = openSession(bench.wire('mains'))
      await ask(session, 'POW?\n')
      await bench.clock.sleep(60_000, stop.signal).catch(() => undefined)
      if (!stop.signal.aborted) await ask(session, 'POW?\n')
    }
    const polling = telemetry()
    const session = openSession(bench.wire('laser'))
    for (let i = 0; i < 5; i++) {
      await ask(session, 'OUT?\n')
      await turns(10)
      // What computing takes; the sleeper above is not asked.
      clock?.moveTo(clock.monotonicNs() + 1e9)
    }
    stop.abort()
    await polling
  }
  const live = new VirtualClock()
  // The sleeper of the recorded run sleeps for good: no virtual clock lets it oversleep as a real one would.
  const patient: Clock = {
    epochMs: () => live.epochMs(),
    monotonicNs: () => live.monotonicNs(),
    sleep: (_durationMs, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
  }
  await replay(await record(program(live), talker, patient), program())
})

test('a step that began after a long computation begins at its recorded time', async () => {
  const file = await scratchFile()
  const clock = new VirtualClock()
  const program = async (bench: Bench, step: (name: string) => number): Promise<string> => {
    await ask(openSession(bench.wire('oven')), 'OUT?\n')
    // What a fit of some minutes does to the clock of a bench.
    if (bench.clock === clock) clock.moveTo(200e9)
    return withStep(step('settle'), () => settle(bench, 'laser', 5, 10))
  }
  await recordRun(
    file,
    (run) => program({ wire: (name) => liveWire(run, name), clock, signal: never }, (name) => run.step(name)),
    clock,
  )
  const recording = await readRecording(file)
  expect(await replay(recording, (bench) => program(bench, () => 5))).toBe('laser settled')
})
