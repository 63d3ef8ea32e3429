import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import type { MessageControls } from '../../core/transport.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'
import { WireSession } from '../../drivers/transports/session.ts'
import { TappedTransport } from '../../drivers/transports/tapped.ts'
import { Player } from '../../orchestrator/replay/player.ts'
import { bytesOf, line, readRecording, recordRun, recordsOf, scratchFile, talker, textOf } from './conversation.ts'
import type { TestWire } from './conversation.ts'

const { signal } = new AbortController()
const HOUR_MS = 3_600_000

/** An instrument on a wire with a status byte: it wants service once it was triggered, and fails its third poll. */
function controlled(): BytePipe & { readonly controls: MessageControls } {
  let polls = 0
  let wantsService: () => void = () => undefined
  const controls: MessageControls = {
    readStatusByte: async () => {
      if (++polls === 3) throw new BenchError('TRANSPORT_LOST', 'the wire broke')
      return polls === 1 ? 0 : 0x50
    },
    trigger: async () => void setImmediate(() => wantsService()),
    onServiceRequest: async (listener) => {
      wantsService = listener
    },
  }
  return Object.assign(new BytePipe('meter', talker), { controls })
}

async function program({ transport, tap }: TestWire): Promise<unknown[]> {
  await using session = new WireSession(transport, { timeoutMs: HOUR_MS, tap })
  const seen: unknown[] = [await session.ask(bytesOf('*IDN?\n'), line, signal)]
  const requested = new Promise<void>((resolve) => void session.onServiceRequest(resolve, signal))
  seen.push(await session.readStatusByte(signal))
  await session.trigger(signal)
  await requested
  seen.push(await session.readStatusByte(signal))
  seen.push(await session.readStatusByte(signal).catch((error: unknown) => (error as BenchError).code))
  seen.push(await session.ask(bytesOf('OUT?\n'), line, signal))
  return seen
}

const EXPECTED = ['Acme,TL100,7,1.0', 0, 0x50, 'TRANSPORT_LOST', '0']

async function recordProgram() {
  const file = await scratchFile()
  const live = async (run: Parameters<Parameters<typeof recordRun>[1]>[0]): Promise<void> => {
    const tap = run.tap('meter')
    expect(await program({ transport: new TappedTransport(controlled(), tap), tap })).toEqual(EXPECTED)
  }
  await recordRun(file, live, new VirtualClock())
  return readRecording(file)
}

describe('What a wire can do beside bytes', () => {
  test('is journalled in order, and replays as it was: polls, a failed poll, a trigger, a request for service', async () => {
    const recording = await recordProgram()
    expect((await recordsOf(recording)).map(({ direction, bytes }) => `${direction} ${textOf(bytes)}`)).toEqual([
      'tx *IDN?\n',
      'rx Acme,TL100,7,1.0\n',
      'ctl poll',
      'ctl status 0',
      'ctl trigger',
      'ctl service request',
      'ctl poll',
      'ctl status 80',
      'ctl poll',
      'err no status',
      'ctl resynchronise',
      'tx OUT?\n',
      'rx 0\n',
    ])
    await using player = await Player.open(recording)
    expect(await program(player.wire('meter'))).toEqual(EXPECTED)
    await player.finish()
  })

  test('diverges when the program does not trigger as it did', async () => {
    const recording = await recordProgram()
    await using player = await Player.open(recording)
    const { transport, tap } = player.wire('meter')
    await using session = new WireSession(transport, { timeoutMs: HOUR_MS, tap })
    await session.ask(bytesOf('*IDN?\n'), line, signal)
    await session.readStatusByte(signal)
    await expect(session.readStatusByte(signal)).rejects.toThrow()
    expect(player.divergence?.message).toMatch(/trigger.*poll/s)
  })

  test('is refused on a wire that has only bytes', async () => {
    await using session = new WireSession(new BytePipe('laser', talker), { timeoutMs: HOUR_MS })
    await expect(session.readStatusByte(signal)).rejects.toMatchObject({ code: 'CALL_INVALID' })
  })

  test('a poll that is not answered in time ends with a timeout', async () => {
    const silent = Object.assign(new BytePipe('meter', talker), {
      controls: {
        ...controlled().controls,
        readStatusByte: (limited: AbortSignal) =>
          new Promise<number>((_, reject) => limited.addEventListener('abort', () => reject(limited.reason as Error))),
      },
    })
    await using session = new WireSession(silent, { timeoutMs: 1 })
    await expect(session.readStatusByte(signal)).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
  })
})
