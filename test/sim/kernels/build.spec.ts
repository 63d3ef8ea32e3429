import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { KERNELS_WASM } from '../../../sim/kernels/wasm-engine.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const ASC = join(ROOT, 'node_modules/assemblyscript/bin/asc.js')

test('the kernels in use are what their sources compile to (if not: npm run prepare)', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fringe-kernels-'))
  try {
    const outFile = join(folder, 'kernels.wasm')
    const args = [ASC, '--config', 'sim/kernels/asconfig.json', '--outFile', outFile]
    await promisify(execFile)(process.execPath, args, { cwd: ROOT })
    expect(Buffer.compare(await readFile(KERNELS_WASM), await readFile(outFile))).toBe(0)
  } finally {
    await rm(folder, { recursive: true })
  }
})
