import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DenseArray, elementCount } from '../../orchestrator/arrays/dense-array.ts'
import type { ConvolutionOptions } from '../../orchestrator/jobs/convolution.ts'
import { multiply } from '../../orchestrator/jobs/matmul.ts'
import { multiplyPanels } from '../../orchestrator/jobs/multiply-panels.ts'
import { exactResult, noSink, productJob } from '../../orchestrator/jobs/product-job.ts'
import { productParts } from '../../orchestrator/jobs/product-parts.ts'
import { cutTiles } from '../../orchestrator/tiles/tile-product.ts'
import { normalArray } from '../support/normal-array.ts'
import { ExactCore } from '../support/exact-core.ts'
import { neverAborted, quietLog } from '../support/run-plan.ts'

/** By its definition, output by output. */
function byDefinition(image: DenseArray, kernels: DenseArray, { stride, padding }: ConvolutionOptions): number[] {
  const [images, channels, height, width] = (image.shape.length === 3 ? [1, ...image.shape] : image.shape) as [
    number,
    number,
    number,
    number,
  ]
  const [outputs, , kernelHeight, kernelWidth] = kernels.shape as [number, number, number, number]
  const result: number[] = []
  for (let n = 0; n < images; n++) {
    for (let o = 0; o < outputs; o++) {
      for (let top = -padding; top + kernelHeight <= height + padding; top += stride) {
        for (let left = -padding; left + kernelWidth <= width + padding; left += stride) {
          let sum = 0
          for (let c = 0; c < channels; c++) {
            for (let i = 0; i < kernelHeight; i++) {
              for (let j = 0; j < kernelWidth; j++) {
                const [y, x] = [top + i, left + j]
                if (y < 0 || y >= height || x < 0 || x >= width) continue
                const at = ((n * channels + c) * height + y) * width + x
                sum += image.data[at]! * kernels.data[((o * channels + c) * kernelHeight + i) * kernelWidth + j]!
              }
            }
          }
          result.push(sum)
        }
      }
    }
  }
  return result
}

const size = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max })
const convolutions = fc.record({
  images: fc.option(size(1, 2)),
  channels: size(1, 2),
  height: size(3, 7),
  width: size(3, 9),
  outputs: size(1, 3),
  kernelHeight: size(1, 3),
  kernelWidth: size(1, 3),
  stride: size(1, 3),
  padding: size(0, 2),
  circulant: fc.option(size(3, 6)),
  memoryBytes: size(1, 20_000),
})

describe('a convolution', () => {
  test('is one by its definition, by patches and on circulant cores, for any sizes, strides, zeros and memory', async () => {
    await fc.assert(
      fc.asyncProperty(convolutions, async (drawn) => {
        const { images, channels, height, width, outputs, kernelHeight, kernelWidth, memoryBytes, ...options } = drawn
        const image = normalArray('image', [...(images === null ? [] : [images]), channels, height, width])
        const kernels = normalArray('kernels', [outputs, channels, kernelHeight, kernelWidth])
        const job = productJob(image, kernels, options)
        const out = new DenseArray('out', job.shape, false)
        const ports = options.circulant ?? 4
        const core = new ExactCore({ inputs: ports, outputs: ports, maxSymbolsPerFrame: 32 })
        const totals = await multiplyPanels(
          job.products(out),
          (a, b, signal) => multiply(core, a, b, { log: quietLog, signal }),
          { memoryBytes, log: quietLog, signal: neverAborted },
        )
        const expected = byDefinition(image, kernels, options)
        expect(elementCount(job.shape)).toBe(expected.length)
        for (const [i, value] of expected.entries()) expect(Math.abs(out.data[i]! - value)).toBeLessThan(1e-12)
        expect(totals.macs).toBe(expected.length * channels * kernelHeight * kernelWidth)
      }),
      { numRuns: 80 },
    )
  })

  test('is put together again from parts: lines of images, and kernels, by patches and on circulant cores', async () => {
    const parted = convolutions.chain((drawn) =>
      fc.record({ drawn: fc.constant(drawn), line: size(0, 99), kernel: size(0, 99), circulant: fc.boolean() }),
    )
    await fc.assert(
      fc.asyncProperty(parted, async ({ drawn, line, kernel, circulant: isCirculant }) => {
        const { images, channels, height, width, outputs, kernelHeight, kernelWidth, stride, padding } = drawn
        const image = normalArray('image', [...(images === null ? [] : [images]), channels, height, width])
        const kernels = normalArray('kernels', [outputs, channels, kernelHeight, kernelWidth])
        const options = { stride, padding, circulant: null }
        const exact = await exactResult(productJob(image, kernels, options))
        const parts = productParts(exact.shape, true)
        const { size } = parts
        const [row, column] = [line % size.rows, kernel % size.columns]
        const spans = (at: number, count: number): [number, number][] => [
          [0, at],
          [at, count - at],
        ]
        const out = new DenseArray('out', exact.shape, false)
        let macs = 0
        for (const [firstRow, rows] of spans(row, size.rows)) {
          for (const [firstColumn, columns] of spans(column, size.columns)) {
            if (rows === 0 || columns === 0) continue
            const part = { firstRow, rows, firstColumn, columns }
            const job = productJob(image, kernels, { ...options, circulant: isCirculant ? 7 : null }, part)
            const product = await exactResult(job)
            expect(product.data).toHaveLength((await parts.cut(exact, part)).data.length)
            await parts.place(out, product, part)
            macs += job.products(noSink)[0]!.macs
          }
        }
        for (const [i, value] of exact.data.entries()) expect(Math.abs(out.data[i]! - value)).toBeLessThan(1e-12)
        expect(macs).toBe(exact.data.length * channels * kernelHeight * kernelWidth)
      }),
      { numRuns: 100 },
    )
  })

  test('on a core of n ports has tiles that are circulant, each row the one before turned by one', async () => {
    const options = { stride: 1, padding: 1, circulant: 5 }
    const job = productJob(normalArray('image', [2, 6, 9]), normalArray('kernels', [3, 2, 3, 3]), options)
    const b = await job.products(noSink)[0]!.readB(0, 3, neverAborted)
    const tiles = [...cutTiles(b, { inputs: 5, outputs: 5 })]
    expect(tiles).toHaveLength(2 * 3 * 3)
    for (const { tile } of tiles) {
      for (let q = 0; q < 5; q++) {
        for (let p = 0; p < 5; p++) expect(tile.weights[q * 5 + p]).toBe(tile.weights[(p - q + 5) % 5])
      }
    }
  })

  test('with a kernel of one pixel is the image', async () => {
    const image = normalArray('image', [1, 4, 5])
    const one = new DenseArray('one', [1, 1, 1, 1], false, Float64Array.of(1))
    const result = await exactResult(productJob(image, one, { stride: 1, padding: 0, circulant: 3 }))
    expect(result.data).toEqual(image.data)
  })

  test.each([
    [[2, 5, 5], [1, 3, 2, 2], 'the kernels need as many channels as the image'],
    [[5, 5], [1, 3, 2, 2], 'an image has channels, height and width'],
    [[2, 5, 5], [3, 2, 2], 'kernels have outputs, channels, height and width'],
    [[2, 5, 5], [1, 2, 6, 2], 'with 0 zeros on each side the kernels do not fit in'],
  ])('of %j with %j is refused', (image, kernels, message) => {
    const options = { stride: 1, padding: 0, circulant: null }
    expect(() => productJob(normalArray('image', image), normalArray('kernels', kernels), options)).toThrow(message)
  })

  test('of complex numbers, and of kernels that are wider than a circulant core, is refused', () => {
    const options = { stride: 1, padding: 0, circulant: 2 }
    const image = normalArray('image', [1, 5, 5])
    const wide = normalArray('kernels', [1, 1, 1, 3])
    expect(() => productJob(image, wide, options)).toThrow(
      'a core of 2 ports convolves with kernels of up to that width',
    )
    expect(() => productJob(normalArray('image', [1, 5, 5], true), wide, options)).toThrow(
      'convolutions are of real numbers',
    )
  })
})
