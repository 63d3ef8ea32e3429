import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RandomStream } from '../../core/random.ts'
import { DenseArray } from '../../orchestrator/arrays/dense-array.ts'
import { decodeArray, readNpy, writeArray, writeNpy } from '../../orchestrator/arrays/npy.ts'
import { pythonHas, runPython } from '../support/python.ts'

const NUMPY = { modules: ['numpy'] }

describe.skipIf(!pythonHas('numpy'))('matrices between Fringe and NumPy', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fringe-numpy-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  const write = (code: string): Promise<string> =>
    runPython(`import numpy as np, sys\nfrom numpy.lib import format as npf\nout = sys.argv[1]\n${code}`, {
      ...NUMPY,
      args: [folder],
    })

  const types = ['f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'b1']

  test('every real type, byte order, memory order and format version that NumPy writes is read as NumPy reads it', async () => {
    const listing = await write(`
import itertools, json
A = np.array([[0, 1, 2.5], [3, 100, 7]])
names = []
for t, endian, order, version in itertools.product(${JSON.stringify(types)}, '<>', 'CF', [(1, 0), (2, 0), (3, 0)]):
    name = f'{t}-{"little" if endian == "<" else "big"}-{order}-{version[0]}.npy'
    with open(f'{out}/{name}', 'wb') as f:
        npf.write_array(f, np.array(A.astype(t).astype(endian + t), order=order), version=version)
    names.append([name, np.load(f'{out}/{name}').astype('f8').flatten().tolist()])
print(json.dumps(names))
`)
    const files = JSON.parse(listing) as (readonly [string, readonly number[]])[]
    expect(files).toHaveLength(types.length * 2 * 2 * 3)
    for (const [name, values] of files) {
      const { shape, data } = await readNpy(join(folder, name))
      expect(shape, name).toEqual([2, 3])
      expect([...data], name).toEqual(values)
    }
  })

  test('complex arrays of three dimensions, in both byte and memory orders, are read as NumPy reads them', async () => {
    const listing = await write(`
import itertools, json
A = (np.arange(24) + 1j * np.arange(24, 0, -1)).reshape(2, 3, 4)
names = []
for t, endian, order in itertools.product(['c8', 'c16'], '<>', 'CF'):
    name = f'{t}-{"little" if endian == "<" else "big"}-{order}.npy'
    np.save(f'{out}/{name}', np.array(A.astype(endian + t), order=order))
    names.append(name)
print(json.dumps([names, A.astype('c16').view('f8').flatten().tolist()]))
`)
    const [names, values] = JSON.parse(listing) as readonly [readonly string[], readonly number[]]
    expect(names).toHaveLength(8)
    for (const name of names) {
      const array = decodeArray(await readFile(join(folder, name)), name)
      expect(array, name).toMatchObject({ shape: [2, 3, 4], isComplex: true })
      expect([...array.data], name).toEqual(values)
    }
  })

  test('a complex64 array that Fringe writes, NumPy reads', async () => {
    const array = new DenseArray('C', [1, 2, 2], true, Float64Array.of(1, -2, 0.5, 3, -0, 1e-30, 7, 1 / 3))
    await writeArray(join(folder, 'single.npy'), array, 'complex64')
    const seen = await write(`
C = np.load(f'{out}/single.npy', allow_pickle=False)
print(C.shape, C.dtype.str, (C == np.array([1-2j, .5+3j, 1e-30j, 7+1j/3], 'c8').reshape(1, 2, 2)).all())
`)
    expect(seen.trim()).toBe('(1, 2, 2) <c8 True')
  })

  test('every finite float16 has the value that NumPy gives it', async () => {
    await write(`
every = np.arange(65536, dtype='u2').view('f2')
finite = every[np.isfinite(every)].reshape(1, -1)
np.save(f'{out}/half.npy', finite)
np.save(f'{out}/half-as-double.npy', finite.astype('f8'))
`)
    const half = await readNpy(join(folder, 'half.npy'))
    const double = await readNpy(join(folder, 'half-as-double.npy'))
    expect(half.shape).toEqual([1, 63488])
    expect(half.data).toEqual(double.data)
  })

  test('what Fringe writes, NumPy reads bit for bit', async () => {
    const random = new RandomStream(5, 'npy')
    const data = Float64Array.from({ length: 37 * 23 }, () => random.normal() * 10 ** random.uniform(-300, 300))
    const path = join(folder, 'C.npy')
    await writeNpy(path, { shape: [37, 23], data })
    const seen = await write(`
C = np.load(f'{out}/C.npy', allow_pickle=False)
print(C.shape, C.dtype.str, C.flags.c_contiguous, C.tobytes().hex())
`)
    expect(seen.trim()).toBe(`(37, 23) <f8 True ${Buffer.from(data.buffer).toString('hex')}`)
  })

  test.each([
    ['complex', "np.ones((2, 2), 'c16')", 'holds complex numbers; save real and imaginary parts as two arrays'],
    ['objects', "np.array([[1, 'a'], [None, 2]], dtype=object)", 'holds Python objects; give real numbers'],
    ['text', "np.array([['1', '2']])", 'holds text; give real numbers'],
    ['byte strings', "np.array([[b'1', b'2']])", 'holds byte strings; give real numbers'],
    ['records', "np.zeros((2, 2), dtype=[('x', 'f8'), ('y', 'f8')])", 'holds records with named fields; select one'],
    ['dates', "np.array([['2026-01-01']], dtype='M8[D]')", 'holds dates; give real numbers'],
    ['one dimension', 'np.arange(4.0)', 'has shape (4,); a matrix has two dimensions: save it as A.reshape(1, 4)'],
    ['three dimensions', 'np.ones((2, 2, 2))', 'has shape (2, 2, 2); a matrix has two dimensions'],
    ['no rows', 'np.ones((0, 3))', 'has shape (0, 3) and so no elements; every dimension must be at least 1'],
    ['not a number', 'np.array([[1, 2], [np.nan, 4]])', 'element [1, 0] is NaN; every element must be finite'],
    [
      'infinity',
      'np.asfortranarray([[1, -np.inf], [3, 4]])',
      'element [0, 1] is -Infinity; every element must be finite',
    ],
    [
      'an integer too large',
      "np.array([[1, 2**53 + 1]], dtype='u8')",
      'element [0, 1] is beyond ±2^53; float64 cannot',
    ],
  ])('what NumPy writes of %s is refused', async (_, array, why) => {
    await write(`np.save(f'{out}/bad.npy', ${array}, allow_pickle=True)`)
    await expect(readNpy(join(folder, 'bad.npy'))).rejects.toMatchObject({
      code: 'ARRAY_FILE_INVALID',
      message: expect.stringContaining(`${join(folder, 'bad.npy')} ${why}`) as string,
    })
  })

  test('an archive of arrays is refused', async () => {
    await write(`np.savez(f'{out}/bad.npz', A=np.ones((2, 2)))`)
    await expect(readNpy(join(folder, 'bad.npz'))).rejects.toThrow(
      'is a .npz archive; save the one array with numpy.save',
    )
  })
})
