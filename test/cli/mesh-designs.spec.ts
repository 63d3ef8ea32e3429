import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DEFAULT_DESIGN } from '../../core/mesh-design.ts'
import type { MeshDesign } from '../../core/mesh-design.ts'
import { writeNpy } from '../../orchestrator/arrays/npy.ts'
import { meshBenchText } from '../../perf/mesh-bench-text.ts'
import { documentOf, fringe, query, scratchFolder } from './fringe-process.ts'

const UNITARY: MeshDesign = { ...DEFAULT_DESIGN, form: 'unitary' }
const INTENSITY: MeshDesign = { ...DEFAULT_DESIGN, detection: 'intensity' }
const THREE: MeshDesign = { arrangement: 'reck', mzi: 'three-splitter', form: 'svd' }

/** A folder with a bench of two ports, and factors: B is no multiple of an orthogonal matrix, H is. */
async function folderWith(design: MeshDesign): Promise<string> {
  const folder = await scratchFolder()
  await writeFile(join(folder, 'bench.yaml'), meshBenchText(2, design))
  await writeNpy(join(folder, 'A.npy'), { shape: [3, 2], data: Float64Array.of(1, -0.5, 0.25, 1, -1, 0.125) })
  await writeNpy(join(folder, 'B.npy'), { shape: [2, 2], data: Float64Array.of(1, 2, 3, 4) })
  await writeNpy(join(folder, 'H.npy'), { shape: [2, 4], data: Float64Array.of(5, 5, 0, 2, 5, -5, 2, 0) })
  return folder
}
const product = (b: string): string[] => ['matmul', 'bench.yaml', 'A.npy', b, '-o', 'C.npy', '--sim', '--json']

describe('a bench with another mesh', { timeout: 120_000 }, () => {
  test('that cannot be calibrated is checked and shown, and refused before anything is opened', async () => {
    const cwd = await folderWith(THREE)
    for (const sim of ['--sim', '--sim=direct']) {
      const checked = await fringe(['check', 'bench.yaml', sim], { cwd })
      expect(checked.code, checked.stderr).toBe(0)
    }
    const shown = await fringe(['show', '--chip', 'bench.yaml'], { cwd })
    expect(shown.stdout).toContain('core: layout reck, mzi three-splitter, form svd, size 2')
    expect(shown.stdout).toMatch(/chip\.first thirdRad +1 /)
    for (const call of [['calibrate', 'bench.yaml', '--sim'], product('B.npy')]) {
      const refused = await fringe(call, { cwd })
      expect(refused.code).toBe(2)
      expect(refused.stderr).toMatch(
        /error: bench\.yaml:\d+:\d+ core - a mesh core of layout reck, mzi three-splitter, form svd, size 2 can/,
      )
    }
    await expect(access(join(cwd, 'fringe.db'))).rejects.toThrow('ENOENT')
  })

  test('whose intensities are read is checked every way and shown, and refused where its detection is written', async () => {
    const cwd = await folderWith(INTENSITY)
    const lines = (await readFile(join(cwd, 'bench.yaml'), 'utf8')).split('\n')
    const line = lines.findIndex((each) => each.includes('"kind": "intensity"'))
    const column = lines[line]!.indexOf('"intensity"')
    for (const sim of ['--sim', '--sim=wire', '--sim=direct']) {
      const checked = await fringe(['check', 'bench.yaml', sim], { cwd })
      expect(checked.code, checked.stderr).toBe(0)
    }
    const shown = await fringe(['show', '--chip', 'bench.yaml'], { cwd })
    expect(shown.code, shown.stderr).toBe(0)
    expect(shown.stdout).toContain('core: layout clements, mzi plain, form svd, detection intensity, size 2')
    // One photodiode an output, and nothing of local oscillators.
    expect(shown.stdout).toMatch(/photodiodes gain +2 /)
    expect(shown.stdout).not.toMatch(/loRe|lo lane/)
    const pairs = await fringe(['show', '--chip', join(await folderWith(DEFAULT_DESIGN), 'bench.yaml')], { cwd })
    expect(pairs.stdout).toMatch(/lo lane 0 port 1/)
    expect(pairs.stdout).toMatch(/paths\[0\] loRe +2 /)
    for (const call of [['calibrate', 'bench.yaml', '--sim'], ['calibrate', 'bench.yaml'], product('B.npy')]) {
      const refused = await fringe(call, { cwd })
      expect(refused.code).toBe(2)
      expect(refused.stderr).toContain(
        `error: bench.yaml:${line + 1}:${column + 1} detection.kind - a mesh core of layout clements, mzi plain, form svd, detection intensity, size 2, lanes 1 can be simulated, and is not calibrated by intensities; this one is: layout clements, mzi plain, form unitary, detection intensity, size 3 and more, lanes 1`,
      )
      expect(refused.stderr.match(/error:/g)).toHaveLength(1)
    }
    await expect(access(join(cwd, 'fringe.db'))).rejects.toThrow('ENOENT')
    await expect(access(join(cwd, 'C.npy'))).rejects.toThrow('ENOENT')
  })

  test('of a single mesh multiplies orthogonal tiles, and refuses others before it calibrates', async () => {
    const cwd = await folderWith(UNITARY)
    const refused = await fringe(product('B.npy'), { cwd })
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain(
      'B.npy, 2 rows from 0 and 2 columns from 0: a unitary core cannot make these weights',
    )
    expect(refused.stderr).not.toContain('calibrating first')

    const done = await fringe(product('H.npy'), { cwd })
    expect(done.code, done.stderr).toBe(0)
    const { effectiveBits } = await documentOf('matmul', done)
    expect(effectiveBits).toBeGreaterThan(7)
    const replayed = await fringe(['replay', 'last'], { cwd })
    expect(replayed.stdout).toContain('C is the same bit for bit')
    const drawn = await fringe(['show', 'last', '--plot', 'plots'], { cwd })
    expect(drawn.code, drawn.stderr).toBe(0)
    await access(join(cwd, 'plots', 'mesh.svg'))
    const [made] = await query(join(cwd, 'fringe.db'), `SELECT id FROM runs WHERE kind = 'calibrate'`)
    const reported = await fringe(['show', String(made!['id']), '--report', 'r'], { cwd })
    expect(reported.code, reported.stderr).toBe(0)
    const page = await readFile(join(cwd, 'r', 'report.md'), 'utf8')
    expect(page).toMatch(/\| largest splitter error \| −?[\d.]+ mrad: [αβ] of U, column 0, waveguides 0 and 1 \|/)
  })
})
