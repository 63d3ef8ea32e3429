import { describe, expect, test } from 'vitest'
import { KernelMemory } from '../../../sim/kernels/kernel-memory.ts'

describe('memory of the kernels', () => {
  test('hands out arrays that begin at lines of the cache and never overlap', () => {
    const memory = new KernelMemory()
    const arrays = [memory.float32(3), memory.int8(1), memory.float64(9), memory.int16(100), memory.int32(2)]
    const spans = arrays.map(({ byteOffset, byteLength }) => [byteOffset, byteOffset + byteLength] as const)
    expect(spans.every(([from]) => from % 64 === 0)).toBe(true)
    for (const [i, [from]] of spans.entries()) if (i > 0) expect(from).toBeGreaterThanOrEqual(spans[i - 1]![1])
  })

  test('gives back what a scope took, and hands it out again as zeros', () => {
    const memory = new KernelMemory()
    const before = memory.usedBytes
    {
      using _scope = memory.scope()
      memory.float32(1000).fill(7)
      expect(memory.usedBytes).toBeGreaterThan(before)
    }
    expect(memory.usedBytes).toBe(before)
    expect(memory.float32(1000).every((value) => value === 0)).toBe(true)
  })

  test('hands out what stood there before to whom it is told that zeros are not needed', () => {
    const memory = new KernelMemory()
    {
      using _scope = memory.scope()
      memory.float32(100).fill(7)
    }
    const again = memory.unclearedFloat32(100)
    expect(again.every((value) => value === 7)).toBe(true)
    expect(memory.float32(1).byteOffset).toBeGreaterThanOrEqual(again.byteOffset + again.byteLength)
  })

  test('grows, and what was handed out stays what it was', () => {
    const memory = new KernelMemory()
    const early = memory.float32(10)
    early.fill(3)
    const late = memory.float32(2 ** 22)
    late.fill(5)
    early[0] = 4
    expect([...early.subarray(0, 3)]).toEqual([4, 3, 3])
    expect(late.at(-1)).toBe(5)
  })

  test('more than WebAssembly can address is an error, not a crash', () => {
    expect(() => new KernelMemory().float32(2 ** 30)).toThrow(expect.objectContaining({ code: 'RANGE_EXCEEDED' }))
  })
})
