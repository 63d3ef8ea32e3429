import { access, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT, fringeOnce } from '../cli/fringe-process.ts'

/** Every ```sh block of README and docs, one command a line. */
async function documentedCommands(): Promise<{ page: string; command: string }[]> {
  const pages = ['README.md', ...(await readdir(join(ROOT, 'docs'))).filter(isPage).map((page) => `docs/${page}`)]
  const texts = await Promise.all(pages.map(async (page) => ({ page, text: await readFile(join(ROOT, page), 'utf8') })))
  return texts.flatMap(({ page, text }) =>
    [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) =>
      block!
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((command) => ({ page, command })),
    ),
  )
}

const isPage = (file: string): boolean => file.endsWith('.md')
const commands = await documentedCommands()
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fringe-docs-'))
  await symlink(join(ROOT, 'examples'), join(folder, 'examples'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('Every command in README and docs', () => {
  test('is one that this test can run, and there are some', () => {
    expect(commands.length).toBeGreaterThan(3)
    for (const { command } of commands) expect(command).toMatch(/^npx fringe /)
  })

  // In their order, in one folder: later ones look at what earlier ones did.
  test.each(commands)('$page: $command', { timeout: 300_000 }, async ({ command }) => {
    const { code, stderr } = await fringeOnce(command.split(/\s+/).slice(2), folder)
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  })
})

test('every page that README and docs link to is there', async () => {
  for (const page of [
    'README.md',
    ...(await readdir(join(ROOT, 'docs'))).filter(isPage).map((name) => `docs/${name}`),
  ]) {
    const text = await readFile(join(ROOT, page), 'utf8')
    for (const [, link] of text.matchAll(/\]\(([^)#]+)\)/g)) {
      if (link!.startsWith('http')) continue
      const target = join(ROOT, page, '..', link!)
      await expect(access(target), `${page} links to ${link!}`).resolves.toBeUndefined()
    }
  }
})
