import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { canParseXml, svgFacts } from '../support/svg-facts.ts'
import { documentOf, fringe, query, SMALL_AWGR_BENCH, smallAwgrJournal } from './fringe-process.ts'

const PATIENCE_MS = 120_000

describe('a small AWGR bench on its twin', { timeout: PATIENCE_MS }, () => {
  let folder = ''
  let runs: Readonly<Record<'calibrate' | 'matmul', string>>
  beforeAll(async () => {
    folder = await smallAwgrJournal()
    const rows = await query(join(folder, 'fringe.db'), 'SELECT kind, id FROM runs')
    runs = Object.fromEntries(rows.map(({ kind, id }) => [kind, id])) as typeof runs
  }, PATIENCE_MS)

  const inJournal = (...args: string[]): ReturnType<typeof fringe> => fringe(args, { cwd: folder })

  test('is calibrated by the product that needs it, and multiplies with more than 7 bits', async () => {
    const shown = await documentOf('show', await inJournal('show', runs.matmul, '--json'))
    expect((shown['result'] as { effectiveBits: number }).effectiveBits).toBeGreaterThan(7)
    const { stdout } = await inJournal('show', runs.calibrate)
    expect(stdout).toMatch(/fit of the rings: residual .* weights to .* bits/)
  })

  test.each([
    ['calibrate', 'the calibration is the same to the last digit'],
    ['matmul', 'C is the same bit for bit'],
  ] as const)('replays: %s', async (kind, same) => {
    const { code, stdout, stderr } = await inJournal('replay', runs[kind])
    expect(stdout, stderr).toContain(same)
    expect(code).toBe(0)
  })

  test('gives the same calibration over real wires and on the direct path', async () => {
    const fits = ['--sim', '--sim=wire', '--sim=direct'].map(async (sim, at) => {
      const journal = join(folder, `journal-${at}.db`)
      const ended = await fringe(['calibrate', SMALL_AWGR_BENCH, sim, '--seed', '3', '--journal', journal, '--json'], {
        cwd: folder,
      })
      const { fit, verification } = await documentOf('calibrate', ended)
      return { fit, verification }
    })
    const [pipes, wires, direct] = await Promise.all(fits)
    expect(wires).toEqual(pipes)
    expect(direct).toEqual(pipes)
  })

  test('shows the spectrum of its rings, cold and as programmed', async () => {
    for (const [kind, expected, heaters] of [
      ['calibrate', ['spectrum', 'crosstalk', 'fringes', 'residuals', 'power'], 'all heaters at 0 V'],
      ['matmul', ['spectrum', 'errors', 'power', 'energy'], 'heaters as programmed for the first tile of B'],
    ] as const) {
      const place = join(folder, `pictures-${kind}`)
      const shown = await documentOf('show', await inJournal('show', runs[kind], '--plot', place, '--json'))
      expect((shown['plots'] as { kind: string }[]).map((plot) => plot.kind)).toEqual(expected)
      if (!canParseXml) continue
      const { words } = await svgFacts(await readFile(join(place, 'spectrum.svg'), 'utf8'))
      expect(words).toContain('Rings of input port 0, 2 × 2 AWGR core')
      expect(words.join(' ')).toContain(heaters)
      expect(words).toEqual(expect.arrayContaining(['dropped', 'let through']))
    }
  })
})
