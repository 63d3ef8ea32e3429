import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readCores } from '../../bench/bench-file.ts'
import { documentOf, fringe, ROOT, scratchFolder } from './fringe-process.ts'

const EXAMPLES = join(ROOT, 'examples')
const benches = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.yaml'))

describe('example benches on their twins', { timeout: 300_000 }, () => {
  test.each(benches)('%s: every instrument answers, as what the file says', async (name) => {
    const instruments = new Map((await readCores(join(EXAMPLES, name))).flatMap((core) => [...core.instruments]))
    const ended = await fringe(['check', join(EXAMPLES, name), '--sim', '--json'])
    expect(ended.code, ended.stderr).toBe(0)
    const document = await documentOf('check', ended)
    const lines = Array.from(instruments.values(), (line) => ({ name: line.name, driver: line.driver, error: null }))
    expect(document).toMatchObject({ ok: true, instruments: lines })
  })

  // The other large one, mesh-64.yaml, takes minutes: `npm run bench -- larger-cores` runs it.
  test('awgr-16.yaml is calibrated, multiplies with more than 7 bits, and its product is replayed', async () => {
    const cwd = await scratchFolder()
    const factors = ['A', 'B'].map((name) => join(EXAMPLES, 'data', `${name}.npy`))
    const made = await fringe(
      ['matmul', join(EXAMPLES, 'awgr-16.yaml'), ...factors, '-o', 'C.npy', '--sim', '--seed', '2', '--json'],
      { cwd },
    )
    expect(made.code, made.stderr).toBe(0)
    const { effectiveBits } = (await documentOf('matmul', made)) as { effectiveBits: number }
    expect(effectiveBits).toBeGreaterThan(7)
    const replayed = await documentOf('replay', await fringe(['replay', 'last', '--json'], { cwd }))
    expect(replayed).toMatchObject({ matched: true, divergence: null })
  })
})
