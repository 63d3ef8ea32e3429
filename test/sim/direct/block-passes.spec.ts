import { describe, expect, test } from 'vitest'
import { BlockPasses } from '../../../sim/direct/block-passes.ts'
import type { PartsOf } from '../../../sim/direct/block-passes.ts'
import { partsOfOutputs, productScratch } from '../../../sim/kernels/behavioural-product.ts'
import { KernelPool } from '../../../sim/kernels/kernel-pool.ts'
import { bothEngines, smallProduct } from '../../support/kernels.ts'
import { neverAborted } from '../../support/run-plan.ts'

const ROWS_OF_TILES = 40
const { wasm } = bothEngines()

/** Blocks past 40 rows of tiles on a real pool; what each was asked for is written down. */
function passesOn(pool: KernelPool) {
  const { job } = smallProduct(wasm, { rows: 19, innerTiles: 1, outputTiles: 64 })
  const scratches = Array.from({ length: pool.threads }, () => productScratch(wasm.memory, job))
  const asked: { readonly name: string; readonly from: number; readonly to: number; readonly shares: number }[] = []
  const passes = new BlockPasses(pool, ROWS_OF_TILES, 32)
  const partsOf =
    (name: string): PartsOf =>
    (from, to, shares) => {
      asked.push({ name, from, to, shares })
      const all = { job, scratches, first: 0, rows: 19 }
      return partsOfOutputs(job, shares).map((outputs) => ({ ...all, outputs }))
    }
  return { passes, asked, block: (name: string, signal = neverAborted) => passes.pass(partsOf(name), signal) }
}

const makeAll = (passes: BlockPasses): void => {
  for (let row = 0; row < ROWS_OF_TILES; row++) passes.rowMade()
}

describe('blocks on their way past rows of tiles', () => {
  test('pass every row of tiles once and in order, the oldest block first', async () => {
    await using pool = new KernelPool(wasm, 1)
    const { passes, asked, block } = passesOn(pool)
    const ended: string[] = []
    const all = ['a', 'b', 'c'].map((name) => block(name).then(() => ended.push(name)))
    makeAll(passes)
    await Promise.all(all)
    expect(ended).toEqual(['a', 'b', 'c'])
    for (const name of ended) {
      const steps = asked.filter((step) => step.name === name)
      expect(steps[0]!.from).toBe(0)
      expect(steps.at(-1)!.to).toBe(ROWS_OF_TILES)
      for (const [at, { from }] of steps.slice(1).entries()) expect(from).toBe(steps[at]!.to)
    }
    // 32 at a time while others wait, fewer and fewer when none does.
    expect(asked.filter(({ name }) => name === 'b')[0]!.to).toBe(32)
    const last = asked.filter(({ name }) => name === 'c').map(({ from, to }) => to - from)
    expect(last[0]).toBe(8)
    expect(last.at(-1)).toBe(1)
  })

  test('share their outputs where there are more threads than blocks', async () => {
    await using pool = new KernelPool(wasm, 3)
    const { passes, asked, block } = passesOn(pool)
    const alone = block('alone')
    makeAll(passes)
    await alone
    expect(asked.map(({ shares }) => shares)).toContain(6)
  })

  test('wait for rows that are not made yet', async () => {
    await using pool = new KernelPool(wasm, 1)
    const { passes, asked, block } = passesOn(pool)
    const done = block('a')
    passes.rowMade()
    while (pool.idle === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(asked).toEqual([{ name: 'a', from: 0, to: 1, shares: 1 }])
    for (let row = 1; row < ROWS_OF_TILES; row++) passes.rowMade()
    expect(await done).toBe(0)
  })

  test('fail with whatever ended the making of rows, those that come later, too', async () => {
    await using pool = new KernelPool(wasm, 1)
    const { passes, block } = passesOn(pool)
    const waiting = block('a')
    passes.fail(new Error('no more rows'))
    await expect(waiting).rejects.toThrow('no more rows')
    await expect(block('b')).rejects.toThrow('no more rows')
  })

  test('end with the reason of their own signal, and leave the others alone', async () => {
    await using pool = new KernelPool(wasm, 1)
    const { passes, block } = passesOn(pool)
    const caller = new AbortController()
    const [first, second, third] = [block('a'), block('b', caller.signal), block('c')]
    caller.abort(new Error('enough'))
    makeAll(passes)
    await expect(second).rejects.toThrow('enough')
    expect(await Promise.all([first, third])).toEqual([0, 0])
  })
})
