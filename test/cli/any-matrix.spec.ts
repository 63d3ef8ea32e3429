import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, open, readFile, readdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeAll, describe, expect, test } from 'vitest'
import { DenseArray } from '../../orchestrator/arrays/dense-array.ts'
import { encodeNpyHeader } from '../../orchestrator/arrays/npy-header.ts'
import { decodeArray, encodeArray } from '../../orchestrator/arrays/npy.ts'
import { exactResult, productJob } from '../../orchestrator/jobs/product-job.ts'
import { normalArray } from '../support/normal-array.ts'
import {
  documentOf,
  edit,
  expectFailure,
  fringe,
  MAIN,
  query,
  scratchFolder,
  SMALL_BENCH,
  smallJournal,
} from './fringe-process.ts'

const PATIENCE_MS = 600_000

let calibrated = ''
beforeAll(async () => {
  calibrated = join(await smallJournal(), 'fringe.db')
}, PATIENCE_MS)

/** A folder with a calibrated journal, and what else is given. */
async function folderWith(arrays: Readonly<Record<string, DenseArray | Uint8Array>>): Promise<string> {
  const cwd = await scratchFolder()
  await cp(calibrated, join(cwd, 'fringe.db'))
  for (const [name, array] of Object.entries(arrays)) {
    await writeFile(join(cwd, name), array instanceof DenseArray ? encodeArray(array) : array)
  }
  return cwd
}

const product = (...words: readonly string[]): readonly string[] => [
  ...['matmul', SMALL_BENCH, 'A.npy', 'B.npy', '-o', 'C.npy', '--sim', '--seed', '3'],
  ...words,
]

/** RMS error relative to the RMS of the exact product. */
function relativeError(c: DenseArray, exact: DenseArray): number {
  const squares = exact.data.reduce((sum, value) => sum + value ** 2, 0)
  return Math.sqrt(exact.data.reduce((sum, value, i) => sum + (c.data[i]! - value) ** 2, 0) / squares)
}

describe('a product that is larger than its memory', { timeout: PATIENCE_MS }, () => {
  test('is computed in panels, written to its file alone, and replayed from the files of its factors', async () => {
    const [a, b] = [normalArray('A', [40, 4]), normalArray('B', [4, 9])]
    const cwd = await folderWith({ 'A.npy': a, 'B.npy': b })
    const document = await documentOf('matmul', await fringe(product('--memory', '1KiB', '--json'), { cwd }))
    expect(document).toMatchObject({ panels: 28, product: { rows: 40, columns: 9, kept: 'file' } })
    const c = decodeArray(await readFile(join(cwd, 'C.npy')), 'C.npy')
    expect(relativeError(c, await exactResult(productJob(a, b)))).toBeLessThan(0.02)
    const blobs = await query(join(cwd, 'fringe.db'), `SELECT sha256 FROM blobs WHERE sha256 = '${sha256Of(document)}'`)
    expect(blobs).toEqual([])

    const again = await documentOf('replay', await fringe(['replay', 'last', '--json'], { cwd }))
    expect(again).toMatchObject({ matched: true })

    const bytes = encodeArray(a)
    bytes[bytes.length - 1]! ^= 0x80
    await writeFile(join(cwd, 'A.npy'), bytes)
    const changed = await fringe(['replay', 'last'], { cwd })
    expect(changed.code).toBe(4)
    expect(changed.stdout).toMatch(/A\.npy, which was changed: expected "[0-9a-f]{64}", got "[0-9a-f]{64}"/)
  })

  test('diverges on the panel whose journalled SHA-256 is another', async () => {
    const cwd = await folderWith({ 'A.npy': normalArray('A', [40, 4]), 'B.npy': normalArray('B', [4, 3]) })
    expect((await fringe(product('--memory', '1KiB'), { cwd })).code).toBe(0)
    const edited = `UPDATE steps SET detail = json_set(detail, '$.sha256', '00') WHERE name = 'panel done' AND json_extract(detail, '$.panel') = 2`
    await edit(join(cwd, 'fringe.db'), edited)
    const { code, stdout } = await fringe(['replay', 'last'], { cwd })
    expect(code).toBe(4)
    expect(stdout).toMatch(/"panel done".*"panel":2,"sha256":"00"/s)
  })
})

const sha256Of = (document: Record<string, unknown>): string => (document['product'] as { sha256: string }).sha256

describe('what a user brings', { timeout: PATIENCE_MS }, () => {
  test('batches of complex matrices come out as NumPy would have them, and are replayed', async () => {
    const [a, b] = [normalArray('A', [2, 1, 3, 4], true), normalArray('B', [2, 4, 3])]
    const cwd = await folderWith({ 'A.npy': a, 'B.npy': b })
    const { code, stdout } = await fringe(product('--dtype', 'float32'), { cwd })
    expect(code).toBe(0)
    expect(stdout).toContain('C (2×2×3×3 complex)')
    const bytes = await readFile(join(cwd, 'C.npy'))
    expect(bytes.subarray(0, 128).toString('latin1')).toContain(`'descr': '<c8'`)
    const c = decodeArray(bytes, 'C.npy')
    expect(c.shape).toEqual([2, 2, 3, 3])
    expect(relativeError(c, await exactResult(productJob(a, b)))).toBeLessThan(0.02)
    expect(await documentOf('replay', await fringe(['replay', 'last', '--json'], { cwd }))).toMatchObject({
      matched: true,
    })
    expect((await fringe(['show', 'last'], { cwd })).stdout).toContain('A A.npy (2×1×3×4 complex), B B.npy (2×4×3)')
  })

  test('comes through standard input, and goes to standard output and nowhere else', async () => {
    const [a, b] = [normalArray('A', [6, 4]), normalArray('B', [4, 3])]
    const cwd = await folderWith({ 'B.npy': b })
    const words = product().map((word) => ({ 'A.npy': '-', 'C.npy': '-' })[word] ?? word)
    const child = spawn(process.execPath, [MAIN, ...words], { cwd, stdio: ['pipe', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stdin.end(encodeArray(a))
    const closed = once(child, 'close').then(([code]) => code as number | null)
    const [said, code] = await Promise.all([text(child.stderr), closed])
    expect(code, said).toBe(0)
    expect(relativeError(decodeArray(Buffer.concat(chunks), 'C'), await exactResult(productJob(a, b)))).toBeLessThan(
      0.02,
    )
    expect(said).toContain('C is on standard output')
    expect((await readdir(cwd)).filter((name) => name.includes('npy'))).toEqual(['B.npy'])
  })

  test.each([
    ['both factors from standard input', ['-', '-', 'C.npy'], /cannot both come from standard input/],
    ['C and JSON on standard output', ['A.npy', 'B.npy', '-'], /-o - and --json both want standard output/],
  ])('%s is refused with 2', async (_, [a, b, c], message) => {
    const places: Readonly<Record<string, string>> = { 'A.npy': a!, 'B.npy': b!, 'C.npy': c! }
    const words = product('--json').map((word) => places[word] ?? word)
    expect(await expectFailure(await fringe(words), 2, 'CALL_INVALID')).toMatch(message)
  })

  test('is refused before anything is switched on when C is larger than the disk', async () => {
    // Zeros that take no room: 3 TB of C from 3 MB of factors.
    const cwd = await scratchFolder()
    for (const [name, shape] of [
      ['A.npy', [600_000, 1]],
      ['B.npy', [1, 600_000]],
    ] as const) {
      await writeFile(join(cwd, name), encodeNpyHeader(shape))
      await truncate(join(cwd, name), 128 + 8 * 600_000)
    }
    const message = await expectFailure(await fringe(product('--json'), { cwd }), 2, 'ARRAY_FILE_INVALID')
    expect(message).toMatch(
      /C\.npy cannot be written: the job needs 2\.88e\+3 GB on its disk, and .* GB are free; make/,
    )
    expect(await readdir(cwd)).toEqual(['A.npy', 'B.npy'])
  })

  test('is refused where float32 may not hold the product', async () => {
    const large = normalArray('A', [4, 4])
    large.data[3] = 1e38
    const cwd = await folderWith({ 'A.npy': large, 'B.npy': normalArray('B', [4, 3]) })
    const ended = await fringe(product('--json', '--dtype', 'float32'), { cwd })
    const right = /A\.npy times B\.npy may exceed what float32 holds: scale one of them, or leave out --dtype float32/
    expect(await expectFailure(ended, 2, 'ARRAY_FILE_INVALID')).toMatch(right)
  })

  test('leaves the older C as it was when the run fails', async () => {
    const cwd = await folderWith({ 'A.npy': normalArray('A', [40, 4]), 'B.npy': normalArray('B', [4, 3]) })
    await writeFile(join(cwd, 'C.npy'), 'older')
    await using other = await open(join(cwd, 'C.npy'), 'r')
    const ended = await fringe(product('--memory', '1KiB', '--calibration', 'cal-none', '--json'), { cwd })
    expect(ended.code).toBe(2)
    expect(await other.readFile('utf8')).toBe('older')
    expect((await readdir(cwd)).filter((name) => name.includes('.part'))).toEqual([])
  })
})
