import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { AwgrCalibration } from '../../calibration/awgr/awgr-record.ts'
import type { MeshCalibration } from '../../calibration/calibration-record.ts'
import { parameterBlocks } from '../../calibration/model/chip-parameters.ts'
import type { WrittenReport } from '../../cli/report.ts'
import { meshCoreLayout } from '../../core/mesh-layout.ts'
import { pngSize } from '../support/png-facts.ts'
import {
  copyOf,
  documentOf,
  edit,
  expectFailure,
  fringe,
  query,
  scratchFolder,
  SMALL_BENCH,
  smallAwgrJournal,
  smallJournal,
  writeSmallFactors,
} from './fringe-process.ts'
import { servedBench } from './served-bench.ts'
import type { Ended } from './fringe-process.ts'

const PATIENCE_MS = 240_000
const DIRECT = ['calibrate', SMALL_BENCH, '--sim=direct', '--seed', '3']

/** A folder with a copy of a journal, and the calibration in it. */
async function placed(of: () => Promise<string>): Promise<{ cwd: string; id: string; run: string; record: unknown }> {
  const cwd = await scratchFolder()
  await copyFile(join(await of(), 'fringe.db'), join(cwd, 'fringe.db'))
  const [row] = await query(join(cwd, 'fringe.db'), 'SELECT id, run, record FROM calibrations')
  const record = JSON.parse(String(row!['record'])) as unknown
  return { cwd, id: String(row!['id']), run: String(row!['run']), record }
}

async function reportOf(schema: string, ended: Ended): Promise<WrittenReport> {
  expect(ended.code, ended.stderr).toBe(0)
  return (await documentOf(schema, ended))['report'] as WrittenReport
}

/** Second cells of tables, by the first. */
function cells(page: string): ReadonlyMap<string, string> {
  return new Map([...page.matchAll(/^\| ([^|]+) \| ([^|]+) \|/gm)].map(([, what, value]) => [what!, value!]))
}

describe('fringe show --report', { timeout: PATIENCE_MS }, () => {
  test('writes a page whose numbers are those of the record, and its pictures', async () => {
    const { cwd, id, run, record } = await placed(smallJournal)
    const ended = await fringe(['show', run, '--report', '--json'], { cwd })
    const report = await reportOf('show', ended)
    const folder = `${run}-report`
    expect(report.file).toBe(join(folder, 'report.md'))
    expect(ended.stderr).toContain(`report ${report.file}`)
    const kinds = ['mesh', 'splitters', 'fringes', 'crosstalk', 'residuals', 'power']
    expect(report.pictures).toEqual(kinds.map((kind) => ({ kind, file: join(folder, `${kind}.png`) })))

    const page = await readFile(join(cwd, report.file), 'utf8')
    expect(page).toMatch(new RegExp(`^# Calibration ${id}\\n`))
    const links = [...page.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, link]) => link!)
    expect(links).toEqual(kinds.map((kind) => `${kind}.png`))
    for (const link of links)
      expect(pngSize(await readFile(join(cwd, folder, link))).width).toBeGreaterThanOrEqual(1600)

    const found = cells(page)
    const { fit, verification, size, lanes, design, chip, modulators } = record as MeshCalibration
    expect(found.get('effective bits')).toBe(verification.effectiveBits.toFixed(2))
    expect(Number(found.get('E'))).toBeCloseTo(verification.E, 5)
    expect(Number(found.get('TVD'))).toBeCloseTo(verification.tvd, 5)
    expect(found.get('crosstalk of heaters to the next one')).toBe(`${(100 * fit.crosstalkNeighbour).toPrecision(3)} %`)
    expect(found.get('residual on settings kept out of the fit')).toContain(
      `${(100 * fit.heldOutResidual).toPrecision(3)} %`,
    )
    expect(found.get('splitter angles, error from π/4')).toContain(`RMS ${(1e3 * fit.splitterRmsRad).toFixed(1)} mrad`)
    const blocks = parameterBlocks(meshCoreLayout(size, lanes, design))
    const lossDb = -20 * Math.log10(Math.exp(chip[blocks.logMziField]!))
    expect(found.get('loss of one interferometer, mean of all')).toBe(`${lossDb.toFixed(3)} dB`)
    const largest = Math.max(...chip.slice(blocks.alpha, blocks.logNeighbour).map(Math.abs))
    expect(found.get('largest splitter error')).toMatch(new RegExp(`^−?${(1e3 * largest).toFixed(1)} mrad: [αβ] of `))
    const [dim, bright] = chip.slice(blocks.logOut, blocks.logOut + 2).toSorted((a, b) => a - b)
    const dimDb = (20 / Math.LN10) * (bright! - dim!)
    expect(found.get('dimmest output')).toContain(
      `−${dimDb.toFixed(2)} dB beside the best of its lane: lane 0, output `,
    )
    const codes = modulators.radPerCode.flat().map((k) => Math.PI / 2 / k)
    expect(found.get('modulators, from null to full light')).toContain(Number(Math.min(...codes).toPrecision(4)))
    expect(found.get('chip')).toBe('twin, chip 3')
    expect(page).toMatch(/^\| dark \| \d+ \| \d+\.\d{3} \| {2}\|$/m)
    expect(page).toMatch(/^\| laser \| oif-itla \| `ASRL[^|]+` \| FRINGE SIM-ITLA SIM\d+ \|/m)
  })

  test('sets what the twin’s true parameters would have reached beside what was measured', async () => {
    const { cwd, run } = await placed(smallJournal)
    await edit(join(cwd, 'fringe.db'), `UPDATE calibrations SET record = json_set(record, '$.verification.E', 0.5)`)
    const { file } = await reportOf('show', await fringe(['show', run, '--report', 'r', '--json'], { cwd }))
    const page = await readFile(join(cwd, file), 'utf8')
    const oracle = (metric: string): number =>
      Number(new RegExp(`^\\| ${metric} \\| [^|]+ \\| ([\\d.e-]+) \\|`, 'm').exec(page)?.[1])
    expect(cells(page).get('E')).toBe('0.5')
    // Two ports with nothing unknown: codes of 8 bits are what is left.
    expect(oracle('E')).toBeGreaterThan(0)
    expect(oracle('E')).toBeLessThan(0.005)
    expect(oracle('effective bits')).toBeGreaterThan(8)
  })

  test('ends with commands that work', async () => {
    const { cwd, run } = await placed(smallJournal)
    await writeSmallFactors(cwd)
    const { file } = await reportOf('show', await fringe(['show', run, '--report', 'r', '--json'], { cwd }))
    const page = await readFile(join(cwd, file), 'utf8')
    const commands = [...page.matchAll(/^npx fringe (.+)$/gm)].map(([, words]) => words!.split(' '))
    expect(commands.map(([command]) => command)).toEqual(['matmul', 'calibrate', 'replay'])
    for (const command of commands) {
      const { code, stderr } = await fringe(command, { cwd })
      expect(code, stderr).toBe(0)
    }
  })

  test('tells of every detector and of its lane, from what the steps found', async () => {
    const { cwd, run, record } = await placed(smallJournal)
    const { file } = await reportOf('show', await fringe(['show', run, '--report', 'r', '--json'], { cwd }))
    const page = await readFile(join(cwd, file), 'utf8')
    const { brightest } = (record as MeshCalibration).detectors
    const rows = [...page.matchAll(/^\| 0 \| (\d) \| (plus|minus) \| (pm\.\d) \| (.*) \|$/gm)]
    expect(rows.map(([, port, side, at]) => [port, side, at])).toEqual([
      ...[0, 1].flatMap((port) => [
        [String(port), 'plus', `pm.${port + 1}`],
        [String(port), 'minus', `pm.${port + 3}`],
      ]),
    ])
    for (const [, port, side, , rest] of rows) {
      const [level, short, onePercent, floor, mostMw, belowDb] = rest!.split(' | ')
      expect(Number(level)).toBeGreaterThan(0.5)
      expect(short).toMatch(/^−?\d\.\d\d ± \d\.\d\d$/)
      expect(onePercent).toMatch(/^(> )?\d/)
      // A step of the 12 bits of a 0 dBm range is 0.49 µW.
      expect(Number(floor)).toBeLessThan(0.3)
      const kept = (side === 'plus' ? brightest!.plusMw : brightest!.minusMw)[0]![Number(port)]!
      expect(mostMw).toBe(kept.toFixed(3))
      expect(Number(belowDb!.replace('−', '-'))).toBeCloseTo(-10 * Math.log10(kept), 1)
    }
    // Laser beside its channel, late by, of other symbols: there is no other lane.
    expect(page).toMatch(/^\| 0 \| −?\d\.\d \| 0\.00 \| 0\.0\d \|$/m)
  })

  test('tells of rings, paths and leaks of an AWGR core', async () => {
    const { cwd, run, record } = await placed(smallAwgrJournal)
    const report = await reportOf('show', await fringe(['show', run, '--report', 'r', '--json'], { cwd }))
    const kinds = ['spectrum', 'crosstalk', 'fringes', 'residuals', 'power']
    expect(report.pictures.map(({ kind }) => kind)).toEqual(kinds)
    const page = await readFile(join(cwd, report.file), 'utf8')
    expect(page).toMatch(/^\| lane \| late, symbols \| of other symbols, % \|\n.*\n\| 0 \| 0\.00 \| 0\.00 \|$/m)
    const found = cells(page)
    const { fit, rings } = record as AwgrCalibration
    expect(found.get('accuracy of a weight −1…1')).toBe(`${fit.weightAccuracyBits.toFixed(2)} bits`)
    const tuning = rings.map(({ tuningGhzPerV2 }) => tuningGhzPerV2)
    expect(found.get('weakest heater')).toContain(`${Number(Math.min(...tuning).toPrecision(4))} GHz/V²: ring of `)
    expect(found.get('dimmest path')).toMatch(
      /^−\d+\.\d\d dB beside the brightest: input \d, wavelength \d, to output \d$/,
    )
  })

  test('is refused for runs that made no calibration, with the run that did', async () => {
    const { cwd, run } = await placed(smallJournal)
    const product = await fringe(['show', 'last', '--report', 'r', '--json'], { cwd })
    expect(await expectFailure(product, 2, 'CALL_INVALID')).toMatch(
      new RegExp(`\\(matmul\\) made no calibration.* was made by run ${run}`),
    )
    const bare = await copyOf(join(cwd, 'fringe.db'))
    await edit(bare, `UPDATE runs SET result = NULL, status = 'failed' WHERE kind = 'calibrate'`)
    const failed = await fringe(['show', run, '--journal', bare, '--report', 'r', '--json'], { cwd })
    expect(await expectFailure(failed, 2, 'CALL_INVALID')).toMatch(/\(failed\) has made no calibration/)
    expect((await readdir(cwd)).includes('r')).toBe(false)
  })

  test.each([
    ['a chip', ['show', '--chip', SMALL_BENCH, '--report'], /--report tells of a run, and --chip shows none/],
    [
      'a run after --report',
      ['show', '--report', 'last'],
      /"last" is the folder of --report, so write the run before it/,
    ],
  ])('is refused with 2 for %s', async (_, args, message) => {
    expect(await expectFailure(await fringe([...args, '--json']), 2, 'CALL_INVALID')).toMatch(message)
  })
})

describe('fringe calibrate --report', { timeout: PATIENCE_MS }, () => {
  test('reports what it has just made, and which run its steps were taken from', async () => {
    const cwd = await scratchFolder()
    const first = await fringe([...DIRECT, '--report', 'r', '--json'], { cwd })
    const { file } = await reportOf('calibrate', first)
    expect(first.stderr).toContain(`report: ${file}`)
    expect(await readFile(join(cwd, file), 'utf8')).toContain('it is repeated rather than replayed')
    await writeFile(join(cwd, 'r', 'notes.txt'), 'mine')
    const second = await documentOf('calibrate', await fringe([...DIRECT, '--report', 'r', '--json'], { cwd }))
    const page = await readFile(join(cwd, file), 'utf8')
    expect(page).toContain(`# Calibration ${String(second['calibration'])}`)
    const made = (await documentOf('calibrate', first))['run'] as string
    expect(page).toMatch(new RegExp(`^\\| columns \\| {2}\\| \\d+\\.\\d{3} \\| \`${made}\` \\|$`, 'm'))
    expect(await readFile(join(cwd, 'r', 'notes.txt'), 'utf8')).toBe('mine')
  })

  test('knows no oracle of hardware', async () => {
    const cwd = await scratchFolder()
    const served = await servedBench(cwd, SMALL_BENCH)
    const { file } = await reportOf(
      'calibrate',
      await fringe(['calibrate', served.bench, '--report', 'r', '--json'], { cwd }),
    )
    await served.stop()
    const page = await readFile(join(cwd, file), 'utf8')
    expect(cells(page).get('chip')).toBe('hardware')
    expect(page).toContain('| effective bits |')
    expect(page).not.toMatch(/oracle/i)
  })

  test('is refused before anything is opened where no report can be written', async () => {
    const cwd = await scratchFolder()
    await writeFile(join(cwd, 'taken'), '')
    const refused = await fringe([...DIRECT, '--report', 'taken', '--json'], { cwd })
    expect(await expectFailure(refused, 2, 'CALL_INVALID')).toMatch(/no report can be written to taken .*--report/)
    const nowhere = await fringe([...DIRECT, '--report', '/proc/nowhere', '--json'], { cwd })
    expect(await expectFailure(nowhere, 2, 'CALL_INVALID')).toMatch(/no report can be written to \/proc\/nowhere/)
    expect(await readdir(cwd)).toEqual(['taken'])
  })

  test('writes none without being asked, and none of a verification', async () => {
    const cwd = await scratchFolder()
    expect(await reportOf('calibrate', await fringe([...DIRECT, '--json'], { cwd }))).toBeNull()
    const verified = await fringe([...DIRECT, '--verify-only', '--report', '--json'], { cwd })
    expect(await expectFailure(verified, 2, 'CALL_INVALID')).toMatch(/--verify-only makes no calibration/)
  })
})
