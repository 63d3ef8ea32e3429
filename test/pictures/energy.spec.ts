import { describe, expect, test } from 'vitest'
import { energyBars } from '../../pictures/energy-bars.ts'
import { powerChart } from '../../pictures/power-chart.ts'
import type { PowerPicture } from '../../pictures/power-chart.ts'
import { canParseXml, svgFacts } from '../support/svg-facts.ts'

if (!canParseXml) console.info('No Python with xml.etree: what charts hold is not checked.')

const caption = { heading: 'Power over time', lines: ['run r-1'] }
const spans = [
  { name: 'warm up', fromS: 0, toS: 60 },
  { name: 'multiply', fromS: 60, toS: 100 },
]

function power(readings: number, peakAt = -1): PowerPicture {
  const timesS = Float64Array.from({ length: readings }, (_, i) => (100 * i) / readings)
  const powersW = Float64Array.from({ length: readings }, (_, i) => (i === peakAt ? 50 : 4))
  return { caption, spans, panels: [{ component: 'heaters', lines: [{ name: 'heaters', timesS, powersW }] }] }
}

/** [x, y] of a line as it is drawn, in pixels. */
function drawnLine(svg: string): (readonly [number, number])[] {
  const [, path = ''] = /<path[^>]* d="([^"]+)"[^>]*stroke-width="1.6"/.exec(svg) ?? []
  return [...path.matchAll(/[ML]?(-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)])
}

describe.skipIf(!canParseXml)('the picture of power', () => {
  test('has a panel for each component in a unit that fits, the steps by name, and seconds below', async () => {
    const one = { timesS: [99], powersW: [4.3e-7] }
    const lasers = ['laser-a', 'laser-b'].map((name) => ({ name, timesS: [70, 90], powersW: [0.01, 0.02] }))
    const panels = [
      ...power(10).panels,
      { component: 'DAC and ADC', lines: [{ name: 'DAC and ADC', ...one }] },
      { component: 'lasers', lines: [{ name: 'electrical', ...one }] },
      { component: 'laser light', lines: lasers },
    ]
    const svg = powerChart({ caption, panels, spans })
    expect(svg).not.toMatch(/NaN|Infinity/)
    const { words } = await svgFacts(svg)
    expect(words).toEqual(
      expect.arrayContaining([
        ...['heaters, W', 'DAC and ADC, nW', 'lasers, electrical, nW', 'warm up', 'multiply'],
        'laser light, mW: 2 lines, coloured in their order from laser-a to laser-b',
        'time on the bench’s clock since the start of the run, s',
      ]),
    )
  })

  test('of 30,000 readings keeps the one peak, in at most 2,000 points', () => {
    const few = drawnLine(powerChart(power(50, 20)))
    const many = drawnLine(powerChart(power(30_000, 12_345)))
    expect(many.length).toBeGreaterThan(1000)
    expect(many.length).toBeLessThanOrEqual(2000)
    const top = (line: typeof few): number => line.reduce((least, [, y]) => Math.min(least, y), Infinity)
    expect(top(many)).toBeCloseTo(top(few), 1)
    expect(many.filter(([, y]) => y < top(many) + 1)).toHaveLength(1)
  })

  test('is the same however many were drawn before', () => {
    expect(powerChart(power(100))).toBe(powerChart(power(100)))
  })
})

describe.skipIf(!canParseXml)('the picture of energy', () => {
  const bars = [
    { boundary: 'optical', total: '1 J', parts: [{ component: 'light', joules: 1, isMeasured: true }] },
    {
      boundary: 'converters',
      total: '4 J',
      parts: [
        { component: 'light', joules: 1, isMeasured: true },
        { component: 'amplifiers', joules: 3, isMeasured: false },
      ],
    },
  ]

  test('has a bar for each boundary, parts as wide as their shares, and says what is modelled', async () => {
    const svg = energyBars({ caption, bars })
    const { words, classes, titles } = await svgFacts(svg)
    expect(classes).toEqual({ part: 3 })
    expect(words).toEqual(
      expect.arrayContaining([
        'optical',
        'converters',
        '4 J',
        'amplifiers, modelled',
        'light, measured',
        'light 25.0 %',
      ]),
    )
    expect(titles).toContain('amplifiers: 3.000 J, 75.0 %')
    const widths = [...svg.matchAll(/<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="40"/g)].map(([, w]) =>
      Number(w),
    )
    expect(widths).toEqual([952, 238, 714])
  })

  test('of no energy at all is an empty bar', async () => {
    const dark = { boundary: 'optical', total: '0 J', parts: [{ component: 'light', joules: 0, isMeasured: true }] }
    const svg = energyBars({ caption, bars: [dark] })
    expect(svg).not.toMatch(/NaN|Infinity/)
    expect((await svgFacts(svg)).words).toContain('no energy')
  })
})
