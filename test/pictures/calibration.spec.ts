import { describe, expect, test } from 'vitest'
import { crosstalkMap } from '../../pictures/crosstalk-map.ts'
import { fringesPicture } from '../../pictures/fringes.ts'
import type { FringesPicture } from '../../pictures/fringes.ts'
import { residualHistogram } from '../../pictures/residual-histogram.ts'
import { RandomStream } from '../../core/random.ts'
import { canParseXml, svgFacts } from '../support/svg-facts.ts'

if (!canParseXml) console.info('No Python with xml.etree: what pictures of calibrations hold is not checked.')

const caption = { heading: 'Heading', lines: ['run r-1 · bench b'] }
const BAR = '#9cc3e6'

function fringes(ports: number): FringesPicture {
  const x = [0, 10, 20, 30]
  const panels = Array.from({ length: ports }, (_, port) => ({
    title: `output ${port}: 0.1 rad/V²`,
    fringes: [
      { name: 'plus', values: [0.5, 0.4, 0.3, 0.2], curve: [0.5, 0.35, 0.2] },
      { name: 'minus', values: [0.1, 0.2, 0.3, 0.4], curve: [0.1, 0.25, 0.4] },
    ],
  }))
  return { caption, xName: 'V²', yName: 'mW', x, groups: [0, 1].map((lane) => ({ name: `lane ${lane}`, panels })) }
}

describe.skipIf(!canParseXml)('fringes', () => {
  test('have a panel each, a point for each reading, and their names once', async () => {
    const svg = fringesPicture(fringes(5))
    const { classes, words } = await svgFacts(svg)
    expect(classes).toMatchObject({ panel: 10, point: 10 * 2 * 4 })
    expect(svg.match(/<polyline/g)).toHaveLength(20)
    expect(words.filter((word) => word === 'plus')).toHaveLength(1)
    expect(words).toEqual(expect.arrayContaining(['lane 0', 'lane 1', 'output 4: 0.1 rad/V²', '30.0']))
  })

  test.each([1, 4, 9, 64])('of %i ports stay inside the picture', async (ports) => {
    const svg = fringesPicture(fringes(ports))
    const { width, height, texts } = await svgFacts(svg)
    for (const { x, y } of texts) {
      expect(x).toBeLessThan(width)
      expect(y).toBeLessThan(height)
    }
    for (const [, cx, cy] of svg.matchAll(/cx="([\d.]+)" cy="([\d.]+)"/g)) {
      expect(Number(cx)).toBeLessThan(width)
      expect(Number(cy)).toBeLessThan(height)
    }
  })
})

describe.skipIf(!canParseXml)('a map of crosstalk', () => {
  const law = (dx: number, dy: number): number => 0.02 * Math.exp(1 - Math.hypot(dx, dy))

  test('has the share of every offset in per cent, and the heater in the middle', async () => {
    const { classes, words } = await svgFacts(crosstalkMap({ caption, of: 'phase', reachX: 2, reachY: 1, share: law }))
    expect(classes).toMatchObject({ victim: 14, heater: 1 })
    expect(words.filter((word) => word === (100 * law(1, 1)).toPrecision(2))).toHaveLength(4)
    expect(words.filter((word) => word === (100 * law(2, 1)).toPrecision(2))).toHaveLength(4)
    expect(words).toEqual(expect.arrayContaining(['heater', 'pitches across it', '−2', '+2']))
  })

  test('of rings in a single row has no other rows', async () => {
    const { classes, words } = await svgFacts(crosstalkMap({ caption, of: 'shift', reachX: 3, reachY: 0, share: law }))
    expect(classes).toMatchObject({ victim: 6, heater: 1 })
    expect(words).not.toContain('pitches across it')
    expect(words.join(' ')).toContain('share of the heater’s own shift')
  })

  test('without any crosstalk is drawn all the same', () => {
    expect(crosstalkMap({ caption, of: 'phase', reachX: 2, reachY: 1, share: () => 0 })).not.toMatch(/NaN|Infinity/)
  })
})

describe('a histogram of residuals', () => {
  const noise = new RandomStream(3, 'residuals')
  const normal = (length: number): Float64Array => Float64Array.from({ length }, () => noise.normal())
  const picture = { caption, xName: 'residual, %', fitted: normal(4096), heldOut: normal(300) }

  test.skipIf(!canParseXml)('has bars for what was fitted and a line for what was not', async () => {
    const svg = residualHistogram(picture)
    const { fills, words } = await svgFacts(svg)
    expect(fills[BAR]).toBe(61)
    expect(svg.match(/stroke="#b3261e"/g)).toHaveLength(1)
    expect(words.join(' ')).toContain('Bars: fitted to; line: kept out of the fit')
  })

  test('is the same again, and no numbers break where nothing is left', () => {
    expect(residualHistogram(picture)).toBe(residualHistogram(picture))
    const exact = { ...picture, fitted: new Float64Array(9), heldOut: new Float64Array(0) }
    expect(residualHistogram(exact)).not.toMatch(/NaN|Infinity/)
  })
})
