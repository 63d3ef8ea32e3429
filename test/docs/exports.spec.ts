import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { fringeOnce, ROOT, scratchFolder, smallJournal } from '../cli/fringe-process.ts'
import { pythonHas, runPython } from '../support/python.ts'

const PATIENCE_MS = 240_000
const page = await readFile(join(ROOT, 'docs', 'exports.md'), 'utf8')
const snippets = [...page.matchAll(/```python\n([\s\S]*?)```/g)].map(([, code]) => code!)
const modulesOf = (code: string): string[] => ['numpy', 'h5py'].filter((name) => code.includes(name))

let journal = ''
beforeAll(async () => {
  journal = join(await smallJournal(), 'fringe.db')
}, PATIENCE_MS)

test('the page on exports shows how to read three forms in Python', () => {
  expect(snippets.map(modulesOf)).toEqual([['numpy'], ['h5py'], []])
})

for (const [index, code] of snippets.entries()) {
  const file = ['run.npz', 'run.h5', 'samples.csv'][index]!
  test.skipIf(!pythonHas(...modulesOf(code)))(
    `Python reads ${file} as the page says`,
    { timeout: PATIENCE_MS },
    async () => {
      const cwd = await scratchFolder()
      const table = file.endsWith('.csv') ? ['--table', 'samples'] : []
      const { code: exit, stderr } = await fringeOnce(
        ['export', 'last', '--journal', journal, '-o', file, ...table],
        cwd,
      )
      expect(exit, stderr).toBe(0)
      const said = await runPython(`import os\nos.chdir(${JSON.stringify(cwd)})\n${code}`, { modules: modulesOf(code) })
      expect(said).toMatch(/^\d{8}-\d{6}-\d\d /)
    },
  )
}
