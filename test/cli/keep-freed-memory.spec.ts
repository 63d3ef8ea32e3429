import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { keepFreedMemory } from '../../cli/keep-freed-memory.ts'

const MODULE = join(import.meta.dirname, '..', '..', 'cli', 'keep-freed-memory.ts')
const LOADER = join(import.meta.dirname, '..', 'support', 'typescript-loader.mjs')

/** Page faults of a process that takes and frees sixteen pieces of 1 MiB fifty times. */
async function faults(before: string): Promise<number> {
  const script = `
    const { keepFreedMemory } = await import(${JSON.stringify(MODULE)})
    ${before}
    const fill = () => {
      for (let i = 0; i < 50; i++) {
        for (let piece = 0; piece < 16; piece++) Buffer.allocUnsafeSlow(2 ** 20).fill(i)
        gc()
      }
      return process.resourceUsage().minorPageFault
    }
    const first = fill()
    console.log(fill() - first)`
  const args = ['--expose-gc', '--import', LOADER, '--input-type=module', '-e', script]
  return Number((await promisify(execFile)(process.execPath, args)).stdout)
}

test('a process that keeps freed memory does not fetch it again page by page', async ({ skip }) => {
  if (!keepFreedMemory()) skip('this C library has no mallopt')
  const [given, kept] = [await faults(''), await faults('keepFreedMemory()')]
  expect(kept).toBeLessThan(given / 2)
})
