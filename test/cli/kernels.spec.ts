import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { sealOf, sha256 } from '../../cli/run-job.ts'
import { RandomStream } from '../../core/random.ts'
import { readNpy, writeNpy } from '../../orchestrator/arrays/npy.ts'
import { exactProduct } from '../../orchestrator/jobs/matmul.ts'
import type { RunHeader } from '../../orchestrator/journal/records.ts'
import { oncePerRun } from '../support/once-per-run.ts'
import {
  copyOf,
  DEFAULT_BENCH,
  documentOf,
  edit,
  expectFailure,
  fringe,
  fringeOnce,
  productOf,
  query,
  scratchFolder,
  SMALL_AWGR_BENCH,
  SMALL_BENCH,
  startFringe,
  untilStep,
  writeSmallFactors,
} from './fringe-process.ts'

const PATIENCE_MS = 120_000
const byKernels = (bench: string): readonly string[] =>
  productOf(bench).map((word) => (word === '--sim' ? '--sim=kernels' : word))

/** A of 600 × 20 and B of 20 × 10. */
async function writeFactors(folder: string): Promise<void> {
  const random = new RandomStream(9, 'factors')
  for (const [name, shape] of Object.entries({ A: [600, 20], B: [20, 10] } as const)) {
    const data = Float64Array.from({ length: shape[0] * shape[1] }, () => random.normal())
    await writeNpy(join(folder, `${name}.npy`), { shape, data })
  }
}

describe('a product by kernels', { timeout: PATIENCE_MS }, () => {
  let place = ''
  beforeAll(async () => {
    place = await oncePerRun('kernels', async (folder) => {
      await writeFactors(folder)
      const { code, stdout, stderr } = await fringeOnce([...byKernels(DEFAULT_BENCH), '--json'], folder)
      if (code !== 0) throw new Error(stderr)
      await writeFile(join(folder, 'matmul.json'), stdout)
    })
  }, PATIENCE_MS)

  test('needs no calibration, says who computed it and in what it is idealised, and is good to more than 9 bits', async () => {
    const document = await documentOf('matmul', { stdout: await readFile(join(place, 'matmul.json'), 'utf8') })
    expect(document).toMatchObject({
      calibration: null,
      blocks: 3,
      tiles: 6,
      overRange: 0,
      checked: 6000,
      elements: 6000,
    })
    expect(document['engine']).toMatch(/^WebAssembly SIMD, float32, .*\d threads?$/)
    expect(document['idealised']).toContainEqual(expect.stringContaining('no drift'))
    expect(document['effectiveBits']).toBeGreaterThan(9)
    const [a, b, c] = await Promise.all(['A', 'B', 'C'].map((name) => readNpy(join(place, `${name}.npy`))))
    const exact = exactProduct({ rows: 600, columns: 20, data: a!.data }, { rows: 20, columns: 10, data: b!.data })
    expect(Math.max(...exact.data.map((value, at) => Math.abs(value - c!.data[at]!)))).toBeLessThan(0.2)
  })

  test('is a run like others: header, steps, a frame a block, samples, matrices and C', async () => {
    const journal = join(place, 'fringe.db')
    const shown = await documentOf('show', await fringe(['show', 'last', '--json', '--journal', journal]))
    expect(shown).toMatchObject({ kind: 'matmul', status: 'done', header: { seed: 3, arguments: { sim: 'kernels' } } })
    expect((shown['steps'] as { name: string }[]).map(({ name }) => name)).toEqual(['multiply', 'account energy'])
    const frames = await query(journal, 'SELECT data FROM frames ORDER BY seq')
    expect(frames.map(({ data }) => JSON.parse(String(data)) as object)).toMatchObject([
      { block: 0, firstRow: 0, rows: 256, tiles: 6, overRange: 0 },
      { block: 1, firstRow: 256, rows: 256 },
      { block: 2, firstRow: 512, rows: 88 },
    ])
    expect(await query(journal, 'SELECT count(*) AS n FROM blobs')).toEqual([{ n: 3 }])
    const text = (await fringe(['show', 'last', '--journal', journal])).stdout
    expect(text).toMatch(/effective bits.*all 6,000 elements compared with float64/)
    expect(text).toMatch(/idealised: weights of a tile without error/)
    expect(text).toMatch(/bench at the end: none was opened/)
  })

  test('is replayed by computing it again, to the last bit', async () => {
    const ended = await fringe(['replay', 'last', '--json', '--journal', join(place, 'fringe.db')])
    expect(ended.code, ended.stderr).toBe(0)
    expect(await documentOf('replay', ended)).toMatchObject({ replay: 'computed', matched: true, steps: 2, wires: 0 })
  })

  /** Changes a run and its seal, as if it had always been so. */
  async function rewrite(
    journal: string,
    changes: { readonly header?: object; readonly result?: object },
  ): Promise<void> {
    const [row] = await query(journal, 'SELECT header, result FROM runs')
    const [header, result] = (['header', 'result'] as const).map((of) => ({
      ...(JSON.parse(String(row![of])) as object),
      ...changes[of],
    })) as [RunHeader, object]
    const text = JSON.stringify({ ...result, seal: sealOf(header, result) })
    await edit(journal, 'UPDATE runs SET header = ?, result = ?', JSON.stringify(header), text)
  }

  test('whose record was changed ends its replay with 4, and names the place', async () => {
    const { product } = JSON.parse(await readFile(join(place, 'matmul.json'), 'utf8')) as {
      product: { sha256: string }
    }
    const bytes = await readFile(join(place, 'C.npy'))
    // Element [0, 1], by its last bit.
    bytes[128 + 8] = bytes[128 + 8]! ^ 1
    const changed = sha256(bytes)
    const hex = bytes.toString('hex')
    const changes: readonly (readonly [what: RegExp, change: (journal: string) => Promise<void>])[] = [
      [
        /blob .* was changed/,
        (journal) => edit(journal, `UPDATE blobs SET bytes = X'${hex}' WHERE sha256 = ?`, product.sha256),
      ],
      [
        /diverged on C\[0, 1\]/,
        async (journal) => {
          await edit(journal, `INSERT INTO blobs (sha256, bytes) VALUES (?, X'${hex}')`, changed)
          await rewrite(journal, { result: { product: { ...product, sha256: changed } } })
        },
      ],
      [
        /frame 2/,
        (journal) => edit(journal, `UPDATE frames SET data = json_set(data, '$.overRange', 7) WHERE seq = 2`),
      ],
      [
        /the header or the result/,
        (journal) => edit(journal, `UPDATE runs SET header = json_set(header, '$.seed', 4)`),
      ],
      [/result.checked/, (journal) => rewrite(journal, { result: { checked: 1 } })],
    ]
    for (const [what, change] of changes) {
      const journal = await copyOf(join(place, 'fringe.db'))
      await change(journal)
      const ended = await fringe(['replay', 'last', '--json', '--journal', journal])
      expect(ended.code, ended.stderr).toBe(4)
      const { matched, divergence } = await documentOf('replay', ended)
      expect(matched).toBe(false)
      expect((divergence as { message: string }).message).toMatch(what)
    }
  })

  test('of another engine than there is says so instead of comparing last bits', async () => {
    const journal = await copyOf(join(place, 'fringe.db'))
    await rewrite(journal, { header: { engines: { twin: 'an abacus, 1 thread' } } })
    const refused = await expectFailure(
      await fringe(['replay', 'last', '--json', '--journal', journal]),
      2,
      'CALL_INVALID',
    )
    expect(refused).toMatch(/was computed by an abacus, 1 thread, and here there is WebAssembly/)
  })

  test('works on the smallest benches of both cores', async () => {
    const cwd = await scratchFolder()
    await writeSmallFactors(cwd)
    for (const bench of [SMALL_BENCH, SMALL_AWGR_BENCH]) {
      const ended = await fringe([...byKernels(bench), '--json'], { cwd })
      expect(ended.code, ended.stderr).toBe(0)
      expect((await documentOf('matmul', ended))['effectiveBits']).toBeGreaterThan(8)
    }
  })

  test('that is stopped leaves no C.npy, nothing half-written and a journal that says so', async () => {
    const cwd = await scratchFolder()
    for (const name of ['A', 'B']) {
      const data = Float64Array.from({ length: 1200 ** 2 }, (_, at) => Math.sin(at))
      await writeNpy(join(cwd, `${name}.npy`), { shape: [1200, 1200], data })
    }
    const { child, ended } = await startFringe([...byKernels(SMALL_BENCH), '--json'], { cwd })
    await untilStep(join(cwd, 'fringe.db'), 'multiply')
    child.kill('SIGINT')
    const message = await expectFailure(await ended, 1, 'TRANSPORT_ABORTED')
    expect(message).toBe('stopped by SIGINT; nothing was lit')
    expect((await readdir(cwd)).filter((name) => name.startsWith('C.npy') || name.includes('.part'))).toEqual([])
    const shown = await documentOf('show', await fringe(['show', 'last', '--json'], { cwd }))
    expect(shown).toMatchObject({ status: 'interrupted' })
    await expectFailure(await fringe(['replay', 'last', '--json'], { cwd }), 2, 'CALL_INVALID')
  })

  test.each([
    ['--watch', '15min'],
    ['--refine', '2'],
    ['--max-age', '1h'],
    ['--age', '1h'],
    ['--calibration', 'cal-20260101-120000-01'],
  ])('takes no %s, because no chip is calibrated and none drifts', async (flag, value) => {
    const cwd = await scratchFolder()
    await writeSmallFactors(cwd)
    const refused = await expectFailure(
      await fringe([...byKernels(SMALL_BENCH), flag, value, '--json'], { cwd }),
      2,
      'CALL_INVALID',
    )
    expect(refused).toContain(`${flag} is for a chip that is calibrated and drifts`)
  })

  test('is no way to calibrate', async () => {
    const message = await expectFailure(
      await fringe(['calibrate', SMALL_BENCH, '--sim=kernels', '--json']),
      2,
      'CALL_INVALID',
    )
    expect(message).toMatch(/Allowed choices are pipe, wire, direct/)
  })

  test('of a bench that kernels do not know is refused with the reason, before a run begins', async () => {
    const cwd = await scratchFolder()
    await writeSmallFactors(cwd)
    await writeFile(join(cwd, 'bench.yaml'), `${await readFile(SMALL_BENCH, 'utf8')}twin: { edfaGainDb: 10 }\n`)
    const refused = await expectFailure(
      await fringe([...byKernels('bench.yaml'), '--json'], { cwd }),
      2,
      'CALL_INVALID',
    )
    expect(refused).toMatch(/bench.yaml cannot be computed by kernels: they know no amplifiers \(edfaGainDb\)/)
    expect(await readdir(cwd)).not.toContain('fringe.db')
  })
})
