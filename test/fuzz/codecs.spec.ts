import { describe, expect, test } from 'vitest'
import { CODECS } from '../../perf/fuzz/codecs.ts'
import { fuzz } from '../../perf/fuzz/run.ts'
import { SUBJECTS } from '../../perf/faults/subjects.ts'

/** `npm run bench -- fuzz` feeds a hundred times as many. */
const INPUTS = 2_000

describe('Damaged messages', () => {
  test.each(CODECS)('neither crash nor stall nor fill: $name', async (codec) => {
    const { crashes, stalls } = await fuzz(codec, 1, INPUTS)
    expect(crashes).toEqual([])
    expect(stalls).toEqual([])
  })

  test('cannot be made of nothing: a codec without valid bytes is an error', async () => {
    const codec = { name: 'nameless', begin: () => () => 0 }
    for (const without of [
      { ...codec, vectors: [], direction: 'sent' },
      { ...codec, vectors: ['portmap', 'no-such-file'], direction: 'reply' },
    ] as const) {
      await expect(fuzz(without, 1, 1)).rejects.toThrow()
    }
  })

  test('reach every simulated instrument', () => {
    const names = CODECS.map(({ name }) => name)
    for (const driver of Object.keys(SUBJECTS)) expect(names).toContain(`${driver}, instrument`)
  })
})
