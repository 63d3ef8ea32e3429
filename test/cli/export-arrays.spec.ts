import { copyFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { RandomStream } from '../../core/random.ts'
import { DenseArray, elementCount } from '../../orchestrator/arrays/dense-array.ts'
import { writeArray } from '../../orchestrator/arrays/npy.ts'
import { pythonHas, runPython } from '../support/python.ts'
import { documentOf, fringe, scratchFolder, SMALL_PRODUCT, smallJournal } from './fringe-process.ts'

const PATIENCE_MS = 240_000
const hasNumpy = pythonHas('numpy')
const hasH5py = pythonHas('h5py', 'numpy')
if (!hasNumpy) console.info('skipped: no Python here has NumPy (Debian: python3-numpy)')
if (!hasH5py) console.info('skipped: no Python here has h5py (Debian: python3-h5py)')

/** What another program finds in an export, compared with the files of the run by that program itself. */
interface Found {
  /** [name]: type and shape. */
  readonly arrays: Readonly<Record<string, readonly [string, readonly number[]]>>
  /** Whether A, B and C are those of the files, bit for bit. */
  readonly same: readonly boolean[]
  /** How far `errors` is from C − A @ B, and the largest of it. */
  readonly off: number
  readonly largest: number
}

const COMPARED = `
def compared(stored, folder):
    A, B, C = (np.load(f'{folder}/{name}.npy') for name in 'ABC')
    errors = stored['errors'][...]
    return json.dumps({
      'arrays': {name: [str(stored[name].dtype), list(stored[name].shape)] for name in ('A', 'B', 'C', 'errors')},
      'same': [np.array_equal(stored[name][...], given) for name, given in zip('ABC', (A, B, C))],
      'off': float(np.max(np.abs(errors - (C - A @ B)))),
      'largest': float(np.max(np.abs(errors))),
    })
`
const READ_NPZ = `
import json, sys, numpy as np${COMPARED}
print(compared(np.load(sys.argv[1] + '/run.npz', allow_pickle=False), sys.argv[1]))
`
const READ_HDF5 = `
import json, sys, h5py, numpy as np${COMPARED}
print(compared(h5py.File(sys.argv[1] + '/run.h5'), sys.argv[1]))
`

async function writeFactor(folder: string, name: string, { shape, isComplex }: Factor): Promise<void> {
  const random = new RandomStream(6, name)
  const data = Float64Array.from({ length: elementCount(shape) * (isComplex ? 2 : 1) }, () => random.normal())
  await writeArray(
    join(folder, `${name}.npy`),
    new DenseArray(name, shape, isComplex, data),
    isComplex ? 'complex128' : 'float64',
  )
}

interface Factor {
  readonly shape: readonly number[]
  readonly isComplex: boolean
}

/** A folder in which A.npy and B.npy were multiplied on the small bench, with the calibration that it has. */
async function multiplied(a: Factor, b: Factor): Promise<string> {
  const folder = await scratchFolder()
  await copyFile(join(await smallJournal(), 'fringe.db'), join(folder, 'fringe.db'))
  await writeFactor(folder, 'A', a)
  await writeFactor(folder, 'B', b)
  const made = await fringe(SMALL_PRODUCT, { cwd: folder })
  expect(made.code, made.stderr).toBe(0)
  return folder
}

const COMPLEX = { a: { shape: [5, 4], isComplex: true }, b: { shape: [4, 3], isComplex: true } }

describe.each([
  { name: 'complex matrices', ...COMPLEX, product: [5, 3] },
  {
    name: 'real matrices side by side',
    ...{ a: { shape: [2, 3, 4], isComplex: false }, b: { shape: [4, 3], isComplex: false }, product: [2, 3, 3] },
  },
  {
    name: 'complex matrices in four dimensions, times real ones',
    ...{ a: { shape: [2, 1, 3, 4], isComplex: true }, b: { shape: [2, 4, 3], isComplex: false } },
    product: [2, 2, 3, 3],
  },
])('an export of $name', { timeout: PATIENCE_MS }, ({ a, b, product }) => {
  const type = (isComplex: boolean): string => (isComplex ? 'complex128' : 'float64')

  function expectAll({ arrays, same, off, largest }: Found): void {
    const c = [type(a.isComplex || b.isComplex), product]
    expect(arrays).toEqual({ A: [type(a.isComplex), a.shape], B: [type(b.isComplex), b.shape], C: c, errors: c })
    expect(same).toEqual([true, true, true])
    // Sums of four products of numbers near 1, in another order.
    expect(off).toBeLessThan(1e-13)
    expect(largest).toBeGreaterThan(1e-6)
  }

  test.skipIf(!hasNumpy)('as .npz gives NumPy their shape and type, bit for bit, and the errors of C', async () => {
    const cwd = await multiplied(a, b)
    const ended = await fringe(['export', 'last', '-o', 'run.npz', '--json'], { cwd })
    expect(await documentOf('export', ended)).toMatchObject({ files: [{ arrays: ['A', 'B', 'C', 'errors'] }] })
    expectAll(JSON.parse(await runPython(READ_NPZ, { modules: ['numpy'], args: [cwd] })) as Found)
  })

  test.skipIf(!hasH5py)('as HDF5 gives h5py the same', async () => {
    const cwd = await multiplied(a, b)
    const ended = await fringe(['export', 'last', '-o', 'run.h5'], { cwd })
    expect(ended.code, ended.stderr).toBe(0)
    expectAll(JSON.parse(await runPython(READ_HDF5, { modules: ['h5py', 'numpy'], args: [cwd] })) as Found)
  })
})

test(
  'an export as CSV and Parquet leaves matrices out, and says where they are',
  async () => {
    const cwd = await multiplied(COMPLEX.a, COMPLEX.b)
    for (const form of ['csv', 'parquet']) {
      const ended = await fringe(['export', 'last', '-o', `run.${form}`], { cwd })
      expect(ended.code, ended.stderr).toBe(0)
      expect(ended.stdout).toContain(`${form} has tables only: take .npz or .h5 for matrices`)
      const files = (await readdir(cwd)).filter((file) => file.endsWith(form)).sort()
      expect(files).toEqual(['energy', 'frames', 'samples', 'steps'].map((table) => `run-${table}.${form}`))
    }
  },
  PATIENCE_MS,
)
