import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RandomStream } from '../../core/random.ts'
import { errorHistogram } from '../../pictures/error-histogram.ts'
import { expectedCount, histogramOf, normalFit } from '../../pictures/normal-fit.ts'
import { spectrumChart } from '../../pictures/spectrum-chart.ts'
import { canParseXml, svgFacts } from '../support/svg-facts.ts'

if (!canParseXml) console.info('No Python with xml.etree: what charts hold is not checked.')

const BAR = '#9cc3e6'
const noise = new RandomStream(1, 'errors')
const errors = Float64Array.from({ length: 4096 }, () => noise.normal(2e-4, 4e-3))
const picture = { heading: 'Errors', lines: ['run r-1'], errors, effectiveBits: 7.4 }

describe('a histogram', () => {
  test('holds every value exactly once, whatever the values', () => {
    const values = fc.array(fc.double({ noNaN: true, min: -1e3, max: 1e3 }), { minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(values, (list) => {
        const { counts, binWidth, firstEdge } = histogramOf(list)
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(list.length)
        expect(binWidth).toBeGreaterThan(0)
        expect(firstEdge).toBeLessThanOrEqual(Math.min(...list))
      }),
    )
  })

  test('is fitted by the law that the values were drawn from', () => {
    const { mean, sigma } = normalFit(errors)
    // 4096 draws: five standard errors of mean (σ/64) and of σ (σ/√8192).
    expect(Math.abs(mean - 2e-4)).toBeLessThan((5 * 4e-3) / 64)
    expect(Math.abs(sigma - 4e-3)).toBeLessThan((5 * 4e-3) / Math.sqrt(8192))
  })

  test('has a curve over it that expects as many values as there are', () => {
    const fit = { mean: 3, sigma: 2 }
    let sum = 0
    for (let x = -9; x < 15; x += 0.1) sum += expectedCount(fit, 500, 0.1, x)
    expect(sum).toBeCloseTo(500, 3)
  })
})

describe.skipIf(!canParseXml)('the picture of errors', () => {
  test('has one bar a bin, units on its axes, and the fit in its caption', async () => {
    const { fills, words } = await svgFacts(errorHistogram(picture))
    expect(fills[BAR]).toBe(histogramOf(errors).counts.length)
    const said = words.join(' ')
    expect(said).toContain('error of an element, % of the range of the exact product')
    expect(said).toContain('elements in a bin')
    const { mean, sigma } = normalFit(errors)
    expect(said).toContain(`mean ${(100 * mean).toPrecision(2)} % and σ ${(100 * sigma).toPrecision(3)} % of the range`)
    expect(said).toContain('4096 elements; 7.40 effective bits')
  })

  test('of an exact product is one bar without a curve', async () => {
    const svg = errorHistogram({ ...picture, errors: new Float64Array(12), effectiveBits: null })
    expect(svg).not.toMatch(/NaN|Infinity/)
    const { fills, words } = await svgFacts(svg)
    expect(fills[BAR]).toBe(1)
    expect(words.join(' ')).toContain('12 elements; exact')
  })

  test('is the same however many were drawn before', () => {
    expect(errorHistogram(picture)).toBe(errorHistogram(picture))
  })
})

/** Gaussian passbands 100 GHz apart. */
function spectrum(channels: number): Parameters<typeof spectrumChart>[0] {
  const frequenciesThz = Float64Array.from({ length: 400 }, (_, i) => 192.5 + i * 0.0025)
  const series = Array.from({ length: channels }, (_, channel) => ({
    name: `output ${channel}`,
    valuesDb: frequenciesThz.map((thz) => -3 - 3 * ((thz - 192.6 - 0.1 * channel) / 0.025) ** 2),
  }))
  return { title: 'AWGR from input 0', lines: ['bench b · twin, chip 3'], frequenciesThz, series }
}

describe.skipIf(!canParseXml)('a spectrum', () => {
  test('has a line and a name for each series, THz below and dB beside', async () => {
    const svg = spectrumChart(spectrum(4))
    const { words } = await svgFacts(svg)
    expect(words).toEqual(
      expect.arrayContaining(['AWGR from input 0', 'output 0', 'output 3', 'optical frequency, THz', 'dB', '192.6']),
    )
    expect(svg.match(/stroke-width="1.6"/g)).toHaveLength(4)
  })

  test('of many lines names the first and the last in its caption instead', async () => {
    const { words } = await svgFacts(spectrumChart(spectrum(32)))
    expect(words).toContain('32 lines, coloured in their order from output 0 to output 31.')
    expect(words).not.toContain('output 5')
  })

  test('leaves a gap where there is no light, and ends 80 dB below its peak', async () => {
    const drawn = spectrum(1)
    const valuesDb = Float64Array.from(drawn.series[0]!.valuesDb, (value, i) => (i > 200 ? -Infinity : value))
    const svg = spectrumChart({ ...drawn, series: [{ name: 'dark', valuesDb }] })
    expect(svg).not.toMatch(/NaN|Infinity/)
    const { words } = await svgFacts(svg)
    expect(words).toContain('-80')
    expect(words).not.toContain('-90')
  })
})
