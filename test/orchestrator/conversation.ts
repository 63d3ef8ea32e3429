import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { SystemClock } from '../../core/clock.ts'
import type { Clock } from '../../core/clock.ts'
import { isBenchError } from '../../core/errors.ts'
import { withStep } from '../../core/step-context.ts'
import type { ByteTransport, WireTap } from '../../core/transport.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'
import type { PipeEnd } from '../../drivers/transports/byte-pipe.ts'
import { WireSession } from '../../drivers/transports/session.ts'
import { TappedTransport } from '../../drivers/transports/tapped.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import type { RunRecording, WireRecord } from '../../orchestrator/journal/records.ts'
import type { RunWriter } from '../../orchestrator/journal/run-writer.ts'
import { HEADER } from './journal-pattern.ts'

const folders: string[] = []
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

/** A folder of its own, gone when all tests of the file have ended. */
export async function scratchFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fringe-journal-'))
  folders.push(folder)
  return folder
}

export const scratchFile = async (): Promise<string> => join(await scratchFolder(), 'bench.db')

export const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))
export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** One line up to and including its line feed. */
export const line = (bytes: Uint8Array): { message: string; used: number } | undefined => {
  const end = bytes.indexOf(10)
  return end < 0 ? undefined : { message: textOf(bytes.subarray(0, end)), used: end + 1 }
}

/** An instrument that speaks lines: a reply, one in pieces, none at all. */
export const talker: PipeEnd = (send) => ({
  receive(bytes) {
    switch (textOf(bytes)) {
      case '*IDN?\n':
        return send(bytesOf('Acme,TL100,7,1.0\n'))
      case 'POW?\n':
        send(bytesOf('0.12'))
        return send(bytesOf('5\n'))
      case 'OUT?\n':
        return send(bytesOf('0\n'))
    }
  },
  detach: () => undefined,
})

/** What a driver is opened on, live or in a replay. */
export interface TestWire {
  readonly transport: ByteTransport
  readonly tap: WireTap
}

/** Long enough for every reply of a `talker`, and what a silent question costs. */
const TIMEOUT_MS = 20

/** Identity, a power in two pieces, a question without a reply, a resynchronisation, and the safe state. */
export async function converse(wire: TestWire, powerMw = 2): Promise<string[]> {
  const { signal } = new AbortController()
  const session = new WireSession(wire.transport, { tap: wire.tap, timeoutMs: TIMEOUT_MS })
  const heard: string[] = []
  const ask = async (request: string): Promise<void> => {
    heard.push(await session.ask(bytesOf(`${request}\n`), line, signal))
  }
  try {
    await withStep(1, () => ask('*IDN?'))
    await withStep(2, async () => {
      await session.tell(bytesOf(`POW ${powerMw}\n`), signal)
      await ask('POW?')
    })
    await withStep(3, async () => {
      await ask('SILENT?').catch((error: unknown) => {
        if (!isBenchError(error, 'TRANSPORT_TIMEOUT')) throw error
        heard.push('(silence)')
      })
      await ask('POW?')
    })
  } finally {
    await withStep(4, async () => {
      await session.tell(bytesOf('OUT 0\n'), signal)
      await ask('OUT?')
    }).finally(() => session[Symbol.asyncDispose]())
  }
  return heard
}

export const STEPS = ['identify', 'set power', 'ask in vain', 'make safe']

/** A live wire whose bytes go into the journal. */
export function liveWire(run: RunWriter, name: string, farEnd: PipeEnd = talker): TestWire {
  const tap = run.tap(name)
  return { transport: new TappedTransport(new BytePipe(name, farEnd), tap), tap }
}

/** Journals one run: `live` does it, on wires that it gets from `liveWire`. */
export async function recordRun(
  file: string,
  live: (run: RunWriter) => Promise<unknown>,
  clock: Clock = new SystemClock(),
): Promise<string> {
  await using journal = await Journal.open(file, { clock, mode: 'write' })
  const run = await journal.startRun({ kind: 'demo', header: HEADER })
  for (const name of STEPS) run.step(name)
  await live(run)
  await run.finish('done')
  return run.id
}

export async function readRecording(file: string, run = 'last'): Promise<RunRecording> {
  await using journal = await Journal.open(file, { clock: new SystemClock(), mode: 'read' })
  const recording = await journal.readWires(run)
  const records: WireRecord[] = []
  for await (const page of recording.pages()) records.push(...page)
  return withRecords(recording, records)
}

/** The same run with other records, in memory. */
export function withRecords(recording: RunRecording, records: readonly WireRecord[]): RunRecording {
  return {
    ...recording,
    async *pages() {
      for (let start = 0; start < records.length; start += 256) yield records.slice(start, start + 256)
    },
  }
}

export async function recordsOf(recording: RunRecording): Promise<readonly WireRecord[]> {
  const records: WireRecord[] = []
  for await (const page of recording.pages()) records.push(...page)
  return records
}
