import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exactProduct, multiply, PROBE_LIMIT } from '../../orchestrator/jobs/matmul.ts'
import type { MatmulLog, MatmulResult } from '../../orchestrator/jobs/matmul.ts'
import { PROBES } from '../../orchestrator/numerics/probes.ts'
import type { RealMatrix } from '../../orchestrator/tiles/tile-product.ts'
import type { FrameResult } from '../../core/optical-core.ts'
import { ExactCore } from '../support/exact-core.ts'
import type { ExactCoreOptions } from '../support/exact-core.ts'
import { neverAborted, quietLog } from '../support/run-plan.ts'

const matrix = (rows: number, columns: number, value: (i: number) => number): RealMatrix => ({
  rows,
  columns,
  data: Float64Array.from({ length: rows * columns }, (_, i) => value(i)),
})
const ones = (rows: number, columns: number): RealMatrix => matrix(rows, columns, () => 1)

function run(
  options: ExactCoreOptions,
  a: RealMatrix,
  b: RealMatrix,
  log: MatmulLog = quietLog,
): { core: ExactCore; result: Promise<MatmulResult> } {
  const core = new ExactCore(options)
  return { core, result: multiply(core, a, b, { log, signal: neverAborted }) }
}

/** Largest error of an element, relative to the sum of the moduli of its terms. */
function worstError(a: RealMatrix, b: RealMatrix, product: RealMatrix): number {
  let worst = 0
  for (let row = 0; row < a.rows; row++) {
    for (let column = 0; column < b.columns; column++) {
      let [exact, scale] = [0, 0]
      for (let k = 0; k < a.columns; k++) {
        const term = a.data[row * a.columns + k]! * b.data[k * b.columns + column]!
        exact += term
        scale += Math.abs(term)
      }
      const off = Math.abs(product.data[row * b.columns + column]! - exact)
      if (scale > 0) worst = Math.max(worst, off / scale)
      else expect(off).toBe(0)
    }
  }
  return worst
}

describe('a product on perfect optics', () => {
  const size = fc.integer({ min: 1, max: 40 })
  // Whole matrices of zeros, rows of zeros, and values from 1e−60 to 1e60 beside each other.
  const digits = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((whole) => whole / 1e6)
  const value = fc.oneof(
    digits,
    fc.constant(0),
    fc.tuple(digits, fc.integer({ min: -60, max: 60 })).map(([number, power]) => number * 10 ** power),
  )
  const optics = fc.record({
    outputs: fc.integer({ min: 1, max: 9 }),
    inputs: fc.integer({ min: 1, max: 9 }),
    lanes: fc.integer({ min: 1, max: 3 }),
    maxSymbolsPerFrame: fc.integer({ min: PROBES + 1, max: 30 }),
  })

  test('is the product, for all sizes of matrices and optics, for zeros and for huge beside tiny values', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, size, optics, fc.infiniteStream(value), async (m, k, n, options, values) => {
        const next = (): number => values.next().value as number
        const zeroRow = m > 2 ? 1 : -1
        const a = matrix(m, k, (i) => (Math.floor(i / k) === zeroRow ? 0 : next()))
        const b = matrix(k, n, next)
        const { product, macs, repeatedFrames } = await run(options, a, b).result
        expect([product.rows, product.columns]).toEqual([m, n])
        expect(macs).toBe(m * k * n)
        expect(repeatedFrames).toBe(0)
        expect(worstError(a, b, product)).toBeLessThan(1e-12)
      }),
      { numRuns: 40 },
    )
  })

  test('has no probe error and all its bits', async () => {
    const { core, result } = run({}, matrix(9, 6, Math.sin), matrix(6, 5, Math.cos))
    const { probeError, effectiveBits, nrmse, frames } = await result
    expect(probeError).toBe(0)
    expect(effectiveBits).toBeGreaterThan(45)
    expect(nrmse).toBeLessThan(1e-14)
    expect(frames).toBe(core.frames.length)
  })

  test('of zeros is zero, exactly', async () => {
    const result = await run(
      {},
      matrix(5, 5, () => 0),
      ones(5, 5),
    ).result
    expect(result).toMatchObject({ probeError: 0, effectiveBits: Infinity })
    expect([...result.product.data].every((element) => element === 0)).toBe(true)
    const none = await run(
      {},
      ones(5, 5),
      matrix(5, 5, () => 0),
    ).result
    expect([...none.product.data].every((element) => element === 0)).toBe(true)
  })

  test('of an empty matrix is empty and without error', async () => {
    expect(await run({}, ones(0, 3), ones(3, 2)).result).toMatchObject({ frames: 0, macs: 0, effectiveBits: Infinity })
    const { product } = await run({}, ones(2, 0), ones(0, 2)).result
    expect([...product.data]).toEqual([0, 0, 0, 0])
  })

  test('matrices that do not fit are refused, with both sizes', async () => {
    await expect(run({}, ones(2, 3), ones(4, 5)).result).rejects.toMatchObject({
      code: 'SHAPE_MISMATCH',
      message: 'A is 2×3 and B is 4×5: A needs as many columns as B has rows',
    })
  })

  test('two products on one core are each right', async () => {
    const core = new ExactCore()
    for (const scale of [1, 2]) {
      const [a, b] = [ones(3, 4), matrix(4, 3, (i) => scale * i)]
      const { product } = await multiply(core, a, b, { log: quietLog, signal: neverAborted })
      expect(worstError(a, b, product)).toBeLessThan(1e-14)
    }
  })
})

describe('a product that is watched', () => {
  test('tells how many frames are done, one by one, of how many', async () => {
    const seen: [number, number][] = []
    await multiply(new ExactCore(), ones(30, 8), ones(8, 4), {
      log: quietLog,
      signal: neverAborted,
      onProgress: (done, total) => seen.push([done, total]),
    })
    expect(seen).toEqual([1, 2, 3, 4, 5, 6].map((done) => [done, 6]))
  })

  test('journals a step a frame before it is sent, and how good it was after it', async () => {
    const journal: unknown[] = []
    let steps = 10
    const log: MatmulLog = {
      step: (name, detail) => {
        journal.push([name, detail])
        return ++steps
      },
      ready: () => Promise.resolve(),
      frame: (data) => journal.push(data),
    }
    const { core, result } = run({}, ones(3, 4), ones(4, 8), log)
    await result
    expect(journal).toEqual([
      ['frame', { tile: 0, firstRow: 0, rows: 3, attempt: 1 }],
      { step: 11, tile: 0, probeError: 0, probeNrmse: 0, attempt: 1 },
      ['frame', { tile: 1, firstRow: 0, rows: 3, attempt: 1 }],
      { step: 12, tile: 1, probeError: 0, probeNrmse: 0, attempt: 1 },
    ])
    expect(core.frames.map(({ step }) => step)).toEqual([11, 12])
  })

  test('waits for a log that cannot take more', async () => {
    let open: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (open = resolve))
    const { core, result } = run({}, ones(3, 4), ones(4, 4), { ...quietLog, ready: () => gate })
    await new Promise((resolve) => setImmediate(resolve))
    expect(core.frames).toHaveLength(0)
    open()
    await result
    expect(core.frames).toHaveLength(1)
  })

  test('a log that fails ends the product', async () => {
    const log = { ...quietLog, ready: () => Promise.reject(new Error('disk full')) }
    await expect(run({}, ones(3, 4), ones(4, 4), log).result).rejects.toThrow('disk full')
  })

  test('an aborted product rejects and sends no more frames', async () => {
    const stop = new AbortController()
    const core = new ExactCore({
      spoil: (exact, _, count) => {
        if (count === 1) stop.abort(new Error('enough'))
        return exact
      },
    })
    await expect(multiply(core, ones(100, 4), ones(4, 4), { log: quietLog, signal: stop.signal })).rejects.toThrow(
      'enough',
    )
    expect(core.frames.length).toBeLessThan(4)
  })
})

describe('frames that are too bright', () => {
  /** What a meter does beyond its range: no products, and the reason. */
  class DazzledCore extends ExactCore {
    readonly #most: number

    override async *stream(...[frames, signal]: Parameters<ExactCore['stream']>): AsyncGenerator<FrameResult> {
      for await (const result of super.stream(frames, signal)) {
        const brightest = result.frame.lanes.reduce((most, lane) => Math.max(most, ...lane.map(Math.abs)), 0)
        yield brightest > this.#most ? { ...result, lanes: [], overRange: new Error('no valid power') } : result
      }
    }

    constructor(most: number) {
      super()
      this.#most = most
    }
  }

  test('are sent again with half the light until they fit, and C is right', async () => {
    const core = new DazzledCore(0.3)
    const [a, b] = [matrix(30, 8, Math.sin), matrix(8, 8, Math.cos)]
    const result = await multiply(core, a, b, { log: quietLog, signal: neverAborted })
    expect(result.dimmedFrames).toBeGreaterThan(0)
    expect(result.repeatedFrames).toBe(result.dimmedFrames)
    expect(worstError(a, b, result.product)).toBeLessThan(1e-12)
  })

  test('that no light suits stop the run and name the tile', async () => {
    const core = new DazzledCore(0)
    await expect(multiply(core, ones(3, 4), ones(4, 4), { log: quietLog, signal: neverAborted })).rejects.toMatchObject(
      {
        code: 'RANGE_EXCEEDED',
        context: { tile: 0, firstRow: 0 },
      },
    )
  })
})

describe('values that no double holds together', () => {
  test.each([
    ['1e308 times 1e308', 1e308, 1e308, 'A times B may exceed what float64 holds'],
    ['NaN', NaN, 1, 'A[0, 0] is NaN'],
    ['infinity', 1, Infinity, 'B[0, 0] is Infinity'],
  ])('%s is refused before a frame is sent', async (_, left, right, message) => {
    const { core, result } = run(
      {},
      matrix(2, 2, () => left),
      matrix(2, 2, () => right),
    )
    await expect(result).rejects.toMatchObject({
      code: 'RANGE_EXCEEDED',
      message: expect.stringContaining(message) as string,
    })
    expect(core.frames).toHaveLength(0)
  })

  test.each([
    [1e308, 1e-3],
    [5e-324, 1],
    [1e-300, 1e300],
  ])('%d times %d is right to 1e-12', async (left, right) => {
    const [a, b] = [matrix(3, 4, () => left), matrix(4, 3, () => right)]
    const { product } = await run({}, a, b).result
    expect(worstError(a, b, product)).toBeLessThan(1e-12)
  })
})

describe('quality is measured with probes', () => {
  /** Probes and data of one frame come back wrong by this factor. */
  const wrong = (exact: Float64Array, factor = 1.5): Float64Array => exact.map((value) => factor * value)

  test('weights whose squares no double holds are checked like any others', async () => {
    const fair = await run(
      {},
      matrix(3, 4, () => 1e-200),
      matrix(4, 4, (i) => 1e200 * Math.sin(i + 1)),
    ).result
    expect(fair).toMatchObject({ probeError: 0, repeatedFrames: 0 })
    const off = run(
      { spoil: (exact) => wrong(exact) },
      matrix(3, 4, () => 1e-200),
      matrix(4, 4, () => 1e200),
    )
    await expect(off.result).rejects.toMatchObject({ code: 'QUALITY_OUT_OF_BOUNDS' })
  })

  test('errors within bounds are reported, not repeated', async () => {
    const { core, result } = run({ spoil: (exact) => wrong(exact, 1.1) }, ones(3, 4), matrix(4, 4, Math.sin))
    const { probeError, repeatedFrames, effectiveBits } = await result
    expect(probeError).toBeCloseTo(0.1, 12)
    expect(repeatedFrames).toBe(0)
    expect(effectiveBits).toBeLessThan(6)
    expect(core.frames).toHaveLength(1)
  })

  test.each([
    ['off by half', (exact: Float64Array): Float64Array => wrong(exact)],
    ['not numbers at all', (exact: Float64Array): Float64Array => exact.map(() => NaN)],
  ])('a frame whose probes are %s is measured once more, and its first try forgotten', async (_, spoiled) => {
    const [a, b] = [matrix(30, 8, Math.sin), matrix(8, 8, Math.cos)]
    const { core, result } = run({ spoil: (exact, __, count) => (count === 2 ? spoiled(exact) : exact) }, a, b)
    const { product, repeatedFrames, frames, probeError } = await result
    expect(repeatedFrames).toBe(1)
    expect(core.frames).toHaveLength(frames + 1)
    // The repeated one comes last, with the tile and rows of the third and half its light.
    expect(core.frames.at(-1)!.lanes).toEqual(core.frames[2]!.lanes.map((lane) => lane.map((value) => value / 2)))
    expect(core.frames.at(-1)!.tile.id).toBe(core.frames[2]!.tile.id)
    expect(worstError(a, b, product)).toBeLessThan(1e-12)
    expect(probeError).toBe(0)
  })

  test('a tile that is wrong twice stops the run and names itself', async () => {
    const { core, result } = run(
      { spoil: (exact, { tile }) => (tile.id === 1 ? wrong(exact) : exact) },
      ones(3, 4),
      ones(4, 12),
    )
    await expect(result).rejects.toMatchObject({
      code: 'QUALITY_OUT_OF_BOUNDS',
      message: `tile 1 at row 0 is off by 50.0 % of its probes, twice; at most ${100 * PROBE_LIMIT} % is allowed: calibrate again`,
      context: { tile: 1, firstRow: 0, limit: PROBE_LIMIT },
    })
    expect(core.frames.map(({ tile }) => tile.id)).toEqual([0, 1, 2, 1])
  })

  test('the bits compare with the product in float64', async () => {
    const [a, b] = [matrix(8, 4, Math.sin), matrix(4, 8, Math.cos)]
    const exact = exactProduct(a, b)
    const range = Math.max(...exact.data) - Math.min(...exact.data)
    const { effectiveBits } = await run(
      { maxSymbolsPerFrame: 100, spoil: (values) => values.map((value) => 1.01 * value) },
      a,
      b,
    ).result
    const rms = Math.sqrt(exact.data.reduce((sum, value) => sum + (0.01 * value) ** 2, 0) / exact.data.length)
    expect(effectiveBits).toBeCloseTo(Math.log2(range / rms), 6)
  })
})
