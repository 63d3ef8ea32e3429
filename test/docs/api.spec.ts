import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { ROOT } from '../cli/fringe-process.ts'

/*
 * Every program in docs/api.md and examples/, run from its text, on the twin. The snippets of the page make one
 * program.
 */
const PATIENCE_MS = 600_000
const home = process.cwd()
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fringe-api-'))
  await symlink(join(ROOT, 'examples'), join(folder, 'examples'))
  process.chdir(folder)
})
afterEach(() => void vi.restoreAllMocks())
afterAll(async () => {
  process.chdir(home)
  await rm(folder, { recursive: true, force: true })
})

/** What a program prints. */
async function printed(program: string): Promise<string> {
  const file = join(folder, `program-${Math.random().toString(36).slice(2)}.ts`)
  await writeFile(file, program)
  const lines: string[] = []
  vi.spyOn(console, 'log').mockImplementation((...words) => void lines.push(words.map(String).join(' ')))
  await import(/* @vite-ignore */ pathToFileURL(file).href)
  return lines.join('\n')
}

describe('programs that use Fringe', { timeout: PATIENCE_MS }, () => {
  test('as docs/api.md shows them run, and say what the page says', async () => {
    const page = await readFile(join(ROOT, 'docs', 'api.md'), 'utf8')
    const snippets = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!)
    expect(snippets.length).toBeGreaterThan(3)
    const said = await printed(snippets.join('\n'))
    expect(said).toMatch(/^cal-\d{8}-\d{6}-\d{2} \d/)
    expect(said).toContain('2,1,2 true')
    expect(said).toMatch(/\d C\.npy\n/)
    expect(said).toMatch(/\nfc1 12 \d[\d.e+]*\nfc2 18 \d[\d.e+]*\n30 \d/)
    expect(said).toContain('1,4,5')
    expect(said).toContain('Error: no time left')
    expect(said).toContain('A is 2×3 and B is 2×3: A needs as many columns as B has rows')
    expect(await readdir(folder)).toContain('C.npy')
  })

  test('as examples/ holds them run, too', async () => {
    const examples = (await readdir(join(ROOT, 'examples'))).filter((name) => name.endsWith('.ts'))
    expect(examples.length).toBeGreaterThan(0)
    for (const example of examples) {
      const said = await printed(await readFile(join(ROOT, 'examples', example), 'utf8'))
      expect(said).toMatch(/effective bits; run \d{8}/)
    }
  })
})
