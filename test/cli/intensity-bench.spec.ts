import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { IntensityCalibration } from '../../calibration/intensity/intensity-record.ts'
import type { WrittenReport } from '../../cli/report.ts'
import { oncePerRun } from '../support/once-per-run.ts'
import {
  documentOf,
  expectFailure,
  fringe,
  fringeOnce,
  query,
  ROOT,
  scratchFolder,
  startFringe,
  untilStep,
  writeSmallFactors,
} from './fringe-process.ts'
import type { Ended } from './fringe-process.ts'

const PATIENCE_MS = 240_000
const BENCH = join(ROOT, 'examples', 'intensity-6.yaml')
const CALIBRATE = ['calibrate', BENCH, '--seed', '3']

interface Calibrated extends Pick<IntensityCalibration, 'fit' | 'verification'> {
  readonly run: string
  readonly calibration: string
  readonly vectors: number
  readonly report?: WrittenReport
}

/** A folder with a journal of a calibration over pipes, never to be written to, and what the command said. */
const calibratedOnce = (): Promise<string> =>
  oncePerRun('intensity', async (folder) => {
    const { code, stderr } = await fringeOnce([...CALIBRATE, '--sim'], folder)
    if (code !== 0) throw new Error(stderr)
  })

async function placed(): Promise<(...args: string[]) => Promise<Ended>> {
  const cwd = await scratchFolder()
  await copyFile(join(await calibratedOnce(), 'fringe.db'), join(cwd, 'fringe.db'))
  return (...args) => fringe(args, { cwd })
}

async function calibrated(ended: Ended): Promise<Calibrated> {
  expect(ended.code, ended.stderr).toBe(0)
  return (await documentOf('calibrate', ended)) as unknown as Calibrated
}

async function recordIn(journal: string): Promise<IntensityCalibration> {
  const [row] = await query(journal, 'SELECT record FROM calibrations ORDER BY rowid DESC LIMIT 1')
  return JSON.parse(String(row!['record'])) as IntensityCalibration
}

describe('a single mesh read by photodiodes, on its twin', { timeout: PATIENCE_MS }, () => {
  test('is calibrated to half a percent, with a standard deviation for every parameter, and replays', async () => {
    const run = await placed()
    const { fit, verification, chip, chipSigma } = await recordIn(join(await calibratedOnce(), 'fringe.db'))
    expect(fit.heldOutTvd).toBeLessThan(0.005)
    expect(verification).toMatchObject({ targets: 8, verdict: 'accepted' })
    expect(verification.modelTvd).toBeLessThan(0.005)
    expect(verification.amplitudeFidelity).toBeGreaterThan(0.9995)
    expect(chipSigma).toHaveLength(chip.length)
    expect(chipSigma.filter((sigma) => sigma > 0).length).toBeGreaterThan(chip.length / 2)
    const replayed = await run('replay', 'last')
    expect(replayed.stdout, replayed.stderr).toContain('the calibration is the same to the last digit')
    const shown = await run('show', 'last', '--json')
    expect(await documentOf('show', shown)).toMatchObject({ safe: true, calibration: { verification } })
    expect(shown.stderr).toContain('accepted: on 8 held-out unitaries')
  })

  test('is the same over real wires and on the direct path', async () => {
    const { fit, verification } = await recordIn(join(await calibratedOnce(), 'fringe.db'))
    for (const sim of ['--sim=wire', '--sim=direct']) {
      const cwd = await scratchFolder()
      const ended = await fringe([...CALIBRATE, sim, '--json'], { cwd })
      expect(ended.stderr).toMatch(
        /plan: 9[89]\d vectors \(1,9\d\d at most, where first guesses go astray\) in about \d+ frames/,
      )
      expect(await calibrated(ended)).toMatchObject({ fit, verification })
    }
  })

  test('takes over what is fresh, is verified alone, and reported with pictures', async () => {
    const run = await placed()
    const fresh = await run(...CALIBRATE, '--sim', '--report', 'r', '--json')
    expect(fresh.stderr).toMatch(/columns\s+from run \S+, 0 s old/)
    const { vectors, report } = await calibrated(fresh)
    // Eight unitaries of six inputs, each lit by both signs, and all dark once.
    expect(vectors).toBe(8 * 13)
    const kinds = report!.pictures.map(({ kind }) => kind)
    expect(kinds).toEqual(['mesh', 'splitters', 'crosstalk', 'residuals', 'power'])
    const verified = await run(...CALIBRATE, '--sim', '--verify-only', '--json')
    expect(verified.stderr).toMatch(/when it was made: TVD \S+ % from them, \S+ % from the fitted chip\n/)
    expect((await calibrated(verified)).verification.verdict).toBe('accepted')
    const replayed = await run('replay', 'last')
    expect(replayed.code, replayed.stderr).toBe(0)
    expect((await run(...CALIBRATE, '--sim', '--watch', '1h', '--for', '2h')).stderr).toContain(
      '--watch follows mesh cores read by balanced homodyne',
    )
  })

  test('says in its report how sure it is', async () => {
    const cwd = await scratchFolder()
    await copyFile(join(await calibratedOnce(), 'fringe.db'), join(cwd, 'fringe.db'))
    const ended = await fringe(['show', 'last', '--report', 'r'], { cwd })
    expect(ended.code, ended.stderr).toBe(0)
    const page = await readFile(join(cwd, 'r', 'report.md'), 'utf8')
    expect(page).toMatch(/\| crosstalk of heaters to the next one \| 1\.0\d % ± 0\.0\d+ % \|/)
    expect(page).toMatch(/\| largest splitter error \| −?[\d.]+ mrad ± [\d.]+ mrad: [αβ] of U, column \d/)
    expect(page).not.toContain('effective bits')
    expect(page).not.toContain('fringe matmul')
  })

  test('killed before its fit, it is resumed to the same chip, and replays', async () => {
    const cwd = await scratchFolder()
    const journal = join(cwd, 'fringe.db')
    const whole = await recordIn(join(await calibratedOnce(), 'fringe.db'))
    const { child, ended } = await startFringe([...CALIBRATE, '--sim'], { cwd })
    await untilStep(journal, 'chip')
    child.kill('SIGKILL')
    await ended
    const resumed = await calibrated(await fringe(['resume', 'last', '--json'], { cwd }))
    expect(resumed.vectors).toBe(8 * 13)
    // The readings were taken over, so the chip is fitted to the same ones.
    expect((await recordIn(journal)).chip).toEqual(whole.chip)
    const replay = await documentOf('replay', await fringe(['replay', 'last', '--json'], { cwd }))
    expect(replay).toMatchObject({ run: resumed.run, matched: true })
  })

  test('stopped between two settings, it leaves its heaters at 0 V, read back', async () => {
    const cwd = await scratchFolder()
    const { child, ended } = await startFringe([...CALIBRATE, '--sim', '--json'], { cwd })
    await untilStep(join(cwd, 'fringe.db'), 'columns')
    child.kill('SIGINT')
    const message = await expectFailure(await ended, 1, 'TRANSPORT_ABORTED')
    expect(message).toBe('stopped by SIGINT; the bench was made safe and read back')
    const shown = await documentOf('show', await fringe(['show', 'last', '--json'], { cwd }))
    expect(shown).toMatchObject({ status: 'interrupted', safe: true })
  })

  test('makes no products: they are refused where its detection is written, before anything is opened', async () => {
    const cwd = await scratchFolder()
    await writeSmallFactors(cwd)
    const ended = await fringe(['matmul', BENCH, 'A.npy', 'B.npy', '-o', 'C.npy', '--sim', '--json'], { cwd })
    const message = await expectFailure(ended, 2, 'CALL_INVALID')
    expect(message).toMatch(/intensity-6\.yaml:\d+:\d+ detection\.kind - a core read by intensity shows powers/)
    expect(message).toContain('"fringe calibrate" finds what its chip is')
  })
})
