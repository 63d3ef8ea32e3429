import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { follow } from '../../cli/follow.ts'
import { VirtualClock } from '../../core/clock.ts'
import type { Clock } from '../../core/clock.ts'
import { identityOf } from '../../core/process-identity.ts'
import { withStep } from '../../core/step-context.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import type { RunHeader } from '../../orchestrator/journal/records.ts'
import type { RunWriter } from '../../orchestrator/journal/run-writer.ts'
import {
  copyOf,
  documentOf,
  edit,
  expectFailure,
  fringe,
  scratchFolder,
  smallJournal,
  startFringe,
} from './fringe-process.ts'

const PATIENCE_MS = 240_000

/** A of 40 × 8 and B of 8 × 8 on a core of 4 × 4: 4 tiles, 160 rows in all. */
const HEADER: RunHeader = {
  ...{ versions: {}, engines: {}, commit: null, bench: { path: 'b.yaml', text: '', hash: '' } },
  ...{ calibrations: ['cal'], seed: null, instruments: [] },
  arguments: { command: 'matmul', a: { rows: 40, columns: 8 }, b: { rows: 8, columns: 8 } },
}

/** Time passes when the follower sleeps: each nap runs the next act of the play, and then lasts a second. */
class PlayClock extends VirtualClock {
  readonly #acts: (() => Promise<void>)[]

  constructor(acts: readonly (() => Promise<void>)[]) {
    super()
    this.#acts = [...acts]
  }

  override async sleep(durationMs: number, signal: AbortSignal): Promise<void> {
    await this.#acts.shift()?.()
    await super.sleep(Math.max(durationMs, 1000), signal)
  }
}

interface Stage {
  readonly file: string
  readonly run: RunWriter
  readonly clock: VirtualClock
  readonly journal: Journal
}

async function stage(): Promise<Stage> {
  const file = join(await scratchFolder(), 'fringe.db')
  const clock = new VirtualClock()
  const journal = await Journal.open(file, { clock, mode: 'write' })
  const before = await journal.startRun({ kind: 'calibrate', header: { ...HEADER, calibrations: [] } })
  const cal = await before.calibration({ benchHash: 'h', chip: 'twin:1', record: { size: 4 } })
  await before.finish('done')
  const run = await journal.startRun({ kind: 'matmul', header: { ...HEADER, calibrations: [cal] } })
  return { file, run, clock, journal }
}

/** Frames of ten rows. */
async function frames(
  run: RunWriter,
  count: number,
  probeError: number,
  attempt = 1,
  probeNrmse?: number | null,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    const step = run.step('frame', { tile: 0, firstRow: 0, rows: 10, attempt })
    withStep(step, () => run.frame({ step, tile: 0, probeError, probeNrmse, attempt }))
  }
  await run.flush()
}

async function followed(
  file: string,
  clock: Clock,
  terminal: { readonly isTTY?: boolean; readonly columns?: number } = {},
) {
  const written: string[] = []
  await using journal = await Journal.open(file, { clock, mode: 'read' })
  const screen = { ...terminal, write: (text: string) => written.push(text) }
  const state = await follow(journal, 'last', { terminal: screen, clock, signal: new AbortController().signal })
  return { state, written }
}

describe('following a run', () => {
  test('shows frames, rates, probes, power, temperature and time left as they come, and how it ended', async () => {
    const { file, run, clock: bench, journal } = await stage()
    await using _journal = journal
    let multiply = 0
    const clock = new PlayClock([
      async () => {
        multiply = run.step('multiply')
        run.sample({ quantity: 'power of whole bench', unit: 'W', value: 906.5, source: 'mains meter' })
        run.sample({ quantity: 'temperature of chip', unit: '°C', value: 30.25, source: 'oven' })
        await withStep(multiply, () => frames(run, 4, 0.003))
      },
      async () => {
        bench.moveTo(2e9)
        await withStep(multiply, () => frames(run, 4, 0.004))
      },
      () => withStep(multiply, () => frames(run, 1, 0.004, 2)),
      async () => {
        await withStep(multiply, () => frames(run, 8, 0.004))
        await run.finish('done', { safe: true })
      },
    ])
    const { state, written } = await followed(file, clock, { isTTY: true, columns: 120 })
    const screens = written.map((text) =>
      text.replace(/^(\x1b\[(\d+)A)?\r\x1b\[J/, (_, __, up: string | undefined) => `up ${up ?? 0}: `),
    )
    expect(screens[0]).toBe(`up 0: run ${run.id} (matmul): starting, 0 s on the bench\n`)
    expect(screens[1]).toBe(
      [
        `up 1: run ${run.id} (matmul): multiply, 0 s on the bench`,
        '4 frames (25 %), 4 frames/s, 6.40e-7 GMAC/s, about 3.0 s left',
        'probes so far: off by 0.3 % (RMS)',
        'power: whole bench 907 W',
        'temperature: chip 30.3 °C\n',
      ].join('\n'),
    )
    expect(screens[2]).toContain('up 5: ')
    // (4 · 0.3² + 4 · 0.4²) / 8 = 0.125
    expect(screens[2]).toContain(
      '8 frames (50 %), 4 frames/s, 6.40e-7 GMAC/s, about 2.0 s left\nprobes so far: off by 0.35 %',
    )
    expect(screens[2]).toContain('multiply, 2 s on the bench')
    expect(screens[3]).toContain('9 frames (50 %), 1 repeated')
    expect(screens.at(-2)).toContain('17 frames (100 %), 1 repeated, 4.25 frames/s, 6.40e-7 GMAC/s\n')
    expect(screens.at(-1)).toBe(`run ${run.id} is done; bench safe, read back\n`)
    expect(state.run.status).toBe('done')
  })

  test('tells effective bits of the probes so far, by the RMS of all frames that tell theirs', async () => {
    const { file, run, journal } = await stage()
    await using _journal = journal
    const acts = [
      () => frames(run, 1, 0.01, 1, 2 ** -8),
      () => frames(run, 1, 0.01, 1, Math.sqrt(2 * 2 ** -14 - 2 ** -16)),
      // A tile of zeros, and a frame of before such notes were taken.
      () => frames(run, 1, 0, 1, null),
      () => frames(run, 1, 0.01),
      () => run.finish('done'),
    ]
    const { written } = await followed(file, new PlayClock(acts), { isTTY: true })
    expect(written.map((text) => /so far: .* (\S+) effective bits\n/.exec(text)?.[1])).toEqual([
      ...[undefined, '8.0', '7.0', '7.0', '7.0', '7.0', undefined],
    ])
  })

  test('writes plain lines into a pipe: at most one in five seconds, and the last in any case', async () => {
    const { file, run, journal } = await stage()
    await using _journal = journal
    const more = Array.from({ length: 12 }, () => () => frames(run, 1, 0.001))
    const { written } = await followed(file, new PlayClock([...more, () => run.finish('done', { safe: true })]))
    expect(written.join('')).not.toContain('\x1b')
    const counts = written.map((line) => /([\d]+) frames \(/.exec(line)?.[1])
    expect(counts).toEqual([undefined, '5', '10', '12', undefined])
  })

  test('says why a run failed, and that a process which is gone left a run behind', async () => {
    const { file, run, journal } = await stage()
    await using _journal = journal
    const error = { code: 'TRANSPORT_LOST', message: 'the laser is gone' }
    const failed = await followed(file, new PlayClock([() => run.finish('failed', { safe: false, error })]))
    expect(failed.written.at(-1)).toBe(
      `run ${run.id} failed: TRANSPORT_LOST the laser is gone; THE BENCH IS NOT KNOWN TO BE SAFE\n`,
    )
    await edit(
      file,
      `UPDATE runs SET status = 'running', ended_ms = NULL, result = NULL, pid = 2147483646 WHERE id = ?`,
      run.id,
    )
    const { state, written } = await followed(file, new PlayClock([]))
    expect(state.run.status).toBe('interrupted')
    expect(written.at(-1)).toContain('its process is gone without a word, and nobody read the bench back')
  })

  test('reads of each look what is new, however much there was before', async () => {
    const { file, run, journal } = await stage()
    await using _journal = journal
    await frames(run, 12_000, 0.001)
    const { state } = await followed(file, new PlayClock([() => frames(run, 3, 0.001), () => run.finish('done')]))
    expect(state.frames).toBe(12_003)
  })
})

describe('fringe show --follow', { timeout: PATIENCE_MS }, () => {
  test('watches the last run of another process to its end, then shows it; exit code 1 unless it is done', async () => {
    const journal = await copyOf(join(await smallJournal(), 'fringe.db'))
    const { pid, ...rest } = identityOf(process.pid)
    await edit(
      journal,
      `UPDATE runs SET status = 'running', pid = ?, process = ? WHERE kind = 'matmul'`,
      pid,
      JSON.stringify(rest),
    )
    const started = await startFringe(['show', '--follow', '--journal', journal, '--json'])
    await started.firstNote
    await edit(journal, `UPDATE runs SET status = 'done' WHERE kind = 'matmul'`)
    const ended = await started.ended
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.stderr).toMatch(
      /^run \S+ \(matmul\): make safe, \S+ s on the bench; 4 frames \(100 %\); probes so far: off by \S+ % \(RMS\), \d+\.\d effective bits; power: .*; temperature: chip \S+ °C/,
    )
    expect(ended.stderr).toContain('is done; bench safe, read back')
    expect(await documentOf('show', ended)).toMatchObject({ kind: 'matmul', status: 'done' })
    await edit(journal, `UPDATE runs SET status = 'failed' WHERE kind = 'matmul'`)
    expect((await fringe(['show', 'last', '--follow', '--journal', journal])).code).toBe(1)
    const both = await fringe(['show', '--follow', '--chip', 'x.yaml', '--json'])
    expect(await expectFailure(both, 2, 'CALL_INVALID')).toMatch(/--follow watches a run/)
  })
})
