import { describe, expect, test } from 'vitest'
import { streamKey } from '../../../core/random.ts'
import { NOISE_FLOATS } from '../../../sim/kernels/kernel-engine.ts'
import { Kernels } from '../../../sim/kernels/kernels.ts'
import { noiseCounter, passCounter } from '../../../sim/kernels/noise-counter.ts'
import { cosineAndSine, normal, squaredLength } from '../../../sim/kernels/reference/noise.ts'

const COUNT = 2 ** 20
const kernels = new Kernels('wasm')

function draw(stream: string, first = 0, seed = 1): Float64Array {
  using _scope = kernels.memory.scope()
  const out = kernels.memory.float32(COUNT)
  const { low, high } = noiseCounter(first, COUNT)
  kernels.engine.normals(out, COUNT, streamKey(seed, stream), low, high, kernels.memory.float32(NOISE_FLOATS))
  return Float64Array.from(out)
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length
const product = (left: Float64Array, right: Float64Array): number => mean(left.map((value, i) => value * right[i]!))

/** Five standard errors of a mean of COUNT values with this standard deviation. */
const within = (sigma = 1): number => (5 * sigma) / Math.sqrt(COUNT)

describe('normal numbers of the kernels', () => {
  test('have the moments of a normal distribution up to the sixth', () => {
    const values = draw('moments')
    // Variances of x^k: E[x^2k] − E[x^k]².
    for (const [order, expected, sigma] of [
      [1, 0, 1],
      [2, 1, Math.sqrt(2)],
      [3, 0, Math.sqrt(15)],
      [4, 3, Math.sqrt(96)],
      [5, 0, Math.sqrt(945)],
      [6, 15, Math.sqrt(10170)],
    ] as const) {
      expect(Math.abs(mean(values.map((value) => value ** order)) - expected)).toBeLessThan(within(sigma))
    }
  })

  test.each([
    [1, 0.317310508],
    [2, 0.045500264],
    [3, 0.002699796],
    [4, 6.334248e-5],
  ])('lie beyond %i σ as often as they should', (limit, share) => {
    const beyond = draw('tails').filter((value) => Math.abs(value) > limit).length
    expect(Math.abs(beyond - share * COUNT)).toBeLessThan(5 * Math.sqrt(share * COUNT))
  })

  test('fill their distribution evenly: χ² of 64 bins of equal probability', () => {
    const values = draw('bins').sort()
    // Edges by bisection of the sorted sample of another stream would test it against itself; the error function is known.
    const edges = Array.from({ length: 63 }, (_, i) => quantile((i + 1) / 64))
    const below = edges.map((edge) => values.findIndex((value) => value >= edge))
    const bins = [...below, COUNT].map((end, i) => end - (i === 0 ? 0 : below[i - 1]!))
    const chi2 = bins.reduce((sum, bin) => sum + (bin - COUNT / 64) ** 2 / (COUNT / 64), 0)
    expect(Math.abs(chi2 - 63)).toBeLessThan(5 * Math.sqrt(126))
  })

  test.each([1, 2, 3, 4, 5, 8, 16, 4096])('numbers %i counters apart are independent', (lag) => {
    const values = draw('lags')
    const [early, late] = [values.subarray(0, COUNT - lag), values.subarray(lag)]
    expect(Math.abs(product(early, late))).toBeLessThan(within())
    const squares = (array: Float64Array): Float64Array => array.map((value) => value ** 2 - 1)
    expect(Math.abs(product(squares(early), squares(late)))).toBeLessThan(within(2))
  })

  test.each([
    ['the stream', draw('a'), draw('b')],
    ['the seed', draw('a'), draw('a', 0, 2)],
    ['the upper word of the counter', draw('a'), draw('a', 2 ** 32)],
    ['the start of the record', draw('a'), draw('a', 2 ** 21)],
  ])('are independent when %s differs', (_, left, right) => {
    expect(Math.abs(product(left, right))).toBeLessThan(within())
    // Values are single precision: some of a million are equal by chance.
    expect(left.filter((value, i) => value === right[i]).length).toBeLessThan(20)
  })

  /** The pairs that numbers are made in: counters 0…3 of eight with 4…7. Uniform in [0, 1): of the length, of the direction. */
  function pairs(stream: string): readonly (readonly [length: number, direction: number])[] {
    const values = draw(stream)
    return Array.from({ length: COUNT / 2 }, (_, pair) => {
      const at = 8 * (pair >> 2) + (pair & 3)
      const [x, y] = [values[at]!, values[at + 4]!]
      return [Math.exp(-(x * x + y * y) / 2), Math.atan2(y, x) / (2 * Math.PI) + 0.5]
    })
  }

  function chiSquared(bins: readonly number[], count: number): number {
    return bins.reduce((sum, bin) => sum + (bin - count / bins.length) ** 2 / (count / bins.length), 0)
  }

  test('length and direction of a pair are independent: χ² over 32 × 32 cells', () => {
    const bins = new Array<number>(1024).fill(0)
    for (const [length, direction] of pairs('cells'))
      bins[32 * Math.min(31, Math.floor(32 * length)) + Math.min(31, Math.floor(32 * direction))]!++
    expect(Math.abs(chiSquared(bins, COUNT / 2) - 1023)).toBeLessThan(5 * Math.sqrt(2 * 1023))
  })

  test('far out, where lengths are alike, all directions are as frequent', () => {
    const far = pairs('far').filter(([length]) => length < 1 / 256)
    const bins = new Array<number>(16).fill(0)
    for (const [, direction] of far) bins[Math.min(15, Math.floor(16 * direction))]!++
    expect(far.length).toBeGreaterThan(1800)
    expect(Math.abs(chiSquared(bins, far.length) - 15)).toBeLessThan(5 * Math.sqrt(30))
  })

  test('each is addressed by its counter alone', () => {
    const key = streamKey(1, 'addressed')
    const values = draw('addressed', 2 ** 33 + 64)
    for (const i of [0, 1, 3, 4, 7, 8, 1001, COUNT - 1]) expect(values[i]).toBe(normal(key, 64 + i, 2))
  })
})

describe('the functions that noise is made with', () => {
  const words = Array.from({ length: 10_001 }, (_, i) => Math.imul(i, 429_496) | 0)

  test('cosine and sine of a direction are within 6e-7 of those of its quarter turn and its place there', () => {
    for (const word of words) {
      const angle = (Math.PI / 4) * (1 + word / 2 ** 31)
      const [cosine, sine] = cosineAndSine(word)
      expect(Math.abs(cosine - ((word & 1) === 0 ? 1 : -1) * Math.cos(angle))).toBeLessThan(6e-7)
      expect(Math.abs(sine - ((word & 2) === 0 ? 1 : -1) * Math.sin(angle))).toBeLessThan(6e-7)
    }
  })

  test('the squared length of a word is −2 ln u to 4e-7 of itself, from the middle to both ends', () => {
    const ends = [0, 1, 2, 3, 100, -1, -2, -3, -1000]
    for (const word of [...words, ...ends]) {
      const expected = -2 * Math.log((Math.fround(word >>> 1) + 0.5) / 2 ** 31)
      // Near u = 1 the word itself is rounded to 24 bits.
      expect(Math.abs(squaredLength(word) - expected)).toBeLessThan(4e-7 * Math.abs(expected) + 2 ** -23)
    }
  })
})

describe('the counter of a record', () => {
  test('passes of a product share no number and never reach the next 2^32', () => {
    expect([0, 1, 2].map((pass) => passCounter(0, pass, 1000))).toEqual([0, 1024, 2048])
    expect(passCounter(2 ** 33, 3, 1)).toBe(2 ** 33 + 24)
  })

  test.each([
    ['inside a group of eight', 4, 8],
    ['that reaches into the next 2^32', 2 ** 32 - 8, 16],
    ['below zero', -8, 8],
    ['that is no number', NaN, 8],
  ])('refuses a start %s', (_, first, rows) => {
    expect(() => noiseCounter(first, rows)).toThrow(expect.objectContaining({ code: 'RANGE_EXCEEDED' }))
  })
})

/** Inverse of the normal distribution by bisection of its series. */
function quantile(probability: number): number {
  let [low, high] = [-8, 8]
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (distribution(middle) < probability) low = middle
    else high = middle
  }
  return low
}

/** ½ + φ(x)·(x + x³/3 + x⁵/15 + …). */
function distribution(x: number): number {
  let [term, sum] = [x, x]
  for (let k = 3; k < 200; k += 2) {
    term *= (x * x) / k
    sum += term
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)
}
