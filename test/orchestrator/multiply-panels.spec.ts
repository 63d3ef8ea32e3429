import { UNPLANNED } from '../../orchestrator/numerics/numerics-sum.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DenseArray, elementCount } from '../../orchestrator/arrays/dense-array.ts'
import { RandomStream } from '../../core/random.ts'
import { arrayProducts, productShape } from '../../orchestrator/jobs/array-products.ts'
import { exactResult, noSink, productJob } from '../../orchestrator/jobs/product-job.ts'
import { exactProduct, multiply } from '../../orchestrator/jobs/matmul.ts'
import type { MatmulLog } from '../../orchestrator/jobs/matmul.ts'
import { multiplyPanels, panelSize } from '../../orchestrator/jobs/multiply-panels.ts'
import type { MultiplyPanel, PanelTotals } from '../../orchestrator/jobs/multiply-panels.ts'
import { normalArray } from '../support/normal-array.ts'
import { ExactCore } from '../support/exact-core.ts'
import type { ExactCoreOptions } from '../support/exact-core.ts'
import { neverAborted, quietLog } from '../support/run-plan.ts'

/** On optics that are exact, or spoiled. */
async function onLight(
  a: DenseArray,
  b: DenseArray,
  memoryBytes: number,
  { log = quietLog, core: options = {} }: { log?: MatmulLog; core?: ExactCoreOptions } = {},
): Promise<{ product: DenseArray; totals: PanelTotals }> {
  const product = new DenseArray('C', productShape(a, b), a.isComplex || b.isComplex)
  const core = new ExactCore(options)
  const multiplyPanel: MultiplyPanel = (a, b, signal) => multiply(core, a, b, { log, signal })
  const settings = { memoryBytes, log, signal: neverAborted }
  return { product, totals: await multiplyPanels(arrayProducts(a, b, product), multiplyPanel, settings) }
}

/** The product by its definition, each element a sum of its own, broadcast as NumPy does. */
function byDefinition(a: DenseArray, b: DenseArray): { re: number; im: number }[] {
  const shape = productShape(a, b)
  const at = (array: DenseArray, place: readonly number[]): [number, number] => {
    const own = place.slice(place.length - array.shape.length)
    const index = array.shape.reduce((sum, size, axis) => sum * size + (size === 1 ? 0 : own[axis]!), 0)
    return array.isComplex ? [array.data[2 * index]!, array.data[2 * index + 1]!] : [array.data[index]!, 0]
  }
  return Array.from({ length: elementCount(shape) }, (_, element) => {
    const place: number[] = []
    let rest = element
    for (const size of shape.toReversed()) {
      place.unshift(rest % size)
      rest = Math.floor(rest / size)
    }
    const [leading, row, column] = [place.slice(0, -2), place.at(-2)!, place.at(-1)!]
    let [re, im] = [0, 0]
    for (let k = 0; k < a.shape.at(-1)!; k++) {
      const [x, y] = [at(a, [...leading, row, k]), at(b, [...leading, k, column])]
      re += x[0] * y[0] - x[1] * y[1]
      im += x[0] * y[1] + x[1] * y[0]
    }
    return { re, im }
  })
}

describe('a product that is computed panel by panel', () => {
  const size = fc.integer({ min: 1, max: 6 })
  const leading = fc.constantFrom<readonly (readonly number[])[]>(
    [[], []],
    [[3], []],
    [[], [2]],
    [[3], [3]],
    [[3, 1], [2]],
    [
      [2, 3],
      [1, 3],
    ],
    [[1], [4]],
  )

  test('is the product by its definition, for batches, complex factors and any bound of memory', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[size, size, size, leading, fc.boolean(), fc.boolean(), fc.integer({ min: 1, max: 4000 })],
        async (rows, inner, columns, [ofA, ofB], isComplexA, isComplexB, memoryBytes) => {
          const a = normalArray('A', [...ofA!, rows, inner], isComplexA)
          const b = normalArray('B', [...ofB!, inner, columns], isComplexB)
          const { product, totals } = await onLight(a, b, memoryBytes)
          const expected = byDefinition(a, b)
          for (const [element, { re, im }] of expected.entries()) {
            const parts = product.isComplex ? [2 * element, 2 * element + 1] : [element]
            for (const [part, at] of parts.entries()) {
              expect(Math.abs(product.data[at]! - [re, im][part]!)).toBeLessThan(1e-12)
            }
          }
          expect((await exactResult(productJob(a, b))).shape).toEqual(product.shape)
          const perElement = inner * (isComplexA ? 2 : 1) * (isComplexB ? 2 : 1)
          expect(totals.macs).toBe(expected.length * perElement)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('has the quality that it has in one piece', async () => {
    const [a, b] = [normalArray('A', [40, 12]), normalArray('B', [12, 9])]
    const random = new RandomStream(3, 'noise')
    const spoil = (exact: Float64Array): Float64Array => exact.map((value) => value + 0.01 * random.normal())
    const { product, totals } = await onLight(a, b, 2000, { core: { spoil } })
    expect(totals.panels).toBeGreaterThan(5)
    const exact = exactProduct({ rows: 40, columns: 12, data: a.data }, { rows: 12, columns: 9, data: b.data }).data
    const range = Math.max(...exact) - Math.min(...exact)
    const squares = exact.reduce((sum, value, i) => sum + (product.data[i]! - value) ** 2, 0)
    expect(totals.nrmse).toBeCloseTo(Math.sqrt(squares / 360) / range, 12)
    expect(totals.effectiveBits).toBeCloseTo(-Math.log2(totals.nrmse), 12)
    expect(totals.probeError).toBeGreaterThan(0)
  })

  test('programs the weights of a matrix of B once for all matrices of A that it multiplies', async () => {
    const [a, b] = [normalArray('A', [5, 3, 4]), normalArray('B', [4, 4])]
    expect((await onLight(a, b, 2 ** 20, { core: { maxSymbolsPerFrame: 64 } })).totals).toMatchObject({
      panels: 1,
      frames: 1,
    })
  })

  test('keeps within its memory, and goes on with one row and one column where nothing fits', () => {
    const [product] = arrayProducts(normalArray('A', [3000, 500]), normalArray('B', [500, 700]), noSink)
    const { rows, columns } = panelSize(product!, 2 ** 20)
    expect(columns).toBe(65)
    expect(rows).toBe(141)
    expect(8 * (rows * (500 + 3 * columns) + 500 * columns)).toBeLessThanOrEqual(2 ** 20)
    expect(panelSize(product!, 1)).toEqual({ rows: 1, columns: 1 })
    expect(panelSize(product!, Infinity)).toEqual({ rows: 3000, columns: 700 })
  })

  test('journals each panel and the SHA-256 of what it wrote, and nothing more where there is one only', async () => {
    const [a, b] = [normalArray('A', [4, 4]), normalArray('B', [4, 4])]
    const steps: [string, unknown][] = []
    const log = { ...quietLog, step: (name: string, detail?: unknown) => steps.push([name, detail]) }
    await onLight(a, b, 2 ** 20, { log })
    expect(steps.map(([name]) => name)).toEqual(['frame'])
    steps.length = 0
    await onLight(a, b, 512, { log })
    expect(steps.filter(([name]) => name !== 'frame')).toEqual([
      ['panel', { panel: 0, firstRow: 0, rows: 3, firstColumn: 0, columns: 4 }],
      ['panel done', { panel: 0, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string }],
      ['panel', { panel: 1, firstRow: 3, rows: 1, firstColumn: 0, columns: 4 }],
      ['panel done', { panel: 1, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string }],
    ])
  })

  test('stops between two panels when it is aborted', async () => {
    const [a, b] = [normalArray('A', [9, 4]), normalArray('B', [4, 4])]
    const stop = new AbortController()
    let panels = 0
    const multiplyPanel: MultiplyPanel = (a, b) => {
      if (++panels === 2) stop.abort(new Error('enough'))
      const product = exactProduct(a, b)
      const none = {
        ...{ frames: 0, repeatedFrames: 0, dimmedFrames: 0, numerics: UNPLANNED },
        probes: { squaredError: 0, squared: 0 },
      }
      return Promise.resolve({ product, exact: product, ...none })
    }
    const settings = { memoryBytes: 1, log: quietLog, signal: stop.signal }
    await expect(multiplyPanels(arrayProducts(a, b, noSink), multiplyPanel, settings)).rejects.toThrow('enough')
    expect(panels).toBe(2)
  })
})

describe('shapes that do not go together', () => {
  test.each([
    [[4, 5], [4, 3], 'A is 4×5 and B is 4×3: A needs as many columns as B has rows'],
    [
      [2, 4, 5],
      [3, 5, 3],
      'A is 2×4×5 and B is 3×5×3: dimensions before the last two must be equal, 1 or missing on one side',
    ],
  ])('%j and %j are refused', (ofA, ofB, message) => {
    expect(() => productShape(normalArray('A', ofA), normalArray('B', ofB))).toThrow(message)
  })
})

describe('a product of complex matrices', () => {
  test('is made of four real products, because three leave √3 of their error in the imaginary part', async () => {
    const [a, b] = [normalArray('A', [64, 16], true), normalArray('B', [16, 64], true)]
    const random = new RandomStream(5, 'noise')
    // As on light: errors in proportion to the range of what a product may be.
    const noisy = ({ data }: { readonly data: Float64Array }): Float64Array => {
      const rms = Math.sqrt(data.reduce((sum, value) => sum + value ** 2, 0) / data.length)
      return data.map((value) => value + 0.01 * rms * random.normal())
    }
    const part = ({ shape: [rows = 0, columns = 0], data }: DenseArray, of: (re: number, im: number) => number) => ({
      ...{ rows, columns },
      data: Float64Array.from({ length: rows * columns }, (_, i) => of(data[2 * i]!, data[2 * i + 1]!)),
    })
    const times = (of: (re: number, im: number) => number): Float64Array =>
      noisy(exactProduct(part(a, of), part(b, of)))
    const exact = await exactResult(productJob(a, b))
    const [p1, p2, p3] = [times((re) => re), times((_, im) => im), times((re, im) => re + im)]
    const rmsOf = (errors: Float64Array): number =>
      Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length)
    const ofThree = rmsOf(p3.map((value, i) => value - p1[i]! - p2[i]! - exact.data[2 * i + 1]!))

    const product = new DenseArray('C', exact.shape, true)
    const multiplyPanel: MultiplyPanel = (a, b) => {
      const exact = exactProduct(a, b)
      const none = {
        ...{ frames: 0, repeatedFrames: 0, dimmedFrames: 0, numerics: UNPLANNED },
        probes: { squaredError: 0, squared: 0 },
      }
      return Promise.resolve({ product: { ...exact, data: noisy(exact) }, exact, ...none })
    }
    const settings = { memoryBytes: Infinity, log: quietLog, signal: neverAborted }
    await multiplyPanels(arrayProducts(a, b, product), multiplyPanel, settings)
    const ofFour = rmsOf(p1.map((_, i) => product.data[2 * i + 1]! - exact.data[2 * i + 1]!))
    expect(ofThree / ofFour).toBeGreaterThan(0.9 * Math.sqrt(3))
    expect(ofThree / ofFour).toBeLessThan(1.1 * Math.sqrt(3))
  })
})
