import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { RandomStream } from '../../core/random.ts'
import { encodeNpy } from '../../orchestrator/arrays/npy.ts'

test.each(['A', 'B'])('examples/data/%s.npy is 64 × 64 standard normal numbers from a known seed', async (name) => {
  const random = new RandomStream(64, `examples/${name}`)
  const data = Float64Array.from({ length: 64 * 64 }, () => random.normal())
  const file = await readFile(`examples/data/${name}.npy`)
  expect(Buffer.compare(file, encodeNpy({ shape: [64, 64], data }))).toBe(0)
})

test('the JSON Schema of errors lists the codes that there are', async () => {
  const { BENCH_ERRORS } = await import('../../core/errors.ts')
  const schema = JSON.parse(await readFile('docs/schemas/error.schema.json', 'utf8')) as {
    properties: { error: { properties: { code: { enum: string[] } } } }
  }
  expect(schema.properties.error.properties.code.enum).toEqual([...Object.keys(BENCH_ERRORS), 'INTERNAL'])
})
