import { describe, expect, test } from 'vitest'
import { clementsPlaces } from '../../core/mesh-layout.ts'
import { RandomStream } from '../../core/random.ts'
import { phaseColour } from '../../pictures/colours.ts'
import type { MeshPicture, MeshSection } from '../../pictures/mesh-frame.ts'
import { meshPhasesPicture } from '../../pictures/mesh-phases.ts'
import type { PhasedDevice } from '../../pictures/mesh-phases.ts'
import { meshSplittersPicture } from '../../pictures/mesh-splitters.ts'
import type { SplitDevice } from '../../pictures/mesh-splitters.ts'
import { canParseXml, svgFacts } from '../support/svg-facts.ts'

if (!canParseXml) console.info('No Python with xml.etree: what pictures of meshes hold is not checked.')

const HEADING = 'Phases <first> & "last"'

function picture(size: number): MeshPicture<PhasedDevice & SplitDevice> {
  const random = new RandomStream(size, 'mesh')
  const drawn = (place: { column: number; top: number; single: boolean }): PhasedDevice & SplitDevice => ({
    ...place,
    thetaRad: random.uniform(-10, 10),
    phiRad: random.uniform(-10, 10),
    alphaRad: random.normal(0, 0.02),
    betaRad: random.normal(0, 0.02),
  })
  const section = (
    name: string,
    columns: number,
    devices: PhasedDevice[],
  ): MeshSection<PhasedDevice & SplitDevice> => ({
    ...{ name, columns, devices: devices as (PhasedDevice & SplitDevice)[] },
    powers: Array.from({ length: columns + 1 }, () => Float64Array.from({ length: size }, () => random.uniform(0, 1))),
  })
  const mesh = (name: string): MeshSection<PhasedDevice & SplitDevice> =>
    section(
      name,
      size === 2 ? 1 : size,
      clementsPlaces(size).map((place) => drawn({ ...place, single: false })),
    )
  const sigma = section(
    'Σ',
    1,
    Array.from({ length: size }, (_, top) => drawn({ column: 0, top, single: true })),
  )
  const lines = [
    'run r-1 · bench b · twin, chip 7',
    'A long line of words that no narrow picture has room for at once. '.repeat(3),
  ]
  return { caption: { heading: HEADING, lines }, size, sections: [mesh('V†'), sigma, mesh('U')] }
}

describe.skipIf(!canParseXml).each([2, 3, 8, 16, 64])('the picture of a mesh of %i waveguides', (size) => {
  test.each([
    ['phases', meshPhasesPicture],
    ['splitters', meshSplittersPicture],
  ] as const)(
    'of %s has every device once, its captions, and a number at each end of each waveguide',
    async (_, draw) => {
      const svg = draw(picture(size))
      expect(svg).not.toMatch(/NaN|undefined|Infinity/)
      const { classes, words, titles } = await svgFacts(svg)
      expect(classes['mzi']).toBe(size * (size - 1))
      expect(classes['attenuator']).toBe(size)
      expect(titles).toHaveLength(1 + size * (size - 1) + size)
      expect(titles[0]).toBe(HEADING)
      expect(words).toEqual(expect.arrayContaining([HEADING, 'V†', 'Σ', 'U', 'run r-1 · bench b · twin, chip 7']))
      for (let port = 0; port < size; port++)
        expect(words.filter((each) => each === String(port)).length).toBeGreaterThanOrEqual(2)
    },
  )

  test('keeps all letters inside and none of its captions on another', async () => {
    const { width, height, texts } = await svgFacts(meshPhasesPicture(picture(size)))
    for (const { x, y, size: letters } of texts) {
      expect(x).toBeGreaterThanOrEqual(0)
      expect(x).toBeLessThanOrEqual(width)
      expect(y - letters).toBeGreaterThanOrEqual(0)
      expect(y).toBeLessThanOrEqual(height)
    }
    const left = texts.filter(({ x }) => x === 24).toSorted((a, b) => a.y - b.y)
    for (const [i, below] of left.slice(1).entries()) expect(below.y - left[i]!.y).toBeGreaterThanOrEqual(below.size)
    // A wide picture is shrunk to a screen: captions grow with it.
    expect(texts[0]!.size / width).toBeGreaterThan(1 / 100)
  })
})

describe.skipIf(!canParseXml)('a device', () => {
  test('says its phases within one turn, in units of π where there is room', async () => {
    const device = { column: 0, top: 0, single: false, thetaRad: -Math.PI / 2, phiRad: 2.25 * Math.PI }
    const sections = [
      {
        name: 'V†',
        columns: 1,
        devices: [device],
        powers: [
          [1, 0],
          [0.25, 0.75],
        ],
      },
    ]
    const svg = meshPhasesPicture({ caption: { heading: 'one', lines: [] }, size: 2, sections })
    const { words, titles, fills } = await svgFacts(svg)
    expect(words).toEqual(expect.arrayContaining(['1.50π', '0.25π', '100 %']))
    expect(titles).toContain('V†, column 0, waveguides 0 and 1: θ 4.7124 rad, φ 0.7854 rad')
    expect(fills[phaseColour(1.5 * Math.PI)]).toBeGreaterThanOrEqual(1)
  })
})

test('The colour of a phase is the same after a turn, and not half a turn away', () => {
  expect(phaseColour(2 * Math.PI)).toBe(phaseColour(0))
  expect(phaseColour(Math.PI)).not.toBe(phaseColour(0))
  for (let i = 0; i < 64; i++) expect(phaseColour(i / 10)).toMatch(/^#[0-9a-f]{6}$/)
})

test('The same data give the same bytes', () => {
  expect(meshPhasesPicture(picture(8))).toBe(meshPhasesPicture(picture(8)))
  expect(meshSplittersPicture(picture(8))).toBe(meshSplittersPicture(picture(8)))
})
