import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CounterRandom, RandomStream } from '../../core/random.ts'

const COUNT = 100_000
const draw = (next: (counter: number) => number, first = 0): Float64Array =>
  Float64Array.from({ length: COUNT }, (_, i) => next(first + i))

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Mean of (value − centre)^order */
function moment(values: Float64Array, order: number, centre = 0): number {
  return mean(values.map((value) => (value - centre) ** order))
}

function correlation(left: Float64Array, right: Float64Array): number {
  const [l, r] = [mean(left), mean(right)]
  const product = mean(left.map((value, i) => (value - l) * (right[i]! - r)))
  return product / Math.sqrt(moment(left, 2, l) * moment(right, 2, r))
}

/** Five standard errors of a mean of COUNT values with this standard deviation. */
const within = (sigma = 1): number => (5 * sigma) / Math.sqrt(COUNT)

describe('counter-based random numbers', () => {
  test('uniform values fill (0, 1) evenly', () => {
    const random = new CounterRandom(1, 'test')
    const values = draw((i) => random.uniform(i))
    expect(Math.min(...values)).toBeGreaterThan(0)
    expect(Math.max(...values)).toBeLessThan(1)
    expect(Math.abs(mean(values) - 0.5)).toBeLessThan(within(Math.sqrt(1 / 12)))
    // χ² of 64 bins: 63 ± 5·√126.
    const bins = new Float64Array(64)
    for (const value of values) bins[Math.floor(64 * value)]!++
    const chi2 = bins.reduce((sum, bin) => sum + (bin - COUNT / 64) ** 2 / (COUNT / 64), 0)
    expect(Math.abs(chi2 - 63)).toBeLessThan(5 * Math.sqrt(126))
  })

  test('normal values have the moments of a normal distribution', () => {
    const random = new CounterRandom(7, 'test')
    const values = draw((i) => random.normal(i))
    expect(Math.abs(mean(values))).toBeLessThan(within())
    expect(Math.abs(moment(values, 2) - 1)).toBeLessThan(within(Math.sqrt(2)))
    expect(Math.abs(moment(values, 3))).toBeLessThan(within(Math.sqrt(15)))
    expect(Math.abs(moment(values, 4) - 3)).toBeLessThan(within(Math.sqrt(96)))
  })

  test.each([1, 2, 3, 8, 64, 4096])('counters %i apart are independent', (lag) => {
    const random = new CounterRandom(3, 'noise')
    const values = draw((i) => random.normal(i))
    const later = draw((i) => random.normal(i), lag)
    expect(Math.abs(correlation(values, later))).toBeLessThan(within())
    expect(Math.abs(correlation(values.map(Math.abs), later.map(Math.abs)))).toBeLessThan(within())
  })

  test.each([
    ['the name', new CounterRandom(1, 'photodiode/a'), new CounterRandom(1, 'photodiode/b')],
    ['the order of letters in the name', new CounterRandom(1, 'ab'), new CounterRandom(1, 'ba')],
    ['the seed by one', new CounterRandom(1, 'a'), new CounterRandom(2, 'a')],
    ['the seed above 32 bits', new CounterRandom(5, 'a'), new CounterRandom(5 + 2 ** 32, 'a')],
    ['the sign of the seed', new CounterRandom(5, 'a'), new CounterRandom(-5, 'a')],
  ])('streams that differ in %s are independent', (_, left, right) => {
    const [l, r] = [draw((i) => left.normal(i)), draw((i) => right.normal(i))]
    expect(Math.abs(correlation(l, r))).toBeLessThan(within())
    expect(l.filter((value, i) => value === r[i])).toHaveLength(0)
  })

  test('a counter beyond 32 bits is another counter', () => {
    const random = new CounterRandom(1, 'a')
    const [l, r] = [draw((i) => random.normal(i)), draw((i) => random.normal(i), 2 ** 40)]
    expect(Math.abs(correlation(l, r))).toBeLessThan(within())
    expect(l.filter((value, i) => value === r[i])).toHaveLength(0)
  })

  test('one bit of the counter changes every bit of the value half the time', () => {
    const random = new CounterRandom(9, 'avalanche')
    const word = (counter: number): number => (random.uniform(counter) * 2 ** 32 - 0.5) >>> 0
    const trials = 2000
    for (let bit = 0; bit < 45; bit++) {
      const flips = new Float64Array(32)
      for (let trial = 0; trial < trials; trial++) {
        const counter = trial * 1_000_003
        const flipped = Math.floor(counter / 2 ** bit) % 2 === 0 ? counter + 2 ** bit : counter - 2 ** bit
        const difference = word(counter) ^ word(flipped)
        for (let out = 0; out < 32; out++) flips[out]! += (difference >>> out) & 1
      }
      // Six standard errors of a fair coin.
      for (const count of flips) expect(Math.abs(count / trials - 0.5)).toBeLessThan(3 / Math.sqrt(trials))
    }
  })

  test('a value depends on seed, stream and counter alone, whatever was asked before', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.string(),
        fc.array(fc.nat(2 ** 31 - 1), { minLength: 1 }),
        (seed, stream, counters) => {
          const [forth, back] = [new CounterRandom(seed, stream), new CounterRandom(seed, stream)]
          const asked = counters.map((counter) => forth.normal(counter))
          const askedBackwards = counters.toReversed().map((counter) => back.normal(counter))
          expect(askedBackwards.reverse()).toEqual(asked)
        },
      ),
    )
  })

  test('no seed makes a value outside the range', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.string(), fc.nat(), (seed, stream, counter) => {
        const random = new CounterRandom(seed, stream)
        const uniform = random.uniform(counter)
        expect(uniform > 0 && uniform < 1).toBe(true)
        expect(Number.isFinite(random.normal(counter))).toBe(true)
      }),
    )
  })
})

describe('a random stream', () => {
  test('two streams of one seed and name give the same numbers in the same order', () => {
    const [left, right] = [new RandomStream(4, 'chip'), new RandomStream(4, 'chip')]
    const of = (stream: RandomStream): number[] => [
      stream.uniform(),
      stream.normal(2, 3),
      stream.uniform(-5, 5),
      stream.normal(),
    ]
    expect(of(left)).toEqual(of(right))
  })

  test('draws with the mean, the spread and the limits that were asked for', () => {
    const stream = new RandomStream(1, 'draws')
    const normal = Float64Array.from({ length: COUNT }, () => stream.normal(20, 3))
    expect(Math.abs(mean(normal) - 20)).toBeLessThan(within(3))
    expect(Math.abs(Math.sqrt(moment(normal, 2, 20)) / 3 - 1)).toBeLessThan(within())
    const uniform = Float64Array.from({ length: COUNT }, () => stream.uniform(-2, 6))
    expect(Math.min(...uniform)).toBeGreaterThan(-2)
    expect(Math.max(...uniform)).toBeLessThan(6)
    expect(Math.abs(mean(uniform) - 2)).toBeLessThan(within(8 / Math.sqrt(12)))
  })
})
