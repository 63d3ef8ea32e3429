import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  copyOf,
  documentOf,
  edit,
  expectFailure,
  fringe,
  query,
  schemas,
  scratchFolder,
  SMALL_BENCH,
  smallJournal,
} from './fringe-process.ts'
import type { MeshCalibration } from '../../calibration/calibration-record.ts'
import { LO_POINTS } from '../../calibration/steps/local-oscillators.ts'
import type { EnergyDocument } from '../../cli/matmul-job.ts'
import { measured } from '../../cli/numbers.ts'
import { pngSize } from '../support/png-facts.ts'
import { canParseXml, svgFacts } from '../support/svg-facts.ts'
import type { SvgFacts } from '../support/svg-facts.ts'

const PATIENCE_MS = 240_000
if (!canParseXml) console.info('No Python with xml.etree: what written pictures hold is not checked.')

describe('fringe show --plot', { timeout: PATIENCE_MS }, () => {
  let journal = ''
  beforeAll(async () => {
    journal = join(await smallJournal(), 'fringe.db')
  }, PATIENCE_MS)

  async function idOf(kind: string): Promise<string> {
    return String((await query(journal, `SELECT id FROM runs WHERE kind = '${kind}'`))[0]?.['id'])
  }

  async function placed(): Promise<string> {
    const cwd = await scratchFolder()
    await copyFile(journal, join(cwd, 'fringe.db'))
    return cwd
  }

  test('draws mesh and errors of a product into RUN-plots, names the files, and draws the same again', async () => {
    const [cwd, run] = [await placed(), await idOf('matmul')]
    const shown = await documentOf('show', await fringe(['show', 'last', '--plot', '--json'], { cwd }))
    expect(shown['plots']).toEqual([
      { kind: 'mesh', file: join(`${run}-plots`, 'mesh.svg') },
      { kind: 'errors', file: join(`${run}-plots`, 'errors.svg') },
      { kind: 'power', file: join(`${run}-plots`, 'power.svg') },
      { kind: 'energy', file: join(`${run}-plots`, 'energy.svg') },
    ])
    const read = async (): Promise<string[]> =>
      Promise.all(['mesh', 'errors'].map((name) => readFile(join(cwd, `${run}-plots`, `${name}.svg`), 'utf8')))
    const [mesh, errors] = await read()
    await writeFile(join(cwd, `${run}-plots`, 'notes.txt'), 'mine')
    const { stdout } = await fringe(['show', run, '--plot'], { cwd })
    expect(stdout).toContain(`picture ${join(`${run}-plots`, 'errors.svg')}`)
    expect(await read()).toEqual([mesh, errors])
    expect(await readdir(join(cwd, `${run}-plots`))).toEqual([
      ...['energy.svg', 'errors.svg', 'mesh.svg', 'notes.txt', 'power.svg'],
    ])
    if (!canParseXml) return
    const facts = await svgFacts(mesh!)
    expect(facts.classes).toMatchObject({ mzi: 2, attenuator: 2 })
    expect(facts.words).toContain(`run ${run} (matmul) · bench small-bench · twin, chip 3`)
    const { effectiveBits } = shown['result'] as { effectiveBits: number }
    expect((await svgFacts(errors!)).words.join(' ')).toContain(
      `18 elements; ${effectiveBits.toFixed(2)} effective bits`,
    )
  })

  test('draws the cold chip and its splitters of a calibration, into the folder that was named', async () => {
    const cwd = await placed()
    const ended = await fringe(['show', await idOf('calibrate'), '--plot', 'a/b', '--json'], { cwd })
    expect((await documentOf('show', ended))['plots']).toEqual([
      { kind: 'mesh', file: join('a', 'b', 'mesh.svg') },
      { kind: 'splitters', file: join('a', 'b', 'splitters.svg') },
      { kind: 'fringes', file: join('a', 'b', 'fringes.svg') },
      { kind: 'crosstalk', file: join('a', 'b', 'crosstalk.svg') },
      { kind: 'residuals', file: join('a', 'b', 'residuals.svg') },
      { kind: 'power', file: join('a', 'b', 'power.svg') },
    ])
    expect(await readFile(join(cwd, 'a/b/mesh.svg'), 'utf8')).toContain('all heaters at 0 V')
    expect(await readFile(join(cwd, 'a/b/splitters.svg'), 'utf8')).toContain('Splitters of the fitted chip')
  })

  test('draws fringes, crosstalk and residuals as the record and the steps have them', async () => {
    const cwd = await placed()
    const ended = await fringe(['show', await idOf('calibrate'), '--plot', 'p', '--json'], { cwd })
    const { calibration } = await documentOf('show', ended)
    const { fit } = calibration as { fit: MeshCalibration['fit'] }
    if (!canParseXml) return
    const factsOf = async (name: string): Promise<SvgFacts> =>
      svgFacts(await readFile(join(cwd, 'p', `${name}.svg`), 'utf8'))
    const fringes = await factsOf('fringes')
    // Two outputs on one lane, two detectors each, at LO_POINTS phases.
    expect(fringes.classes).toMatchObject({ panel: 2, point: 2 * 2 * LO_POINTS })
    expect(fringes.words.join(' ')).toMatch(/output 1: 0\.\d{4,5} rad\/V²/)
    const crosstalk = await factsOf('crosstalk')
    expect(crosstalk.classes).toMatchObject({ heater: 1, victim: 80 })
    const next = (100 * fit.crosstalkNeighbour).toPrecision(2)
    expect(crosstalk.words.filter((word) => word === next).length).toBeGreaterThanOrEqual(4)
    const residuals = (await factsOf('residuals')).words.join(' ')
    expect(residuals).toContain(`on the ${fit.settings} settings`)
    expect(residuals).toContain('fitted less measured matrix element, % of the RMS reading of its lane')
  })

  test('draws power over time and energy by component with the numbers of samples and ledger', async () => {
    const cwd = await placed()
    const ended = await fringe(['show', 'last', '--plot', 'p', '--json'], { cwd })
    const { result, run } = await documentOf('show', ended)
    const { boundaries, shares } = (result as { energy: EnergyDocument }).energy
    if (!canParseXml) return
    const energy = await svgFacts(await readFile(join(cwd, 'p', 'energy.svg'), 'utf8'))
    expect(energy.words.join(' ')).toContain(measured(boundaries.at(-1)!.joules))
    for (const { component, source } of shares) expect(energy.words).toContain(`${component}, ${source}`)
    const power = await svgFacts(await readFile(join(cwd, 'p', 'power.svg'), 'utf8'))
    expect(power.words).toContain('whole bench, W')
    const samples = await query(
      journal,
      `SELECT 1 FROM samples WHERE run = '${String(run)}' AND unit = 'W' AND quantity LIKE 'power of %'`,
    )
    expect(power.words.join(' ')).toContain(`${samples.length} samples`)
  })

  test('draws as PNG on request, the same bytes again', async () => {
    const cwd = await placed()
    const ended = await fringe(['show', 'last', '--plot', 'p', '--format', 'png', '--json'], { cwd })
    expect((await documentOf('show', ended))['plots']).toEqual([
      { kind: 'mesh', file: join('p', 'mesh.png') },
      { kind: 'errors', file: join('p', 'errors.png') },
      { kind: 'power', file: join('p', 'power.png') },
      { kind: 'energy', file: join('p', 'energy.png') },
    ])
    const errors = await readFile(join(cwd, 'p', 'errors.png'))
    await fringe(['show', 'last', '--plot', 'q', '--format', 'png'], { cwd })
    expect(await readFile(join(cwd, 'q', 'errors.png'))).toEqual(errors)
    expect(pngSize(errors).width).toBe(1600)
  })

  test('draws the fringes of a calibration that did not come to its end', async () => {
    const bare = await copyOf(journal)
    await edit(bare, `UPDATE runs SET result = NULL WHERE kind = 'calibrate'`)
    const cwd = await scratchFolder()
    const ended = await fringe(['show', await idOf('calibrate'), '--journal', bare, '--plot', 'p', '--json'], { cwd })
    expect((await documentOf('show', ended))['plots']).toEqual([
      { kind: 'fringes', file: join('p', 'fringes.svg') },
      { kind: 'power', file: join('p', 'power.svg') },
    ])
  })

  test('writes nothing without being asked', async () => {
    const cwd = await placed()
    const shown = await documentOf('show', await fringe(['show', 'last', '--json'], { cwd }))
    expect(shown['plots']).toEqual([])
    // SQLite may keep files of its own beside the journal.
    expect((await readdir(cwd)).filter((name) => !name.startsWith('fringe.db'))).toEqual([])
  })

  test('is refused for a run with nothing to draw, and for a folder that is a file', async () => {
    const bare = await copyOf(journal)
    await edit(bare, `UPDATE runs SET result = NULL WHERE kind = 'calibrate'`)
    await edit(bare, `DELETE FROM steps WHERE name = 'result'`)
    await edit(bare, 'DELETE FROM samples')
    const nothing = await fringe(['show', await idOf('calibrate'), '--journal', bare, '--plot', '--json'])
    expect(await expectFailure(nothing, 2, 'CALL_INVALID')).toMatch(/nothing to draw: leave out --plot/)
    const cwd = await placed()
    await writeFile(join(cwd, 'taken'), '')
    const refused = await fringe(['show', 'last', '--plot', 'taken', '--json'], { cwd })
    expect(await expectFailure(refused, 2, 'CALL_INVALID')).toMatch(/no pictures can be written to taken/)
  })

  test.each([
    ['neither a run nor a chip', ['show'], /say which run to show, or whose chip with --chip BENCH/],
    ['a run after --plot', ['show', '--plot', 'last'], /"last" is the folder of --plot, so write the run before it/],
    ['both a run and a chip', ['show', 'last', '--chip', 'x.yaml'], /--chip shows no run: leave out "last"/],
    ['pictures of a chip', ['show', '--chip', 'x.yaml', '--plot'], /--plot draws a run/],
    ['a form without pictures', ['show', 'last', '--format', 'png'], /--format says what --plot writes: add --plot/],
    ['another form', ['show', 'last', '--plot', '--format', 'gif'], /svg, png/],
    ['a seed for a run', ['show', 'last', '--seed', '3'], /--seed chooses the chip that --chip BENCH shows/],
  ])('is refused with 2 for %s', async (_, args, message) => {
    expect(await expectFailure(await fringe([...args, '--json']), 2, 'CALL_INVALID')).toMatch(message)
  })
})

describe('fringe show --chip', { timeout: PATIENCE_MS }, () => {
  test('prints parameters, statistics and devices, and all of it to the documented form', async () => {
    const ended = await fringe(['show', '--chip', SMALL_BENCH, '--seed', '3', '--json'])
    expect(ended.code, ended.stderr).toBe(0)
    const document = await documentOf('chip', ended)
    expect(document).toMatchObject({
      bench: { name: 'small-bench' },
      seed: 3,
      parameters: { mziLossDb: { default: 0.1, min: 0, max: 3 } },
    })
    expect(ended.stderr).toMatch(/^chip 3 of bench small-bench/)
    expect(ended.stderr).toMatch(/^chip\.first alphaRad +1 /m)
    expect(ended.stderr).toMatch(/^theta mesh first mzi 0 +\S+ +\S+ +1500$/m)
    const validate = (await schemas()).getSchema('chip.schema.json')
    for (const key of Object.keys(document)) expect(validate?.({ ...document, [key]: undefined })).toBe(false)
  })

  test('shows chip 1 where no seed is named, and says what is wrong with a bench file', async () => {
    expect(await documentOf('chip', await fringe(['show', '--chip', SMALL_BENCH, '--json']))).toMatchObject({ seed: 1 })
    const folder = join(await scratchFolder(), 'folder')
    await mkdir(folder)
    await expectFailure(await fringe(['show', '--chip', folder, '--json']), 2, 'BENCH_FILE_INVALID')
  })
})
