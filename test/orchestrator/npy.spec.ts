import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BenchError } from '../../core/errors.ts'
import { decodeNpy, encodeNpy, readNpy, writeNpy } from '../../orchestrator/arrays/npy.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fringe-npy-'))
})
afterAll(() => rm(folder, { recursive: true }))

interface Head {
  readonly descr?: string
  readonly order?: string
  readonly shape?: string
  readonly version?: readonly [number, number]
}

/** A `.npy` file as the format's description says, built by hand. */
function npyFile(
  { descr = "'<f8'", order = 'False', shape = '(1, 2)', version = [1, 0] }: Head,
  data: Uint8Array,
): Buffer {
  const dict = `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`
  return npyFileOfText(dict, version, data)
}

function npyFileOfText(dict: string, version: readonly [number, number], data: Uint8Array): Buffer {
  const lengthBytes = version[0] === 1 ? 2 : 4
  const text = `${dict.padEnd(dict.length + 63 - ((8 + lengthBytes + dict.length) % 64))}\n`
  const length = Buffer.alloc(lengthBytes)
  if (lengthBytes === 2) length.writeUInt16LE(text.length)
  else length.writeUInt32LE(text.length)
  const magic = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, ...version])
  return Buffer.concat([magic, length, Buffer.from(text, 'latin1'), data])
}

const doubles = (...values: number[]): Uint8Array => new Uint8Array(Float64Array.from(values).buffer)

function message(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof BenchError && error.code === 'ARRAY_FILE_INVALID') return error.message
    throw error
  }
  throw new Error('the file was accepted')
}

describe('a matrix in a .npy file', () => {
  test('comes back from its bytes as it was', () => {
    const data = Float64Array.of(1.5, -0, 1e-310, Number.MAX_VALUE, 7, -2)
    const back = decodeNpy(encodeNpy({ shape: [2, 3], data }), 'A.npy')
    expect(back.shape).toEqual([2, 3])
    expect(back.data).toEqual(data)
  })

  test('has its numbers at a multiple of 64 bytes, as NumPy writes them', () => {
    const bytes = encodeNpy({ shape: [1, 1], data: Float64Array.of(1) })
    expect(bytes.length).toBe(128 + 8)
    expect(Buffer.from(bytes.subarray(0, 10)).toString('hex')).toBe('934e554d505901007600')
  })

  test.each([1, 2, 3])('is read from format %i.0', (major) => {
    expect(decodeNpy(npyFile({ version: [major, 0] }, doubles(3, 4)), 'A.npy').data).toEqual(Float64Array.of(3, 4))
  })

  test('is read row by row from Fortran order', () => {
    const bytes = npyFile({ order: 'True', shape: '(2, 3)' }, doubles(1, 4, 2, 5, 3, 6))
    expect(decodeNpy(bytes, 'A.npy').data).toEqual(Float64Array.of(1, 2, 3, 4, 5, 6))
  })

  test.each([
    ['the smallest subnormal', 0x0001, 2 ** -24],
    ['the largest subnormal', 0x03ff, 1023 * 2 ** -24],
    ['the smallest normal', 0x0400, 2 ** -14],
    ['one third', 0x3555, 0.333251953125],
    ['minus two', 0xc000, -2],
    ['the largest', 0x7bff, 65504],
  ])('reads float16: %s', (_, half, value) => {
    const data = Uint8Array.of(half & 0xff, half >> 8)
    expect(decodeNpy(npyFile({ descr: "'<f2'", shape: '(1, 1)' }, data), 'A.npy').data[0]).toBe(value)
  })

  test.each([
    ["'|b1'", [0, 1], [0, 1]],
    ["'|i1'", [0xff, 0x7f], [-1, 127]],
    ["'|u1'", [0xff, 0x7f], [255, 127]],
    ["'>i2'", [0xff, 0xfe, 0x00, 0x01], [-2, 1]],
    ["'<u2'", [0xfe, 0xff, 0x01, 0x00], [65534, 1]],
    ["'>f4'", [0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0], [1.5, -2]],
    ["'<i8'", [1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [1, -1]],
    ["'>u8'", [0, 0, 0, 0, 0, 0, 1, 0, 0, 0x20, 0, 0, 0, 0, 0, 0], [256, 2 ** 53]],
  ])('reads elements of type %s', (descr, bytes, values) => {
    expect([...decodeNpy(npyFile({ descr }, Uint8Array.from(bytes)), 'A.npy').data]).toEqual(values)
  })
})

describe('a file that is no matrix of real numbers is refused, saying what would be right', () => {
  const REAL = 'give real numbers, for example A.astype("float64")'
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['text', Buffer.from('1,2\n3,4\n'), 'A.npy is not a NumPy array file; write it with numpy.save'],
    [
      'an archive',
      Buffer.from('PK\x03\x04rest'),
      'A.npy is a .npz archive; save the one array with numpy.save, a sparse one as A.toarray()',
    ],
    ['nothing', Buffer.alloc(0), 'A.npy is empty; write it with numpy.save'],
    ['half a magic', Buffer.from([0x93, 0x4e]), 'A.npy is cut short inside its header; copy it again'],
    [
      'a header cut short',
      npyFile({}, doubles(1, 2)).subarray(0, 60),
      'A.npy is cut short inside its header; copy it again',
    ],
    [
      'numbers cut short',
      npyFile({}, doubles(1, 2)).subarray(0, -1),
      'A.npy is cut short: 1 × 2 elements need 16 bytes, 15 are there',
    ],
    [
      'a second array behind the first',
      npyFile({}, doubles(1, 2, 3)),
      'A.npy has 8 bytes after its last element; save each array to its own file',
    ],
    [
      'format 4.0',
      npyFile({ version: [4, 0] }, doubles(1, 2)),
      'A.npy has .npy format 4.0; formats 1.0, 2.0 and 3.0 are read',
    ],
    [
      'a header of 4 GiB',
      Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0, 0xff, 0xff, 0xff, 0xff]),
      'A.npy claims a header of 4294967295 bytes; a header of an array of numbers has about 120',
    ],
    [
      'a header that is no dict',
      npyFileOfText("['descr']", [1, 0], doubles(1, 2)),
      'A.npy has a header that no NumPy writes; save the array again with numpy.save',
    ],
    [
      'complex numbers',
      npyFile({ descr: "'<c16'" }, doubles(1, 2, 3, 4)),
      'A.npy holds complex numbers; save real and imaginary parts as two arrays',
    ],
    ['Python objects', npyFile({ descr: "'|O'" }, Buffer.from('...')), `A.npy holds Python objects; ${REAL}`],
    ['text elements', npyFile({ descr: "'<U4'" }, Buffer.alloc(32)), `A.npy holds text; ${REAL}`],
    ['byte strings', npyFile({ descr: "'|S3'" }, Buffer.alloc(6)), `A.npy holds byte strings; ${REAL}`],
    ['dates', npyFile({ descr: "'<M8[ns]'" }, Buffer.alloc(16)), `A.npy holds dates; ${REAL}`],
    [
      'records',
      npyFile({ descr: "[('x', '<f8'), ('y', '<f8')]" }, doubles(1, 2, 3, 4)),
      'A.npy holds records with named fields; select one field and save that array',
    ],
    [
      'long doubles',
      npyFile({ descr: "'<f16'" }, Buffer.alloc(32)),
      `A.npy holds elements of type "<f16", of 16 bytes; ${REAL}`,
    ],
    [
      'one dimension',
      npyFile({ shape: '(5,)' }, doubles(1, 2, 3, 4, 5)),
      'A.npy has shape (5,); a matrix has two dimensions: save it as A.reshape(1, 5) for one row or A.reshape(5, 1) for one column',
    ],
    ['a single number', npyFile({ shape: '()' }, doubles(1)), 'A.npy has shape (); a matrix has two dimensions'],
    [
      'three dimensions',
      npyFile({ shape: '(1, 1, 2)' }, doubles(1, 2)),
      'A.npy has shape (1, 1, 2); a matrix has two dimensions',
    ],
    [
      'no columns',
      npyFile({ shape: '(3, 0)' }, doubles()),
      'A.npy has shape (3, 0) and so no elements; every dimension must be at least 1',
    ],
    [
      'an absurd shape',
      npyFile({ shape: '(99999999999, 99999999999)' }, doubles(1, 2)),
      'A.npy claims shape (99999999999, 99999999999), larger than any file',
    ],
    [
      'not a number',
      npyFile({ shape: '(2, 2)' }, doubles(1, 2, Number.NaN, 4)),
      'A.npy element [1, 0] is NaN; every element must be finite',
    ],
    [
      'infinity in Fortran order',
      npyFile({ shape: '(2, 2)', order: 'True' }, doubles(1, 2, Number.NEGATIVE_INFINITY, 4)),
      'A.npy element [0, 1] is -Infinity; every element must be finite',
    ],
    [
      'a half that is infinite',
      npyFile({ descr: "'<f2'", shape: '(1, 1)' }, Uint8Array.of(0x00, 0x7c)),
      'A.npy element [0, 0] is Infinity; every element must be finite',
    ],
    [
      'an integer that no double holds',
      npyFile({ descr: "'<i8'", shape: '(1, 1)' }, Uint8Array.of(1, 0, 0, 0, 0, 0, 0x20, 0)),
      'A.npy element [0, 0] is beyond ±2^53; float64 cannot hold it exactly: scale the matrix',
    ],
  ]
  test.each(cases)('%s', (_, bytes, expected) => {
    expect(message(() => decodeNpy(bytes, 'A.npy'))).toBe(expected)
  })

  test('a file that does not exist', async () => {
    await expect(readNpy(join(folder, 'none.npy'))).rejects.toMatchObject({
      code: 'ARRAY_FILE_INVALID',
      message: `${join(folder, 'none.npy')} does not exist; give the path of a .npy file`,
    })
  })

  test('a folder', async () => {
    await expect(readNpy(folder)).rejects.toMatchObject({
      message: `${folder} is a folder; give the path of a .npy file`,
    })
  })
})

describe('damaged files', () => {
  const good = npyFile({ shape: '(2, 3)', descr: "'<f4'" }, new Uint8Array(24))

  test('a file cut anywhere or changed in any header byte is read or refused, never anything else', () => {
    const damage = fc.record({
      cut: fc.nat(good.length),
      patches: fc.array(fc.record({ at: fc.nat(127), byte: fc.integer({ min: 0, max: 255 }) }), { maxLength: 6 }),
    })
    fc.assert(
      fc.property(damage, ({ cut, patches }) => {
        const bytes = Uint8Array.from(good)
        for (const { at, byte } of patches) bytes[at] = byte
        readOrRefuse(bytes.subarray(0, good.length - cut))
      }),
      { numRuns: 2000 },
    )
  })

  test('any text where the header stands is read or refused, never anything else', () => {
    const token = fc.constantFrom(
      "'descr'",
      "'shape'",
      "'fortran_order'",
      ':',
      ',',
      '{',
      '}',
      '(',
      ')',
      "'<f8'",
      "'<f4'",
      'True',
      'False',
      '1',
      '2',
      'L',
      ' ',
      '[',
      ']',
      '"',
      '\\',
      '-1',
      '9'.repeat(20),
    )
    fc.assert(
      fc.property(fc.array(token, { maxLength: 30 }), (tokens) => {
        readOrRefuse(npyFileOfText(tokens.join(''), [1, 0], new Uint8Array(16)))
      }),
      { numRuns: 2000 },
    )
  })

  function readOrRefuse(bytes: Uint8Array): void {
    try {
      const { shape, data } = decodeNpy(bytes, 'A.npy')
      expect(data.length).toBe(shape[0] * shape[1])
      expect(data.every(Number.isFinite)).toBe(true)
    } catch (error) {
      if (!(error instanceof BenchError) || error.code !== 'ARRAY_FILE_INVALID') throw error
    }
  }
})

describe('writing a matrix', () => {
  const array = { shape: [2, 2] as const, data: Float64Array.of(1, 2, 3, 4) }

  test('leaves one file and no scraps', async () => {
    const into = await mkdtemp(join(folder, 'write-'))
    const path = join(into, 'C.npy')
    await writeNpy(path, array)
    expect(await readdir(into)).toEqual(['C.npy'])
    expect((await readNpy(path)).data).toEqual(array.data)
  })

  test('replaces an older file', async () => {
    const path = join(folder, 'old.npy')
    await writeFile(path, 'something else')
    await writeNpy(path, array)
    expect(Buffer.compare(await readFile(path), encodeNpy(array))).toBe(0)
  })

  test('says what is wrong with the place, and leaves no scraps there', async () => {
    const into = await mkdtemp(join(folder, 'occupied-'))
    await expect(writeNpy(join(into, 'none', 'C.npy'), array)).rejects.toMatchObject({
      code: 'ARRAY_FILE_INVALID',
      message: `${join(into, 'none', 'C.npy')} cannot be written: its folder does not exist; create it first`,
    })
    await expect(writeNpy(into, array)).rejects.toMatchObject({
      message: `${into} is a folder; give the path of a file, for example C.npy`,
    })
    expect(await readdir(into)).toEqual([])
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  test('refuses a shape that does not fit the numbers', () => {
    expect(() => encodeNpy({ shape: [2, 3], data: Float64Array.of(1) })).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }) as Error,
    )
  })
})
