import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../core/clock.ts'
import type { MeshDesign } from '../../../core/mesh-design.ts'
import { meshCoreLayout } from '../../../core/mesh-layout.ts'
import { bareWaveguides } from '../../../sim/optics/bare-waveguides.ts'
import type { BareMesh } from '../../../sim/optics/bare-waveguides.ts'
import { fabricateChip } from '../../../sim/optics/chip.ts'
import type { ChipTruth, MziTruth } from '../../../sim/optics/chip.ts'
import { HeaterArray } from '../../../sim/optics/heater-array.ts'
import { chipTransfer } from '../../../sim/optics/transfer.ts'
import { ALL_DESIGNS } from '../../../perf/mesh-bench-text.ts'
import { diagonal, distance, embed, identity, nonUnitarity, times } from '../../support/complex.ts'
import type { Square } from '../../support/complex.ts'
import { defaultImperfections } from '../../support/direct-bench.ts'

const PLAIN = ALL_DESIGNS.filter(
  ({ mzi, form, detection }) => mzi === 'plain' && form === 'svd' && detection === undefined,
)
const LOSSLESS = { mziLossDb: 0, mziLossSpreadDb: 0, tapRatio: 0 }
const designs = fc.constantFrom(...PLAIN)
const sizes = fc.integer({ min: 2, max: 6 })
const scatter = (index: number, seed: number): number => 7 * Math.sin(1 + index * 12.9898 + seed)

function fabricate(size: number, design: MeshDesign, bareCrosstalkShare: number, crosstalkNeighbour = 0.05): ChipTruth {
  const what = defaultImperfections({ ...LOSSLESS, bareCrosstalkShare, crosstalkNeighbour, crosstalkDecayPitch: 2 })
  return fabricateChip(meshCoreLayout(size, 1, design), what, 3)
}

test('in the columns of a mesh every waveguide has a heater or a place without one, and none has both', () => {
  fc.assert(
    fc.property(designs, sizes, (design, size) => {
      const layout = meshCoreLayout(size, 2, design)
      const { places } = bareWaveguides(layout)
      const cell = ({ x, y }: { x: number; y: number }): string => `${x},${y}`
      const heaters = [layout.first, layout.second].flatMap(({ phi, theta }) =>
        [...phi, ...theta].map((heater) => cell(layout.heaters[heater]!)),
      )
      const cells = new Set([...heaters, ...places.map(cell)])
      expect(cells.size).toBe(heaters.length + places.length)
      expect(cells.size).toBe(2 * 2 * layout.columns * size)
    }),
  )
})

/** Phases of all waveguides and splitters of one mesh column after column, each as a matrix of its own. */
function meshStepByStep(
  chip: ChipTruth,
  mesh: { readonly heaters: ChipTruth['layout']['first']; readonly mzis: readonly MziTruth[]; readonly bare: BareMesh },
  phases: Float64Array,
  bareRad: Float64Array,
): Square {
  const { size, columns, mzis: places } = chip.layout
  let all = identity(size)
  for (let column = 0; column < columns; column++) {
    const met = places.flatMap((place, mzi) => (place.column === column ? [{ ...place, mzi }] : []))
    for (const [step, side] of [
      ['phi', 'alphaRad'],
      ['theta', 'betaRad'],
    ] as const) {
      const rads = new Float64Array(size)
      for (const { top, mzi } of met) {
        rads[top] = phases[mesh.heaters[step][mzi]!]!
        rads[top + 1] = bareRad[mesh.bare.lower[mzi]! + (step === 'phi' ? 0 : 1)]!
      }
      for (const { row, bare } of mesh.bare.passing[column]!) rads[row] = bareRad[bare + (step === 'phi' ? 0 : 1)]!
      all = times(diagonal(rads.map(Math.cos), rads.map(Math.sin)), all)
      for (const { top, mzi } of met) {
        const angle = Math.PI / 4 + mesh.mzis[mzi]![side]
        const [c, s] = [Math.cos(angle), Math.sin(angle)]
        all = times(embed(size, top, Float64Array.of(c, 0, 0, s, 0, s, c, 0)), all)
      }
    }
  }
  return all
}

describe('light in bare waveguides that are warm', () => {
  test('turns in each of them as under a heater: the folded mesh is the product of all columns', () => {
    fc.assert(
      fc.property(designs, sizes, fc.nat(100), (design, size, seed) => {
        const chip = fabricate(size, design, 1)
        const { places, first } = bareWaveguides(chip.layout)
        const phases = Float64Array.from(chip.layout.heaters, (_, heater) => scatter(heater, seed))
        const bareRad = Float64Array.from(places, (_, place) => scatter(place, seed + 0.5))
        const { toTaps, through } = chipTransfer(chip, phases, bareRad)
        const mesh = { heaters: chip.layout.first, mzis: chip.first, bare: first }
        expect(distance(toTaps, meshStepByStep(chip, mesh, phases, bareRad))).toBeLessThan(1e-12)
        expect(nonUnitarity(toTaps)).toBeLessThan(1e-12)
        for (let power = 0, at = 0; at < through.re.length; at++) {
          power += through.re[at]! ** 2 + through.im[at]! ** 2
          expect(power).toBeLessThanOrEqual(size + 1e-9)
        }
      }),
      { numRuns: 40 },
    )
  })

  test('of the second mesh too: cold attenuators apart, both are alike', () => {
    const chip = fabricate(3, PLAIN[0]!, 1)
    const { places, first, second } = bareWaveguides(chip.layout)
    const phases = new Float64Array(chip.layout.heaters.length)
    const warm = (mesh: BareMesh): Float64Array => {
      const rads = new Float64Array(places.length)
      for (const bare of [...mesh.lower, ...mesh.passing.flat().map((piece) => piece.bare)])
        rads[bare] = 0.3 + (bare % 7)
      return rads
    }
    const cold = chipTransfer(chip, phases).through
    for (const mesh of [first, second]) {
      expect(distance(chipTransfer(chip, phases, warm(mesh)).through, cold)).toBeGreaterThan(0.1)
    }
    expect(distance(chipTransfer(chip, phases, warm(second)).toTaps, chipTransfer(chip, phases).toTaps)).toBe(0)
  })

  test('is as warm as the law says at its distance, times the share', () => {
    const [full, half, none] = [1, 0.5, 0].map((share) => fabricate(4, PLAIN[0]!, share))
    const { places } = bareWaveguides(full!.layout)
    const own = new Float64Array(full!.layout.heaters.length)
    own[20] = 2
    const { x, y } = full!.layout.heaters[20]!
    const seen = full!.crosstalk.spreadToBare(own)
    places.forEach((place, at) => {
      const distance = Math.hypot(place.x - x, place.y - y)
      expect(seen[at]).toBeCloseTo(2 * 0.05 * Math.exp(-(distance - 1) / 2), 7)
    })
    expect(Array.from(half!.crosstalk.spreadToBare(own))).toEqual(Array.from(seen, (rad) => rad / 2))
    expect(none!.crosstalk.spreadToBare(own)).toHaveLength(0)
    // Heaters see each other as before.
    expect(full!.crosstalk.spread(own)).toEqual(none!.crosstalk.spread(own))
  })

  test('follows a heater with its time constant', async () => {
    const chip = fabricate(3, PLAIN[0]!, 1)
    const clock = new VirtualClock()
    const heaters = new HeaterArray(chip, 5, clock)
    heaters.setVoltageV(8, 6)
    const warmest = (): number => Math.max(...heaters.bareRad())
    expect(warmest()).toBe(0)
    await clock.sleep(5e-3, new AbortController().signal)
    const lagged = warmest()
    await clock.sleep(1, new AbortController().signal)
    expect(lagged / warmest()).toBeCloseTo(1 - Math.exp(-1), 9)
  })

  test('is not there at a share of 0: the same bits as without', () => {
    const chip = fabricate(4, PLAIN[0]!, 0)
    const phases = Float64Array.from(chip.layout.heaters, (_, heater) => scatter(heater, 1))
    const heaters = new HeaterArray(chip, 5, new VirtualClock())
    expect(chipTransfer(chip, phases, heaters.bareRad())).toEqual(chipTransfer(chip, phases))
  })
})
