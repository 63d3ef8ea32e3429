import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DenseArray, elementCount } from '../../orchestrator/arrays/dense-array.ts'
import { NpyFile } from '../../orchestrator/arrays/npy-file.ts'
import { NpyWriter } from '../../orchestrator/arrays/npy-writer.ts'
import { decodeArray, encodeArray } from '../../orchestrator/arrays/npy.ts'
import { openFactor } from '../../orchestrator/arrays/open-factor.ts'
import { neverAborted } from '../support/run-plan.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fringe-npy-file-'))
})
afterAll(() => rm(folder, { recursive: true }))

const counted = (shape: readonly number[], isComplex = false): DenseArray => {
  const count = elementCount(shape) * (isComplex ? 2 : 1)
  return new DenseArray(
    'counted',
    shape,
    isComplex,
    Float64Array.from({ length: count }, (_, i) => i + 0.5),
  )
}

async function saved(array: DenseArray, order: 'C' | 'Fortran' = 'C'): Promise<string> {
  const path = join(folder, `${Math.random()}.npy`)
  const text = Buffer.from(encodeArray(array))
  // The same length, so that nothing moves; the numbers then stand in another order.
  if (order === 'Fortran') text.write("True, 'shape': ", text.indexOf("False, 'shape': "), 'latin1')
  await writeFile(path, text)
  return path
}

const shapes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 2, maxLength: 4 })

describe('a file that is read by pieces', () => {
  test('gives every block of every matrix as the whole array has it, real or complex', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.boolean(), fc.infiniteStream(fc.nat(1000)), async (shape, isComplex, numbers) => {
        const array = counted(shape, isComplex)
        await using file = await NpyFile.open(await saved(array))
        const [rows, columns] = shape.slice(-2) as [number, number]
        const upTo = (end: number): number => (numbers.next().value as number) % end
        const [firstRow, firstColumn] = [upTo(rows), upTo(columns)]
        const block = {
          ...{ firstRow, firstColumn },
          rows: 1 + upTo(rows - firstRow),
          columns: 1 + upTo(columns - firstColumn),
        }
        const matrix = upTo(elementCount(shape.slice(0, -2)))
        expect(await file.readBlock(matrix, block, neverAborted)).toEqual(await array.readBlock(matrix, block))
        expect((await file.load(neverAborted)).data).toEqual(array.data)
      }),
      { numRuns: 100 },
    )
  })

  test('gives blocks of a matrix in Fortran order row by row', async () => {
    await using file = await NpyFile.open(await saved(counted([3, 4], true), 'Fortran'))
    const whole = await file.load(neverAborted)
    expect([...whole.data.subarray(0, 4)]).toEqual([0.5, 1.5, 6.5, 7.5])
    const block = { firstRow: 1, rows: 2, firstColumn: 1, columns: 3 }
    expect(await file.readBlock(0, block, neverAborted)).toEqual(await whole.readBlock(0, block))
  })

  test('refuses blocks of more dimensions in Fortran order, and loads them whole', async () => {
    const path = await saved(counted([2, 3, 4]), 'Fortran')
    await using file = await NpyFile.open(path)
    expect((await file.load(neverAborted)).data.slice(0, 5)).toEqual(Float64Array.of(0.5, 6.5, 12.5, 18.5, 2.5))
    await expect(openFactor(path, { keptBytes: 8, signal: neverAborted })).rejects.toMatchObject({
      code: 'ARRAY_FILE_INVALID',
      message: `${path} is too large to be read at once, and its 3 dimensions are in Fortran order: save it with numpy.ascontiguousarray`,
    })
  })

  test('is scanned once for its SHA-256 and its largest part, over many pieces', async () => {
    // 9 MiB: two whole pieces and a bit.
    const array = counted([1152, 1024])
    array.data[700_000] = -5e9
    const path = await saved(array)
    await using file = await NpyFile.open(path)
    const sha256 = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
    expect(await file.scan(neverAborted)).toEqual({ sha256, largest: 5e9 })
  })

  test('names the element that is not finite, wherever it lies', async () => {
    const array = counted([2, 700, 1024])
    array.data[1024 * 1030 + 17] = NaN
    const path = await saved(array)
    await using file = await NpyFile.open(path)
    await expect(file.scan(neverAborted)).rejects.toThrow(`${path} element [1, 330, 17] is NaN; every element must be`)
  })

  test('that shrinks while it is read is refused at the byte where it ends', async () => {
    const path = await saved(counted([8, 8]))
    await using file = await NpyFile.open(path)
    await truncate(path, 128 + 100)
    const block = { firstRow: 1, rows: 7, firstColumn: 0, columns: 8 }
    await expect(file.readBlock(0, block, neverAborted)).rejects.toMatchObject({
      code: 'ARRAY_FILE_INVALID',
      message: `${path} was 640 bytes long and ends now at byte 228: it shrank while it was read`,
    })
  })

  test('that is changed while it is read is refused', async () => {
    const path = await saved(counted([2, 2]))
    await using file = await NpyFile.open(path)
    await writeFile(path, 'as long as it may be')
    await expect(file.requireUnchanged()).rejects.toThrow(`${path} was changed while it was read`)
  })
})

describe('a factor of a product', () => {
  test('is in memory and kept by the journal up to the limit, and beyond it stays in its file', async () => {
    const path = await saved(counted([4, 4]))
    await using small = await openFactor(path, { keptBytes: 128, signal: neverAborted })
    expect(small).toMatchObject({ kept: 'journal', path, largest: 15.5 })
    expect(decodeArray(small.blob!, 'A').data).toEqual(counted([4, 4]).data)
    await using large = await openFactor(path, { keptBytes: 127, signal: neverAborted })
    expect(large).toMatchObject({ kept: 'file', path, largest: 15.5 })
    expect(large.blob).toBeUndefined()
  })

  test('comes through standard input, of any size, and leaves nothing in the folder for temporary files', async () => {
    const before = await readdir(tmpdir())
    const bytes = encodeArray(counted([300, 400]))
    const standardInput = Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)])
    {
      await using factor = await openFactor('-', { keptBytes: 100, signal: neverAborted, standardInput })
      expect(factor).toMatchObject({ kept: 'nowhere', path: '-', largest: 119_999.5 })
      const block = { firstRow: 299, rows: 1, firstColumn: 399, columns: 1 }
      expect(await factor.array.readBlock(0, block, neverAborted)).toEqual(Float64Array.of(119_999.5))
    }
    const left = (await readdir(tmpdir())).filter(
      (name) => !before.includes(name) && name.length === 'fringe-XXXXXX'.length,
    )
    for (const name of left) expect(await readdir(join(tmpdir(), name))).not.toContain('piped.npy')
  })
})

describe('a file that is written by blocks', () => {
  const block = { firstRow: 0, rows: 2, firstColumn: 0, columns: 2 }

  test('is the array, whatever the order of its blocks', async () => {
    const array = counted([2, 5, 6], true)
    const path = join(folder, 'blocks.npy')
    const rectangles = [0, 1].flatMap((matrix) =>
      [0, 3].flatMap((firstRow) =>
        [0, 1, 4].map((firstColumn) => ({
          matrix,
          block: { firstRow, rows: firstRow === 0 ? 3 : 2, firstColumn, columns: [1, 3, 0, 0, 2][firstColumn]! },
        })),
      ),
    )
    await using writer = await NpyWriter.create(path, array.shape, 'complex128')
    for (const { matrix, block } of rectangles.toReversed()) {
      await writer.writeBlock(matrix, block, await array.readBlock(matrix, block))
    }
    const sha256 = await writer.sha256()
    await writer.finish()
    const bytes = await readFile(path)
    expect(Buffer.compare(bytes, encodeArray(array))).toBe(0)
    expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
  })

  test('has no name before it is finished, and leaves nothing when it is given up', async () => {
    const place = await mkdtemp(join(folder, 'given-up-'))
    await writeFile(join(place, 'C.npy'), 'older')
    {
      await using writer = await NpyWriter.create(join(place, 'C.npy'), [2, 2], 'float64')
      await writer.writeBlock(0, block, Float64Array.of(1, 2, 3, 4))
      expect(await readFile(join(place, 'C.npy'), 'utf8')).toBe('older')
    }
    expect(await readdir(place)).toEqual(['C.npy'])
    expect(await readFile(join(place, 'C.npy'), 'utf8')).toBe('older')
  })

  test('of float32 rounds as float32 does, and refuses what rounds to infinity', async () => {
    const path = join(folder, 'single.npy')
    await using writer = await NpyWriter.create(path, [2, 2], 'float32')
    await writer.writeBlock(0, block, Float64Array.of(1 / 3, -0, 3.4028235677e38, 1e-45))
    const tooLarge = Float64Array.of(0, 0, 3.4028236e38, 0)
    await expect(writer.writeBlock(0, block, tooLarge)).rejects.toMatchObject({
      code: 'ARRAY_FILE_INVALID',
      message: `${path} element [1, 0] is 3.4028236e+38, beyond what float32 holds: write it as float64`,
    })
    await writer.finish()
    const values = decodeArray(await readFile(path), path).data
    expect([...values]).toEqual([1 / 3, -0, 3.4028235677e38, 1e-45].map(Math.fround))
  })
})
