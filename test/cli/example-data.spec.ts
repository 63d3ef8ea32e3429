import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { RandomStream } from '../../core/random.ts'
import { DenseArray } from '../../orchestrator/arrays/dense-array.ts'
import { encodeArray, encodeNpy } from '../../orchestrator/arrays/npy.ts'

test.each(['A', 'B'])('examples/data/%s.npy is 64 × 64 standard normal numbers from a known seed', async (name) => {
  const random = new RandomStream(64, `examples/${name}`)
  const data = Float64Array.from({ length: 64 * 64 }, () => random.normal())
  const file = await readFile(`examples/data/${name}.npy`)
  expect(Buffer.compare(file, encodeNpy({ shape: [64, 64], data }))).toBe(0)
})

test('examples/data/picture.npy is a disc, a bar and a slope, and kernels.npy smooths it and finds its edges', async () => {
  const [height, width] = [48, 64]
  const picture = Float64Array.from({ length: height * width }, (_, at) => {
    const [y, x] = [Math.floor(at / width), at % width]
    if ((y - 24) ** 2 + (x - 20) ** 2 < 144) return 0.875
    return x >= 44 && x < 52 ? 0.125 : 0.25 + y / 128
  })
  const kernels = Float64Array.of(...[1, 2, 1, 2, 4, 2, 1, 2, 1].map((w) => w / 16), ...[-1, 0, 1, -2, 0, 2, -1, 0, 1])
  const arrays = {
    picture: new DenseArray('picture', [1, height, width], false, picture),
    kernels: new DenseArray('kernels', [2, 1, 3, 3], false, kernels),
  }
  for (const [name, array] of Object.entries(arrays)) {
    expect(Buffer.compare(await readFile(`examples/data/${name}.npy`), encodeArray(array))).toBe(0)
  }
})

test('the JSON Schema of errors lists the codes that there are', async () => {
  const { BENCH_ERRORS } = await import('../../core/errors.ts')
  const schema = JSON.parse(await readFile('docs/schemas/error.schema.json', 'utf8')) as {
    properties: { error: { properties: { code: { enum: string[] } } } }
  }
  expect(schema.properties.error.properties.code.enum).toEqual([...Object.keys(BENCH_ERRORS), 'INTERNAL'])
})
