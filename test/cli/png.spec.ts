import { createRequire } from 'node:module'
import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { openRasteriser, rasterise } from '../../cli/png.ts'
import type { Rasterise } from '../../cli/png.ts'
import { element, FONT, svgDocument, text } from '../../pictures/svg.ts'
import { pngRows, pngSize } from '../support/png-facts.ts'

const blank = svgDocument(200, 60, 'blank', [])
const written = (attributes = {}): string =>
  svgDocument(200, 60, 'written', [text(10, 40, 20, 'rad/V² φθΣ†', attributes)])

let draw: Rasterise
beforeAll(async () => {
  draw = await openRasteriser()
})

describe('PNG', () => {
  test('of a narrow picture is 1600 pixels wide, of a wide one as wide as the picture', () => {
    expect(pngSize(draw(blank))).toEqual({ width: 1600, height: 480 })
    expect(pngSize(draw(svgDocument(2000, 30, 'wide', [])))).toEqual({ width: 2000, height: 30 })
  })

  test('is whole: four bytes a pixel, and one a row', () => {
    expect(pngRows(draw(blank))).toHaveLength(480 * (1 + 4 * 1600))
  })

  test('has the letters of the fonts that come along, and none without them', () => {
    expect(draw(written())).not.toEqual(draw(blank))
    expect(rasterise(written(), [])).toEqual(rasterise(blank, []))
  })

  test('has bold letters that are another font’s', async () => {
    expect(draw(written({ 'font-weight': 'bold' }))).not.toEqual(draw(written()))
    const file = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf')
    const regular = new Uint8Array(await readFile(file))
    expect(rasterise(written({ 'font-weight': 'bold' }), [regular])).toEqual(draw(written()))
  })

  test('asks for the font by the name that pictures give it', () => {
    expect(FONT.startsWith("'DejaVu Sans'")).toBe(true)
  })

  test('is the same for the same picture, and another for another', async () => {
    const picture = svgDocument(200, 60, 'dot', [element('circle', { cx: 20, cy: 20, r: 9 })])
    expect(draw(picture)).toEqual((await openRasteriser())(picture))
    expect(draw(picture)).not.toEqual(draw(blank))
  })
})
