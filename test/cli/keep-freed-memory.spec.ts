import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { keepFreedMemory } from '../../cli/keep-freed-memory.ts'

const MODULE = join(import.meta.dirname, '..', '..', 'cli', 'keep-freed-memory.ts')
const LOADER = join(import.meta.dirname, '..', 'support', 'typescript-loader.mjs')
const PIECES = 128

/** MiB that a process still holds of 128 once it has freed them. */
async function heldMib(before: string): Promise<number> {
  const script = `
    const { keepFreedMemory } = await import(${JSON.stringify(MODULE)})
    ${before}
    const emptyBytes = process.memoryUsage().rss
    Array.from({ length: ${PIECES} }, () => Buffer.allocUnsafeSlow(2 ** 20).fill(1))
    for (let time = 0; time < 10; time++) {
      await new Promise(setImmediate)
      gc()
    }
    console.log((process.memoryUsage().rss - emptyBytes) / 2 ** 20)`
  const args = ['--expose-gc', '--import', LOADER, '--input-type=module', '-e', script]
  return Number((await promisify(execFile)(process.execPath, args)).stdout)
}

test('freed memory goes back to the kernel, unless the process is told to keep it', async ({ skip }) => {
  if (!keepFreedMemory()) skip('this C library has no mallopt')
  // Now and then something small lies above the freed pieces and holds them.
  const tries = await Promise.all([heldMib(''), heldMib(''), heldMib(''), heldMib('')])
  expect(Math.min(...tries)).toBeLessThan(PIECES / 2)
  expect(await heldMib('keepFreedMemory()')).toBeGreaterThan(PIECES / 2)
}, 60_000)
