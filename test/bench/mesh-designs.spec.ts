import { describe, expect, test } from 'vitest'
import { benchFromText, requireKind } from '../../bench/bench-file.ts'
import { checkBench } from '../../bench/check-bench.ts'
import { startTwin } from '../../bench/connect-twin.ts'
import { startDirectTwin } from '../../bench/direct-twin.ts'
import { fabricatedChip } from '../../bench/fabricated-chip.ts'
import { twinWorld } from '../../bench/twin-world.ts'
import { VirtualClock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import { DEFAULT_DESIGN, designText } from '../../core/mesh-design.ts'
import type { MeshDesign } from '../../core/mesh-design.ts'
import { meshCoreLayout } from '../../core/mesh-layout.ts'
import { neverAborted } from '../support/run-plan.ts'
import { ALL_DESIGNS, meshBenchText } from '../../perf/mesh-bench-text.ts'

const fileOf = (size: number, design: MeshDesign) =>
  requireKind(benchFromText(meshBenchText(size, design), 'b.yaml'), 'mesh')

function faults(text: string): readonly string[] {
  try {
    benchFromText(text, 'b.yaml')
  } catch (error) {
    if (error instanceof BenchError && error.code === 'BENCH_FILE_INVALID') return error.message.split('\n')
    throw error
  }
  return []
}

describe.each(ALL_DESIGNS.map((design) => [designText(design), design] as const))('a core of %s', (_, design) => {
  test.each([2, 3, 8])('of %i ports is read, and its twin has the heaters and interferometers drawn', (size) => {
    const { wiring, twin } = fileOf(size, design)
    const layout = meshCoreLayout(size, 1, design)
    expect(wiring.design).toEqual(design)
    expect(wiring.heaters.channels).toEqual(layout.heaters.map((_, heater) => heater))
    const meshes = design.form === 'svd' ? 2 : 1
    const mzis = (size * (size - 1)) / 2
    const ends = design.detection === 'intensity' ? size : 2 * size
    expect(layout.heaters).toHaveLength(ends + 2 * meshes * mzis + (design.form === 'svd' ? 2 * size : 0))
    const world = twinWorld(fileOf(size, design), { seed: 1, clock: new VirtualClock() })
    const { chip } = world.truth
    expect(chip.first).toHaveLength(mzis)
    expect(chip.second).toHaveLength((meshes - 1) * mzis)
    const thirds = chip.first.map(({ thirdRad = 0 }) => thirdRad)
    const nominal = { plain: 0, 'three-splitter': Math.PI / 4, crossing: Math.PI / 2 }[design.mzi]
    for (const third of thirds) expect(Math.abs(third - nominal)).toBeLessThan(6 * twin.splitterSigmaRad)
  })

  test('answers as itself on every wire, and without wires; both ways see the same light', async () => {
    const file = fileOf(3, design)
    await using wired = await startTwin(file, { seed: 2, clock: new VirtualClock(), mode: 'pipe' })
    const direct = startDirectTwin(file, { seed: 2, clock: new VirtualClock() })
    const { truth } = fabricatedChip(file, 2)
    for (const plug of [{ connect: wired.connect }, { direct: direct.direct }]) {
      const check = await checkBench(file, { ...plug, clock: new VirtualClock(), signal: neverAborted })
      expect(check.instruments.filter(({ error }) => error !== undefined)).toEqual([])
      expect(check.ok).toBe(true)
    }
    expect(wired.world.truth.chip.first).toEqual(direct.world.truth.chip.first)
    expect(truth['chip']).toMatchObject({ first: direct.world.truth.chip.first, layout: { design } })
  })
})

test('Cores of 256 ports are read, fabricated and folded in every arrangement and form', () => {
  for (const design of ALL_DESIGNS.filter(({ mzi }) => mzi === 'three-splitter')) {
    const file = fileOf(256, design)
    const { core } = twinWorld(file, { seed: 1, clock: new VirtualClock() })
    const { size } = file.wiring
    const fields = new Float64Array(size).fill(1)
    const light = {
      powersMw: Float64Array.of(1),
      frequenciesThz: Float64Array.of(193.1),
      fieldRe: fields,
      fieldIm: fields,
    }
    const powersMw = core.detectorPowersMw(light)
    expect(powersMw).toHaveLength(design.detection === 'intensity' ? size : 2 * size)
    const sum = powersMw.reduce((all, power) => all + power, 0)
    // A laser of 1 mW lights modulators, and local oscillators if there are any: no more comes out than went in.
    expect(sum).toBeGreaterThan(0)
    expect(sum).toBeLessThan(1)
    expect(core.tapPowersMw(light)).toHaveLength(design.form === 'svd' ? size : 0)
  }
})

describe('a bench file that wires another core than it draws', () => {
  const unitary = { ...DEFAULT_DESIGN, form: 'unitary' } as const
  const [svdText, unitaryText] = [meshBenchText(2, DEFAULT_DESIGN), meshBenchText(2, unitary)]
  const intensityText = meshBenchText(2, { ...DEFAULT_DESIGN, detection: 'intensity' })

  test.each([
    [
      'another form',
      svdText.replace('"form": "svd"', '"form": "both"'),
      /core\.form - is "both"; must be "svd" or "unitary"/,
    ],
    ['another mzi', svdText.replace('"mzi": "plain"', '"mzi": "fancy"'), /core\.mzi - is "fancy"; must be "plain" or /],
    [
      'another layout',
      svdText.replace('"clements"', '"diamond"'),
      /core\.layout - is "diamond"; must be "clements" or "reck"/,
    ],
    [
      'no second mesh in a core of form svd',
      unitaryText.replace('"form": "unitary"', '"form": "svd"'),
      /heaters\.channels\.second - is missing from a core of form svd; give phi and theta 1 channels each/,
    ],
    [
      'a second mesh in a unitary core',
      svdText.replace('"form": "svd"', '"form": "unitary"'),
      /heaters\.channels\.sigma - has no place in a unitary core, which is a single mesh; remove it/,
    ],
    [
      'taps in a unitary core',
      unitaryText
        .replace('"ovens"', '"taps": { "monitor": "daq", "firstInput": 0 },\n "ovens"')
        .replace('"oven":', '"daq": { "driver": "labjack-t7", "resource": "MODBUS::10.0.0.3::502::1" },\n  "oven":'),
      /taps - stand between two meshes, and a unitary core has one; remove them/,
    ],
    [
      'another detection',
      svdText.replace('"balanced-homodyne"', '"heterodyne"'),
      /detection\.kind - is "heterodyne"; must be "balanced-homodyne" or "intensity"/,
    ],
    [
      'a − side where intensities are read',
      svdText.replace('"balanced-homodyne"', '"intensity"'),
      /lanes\[0\]\.minus - has no place where detection\.kind is intensity: plus lists the one photodiode of each output/,
    ],
    [
      'local oscillators where intensities are read',
      svdText.replace('"balanced-homodyne"', '"intensity"'),
      /heaters\.channels\.lo - has no place where detection\.kind is intensity: there are no local oscillators; remove it/,
    ],
    [
      'no − side where pairs are read',
      intensityText.replace('"intensity"', '"balanced-homodyne"'),
      /lanes\[0\]\.minus - is missing: meter port at the − output of each balanced coupler; list them, or set detection\.kind/,
    ],
    [
      'no local oscillators where pairs are read',
      intensityText.replace('"intensity"', '"balanced-homodyne"'),
      /heaters\.channels\.lo - is missing: give each of 1 lanes its channels, or set detection\.kind to intensity/,
    ],
    [
      'too few photodiodes where intensities are read',
      intensityText.replace(/"pm-0\.1",\s*"pm-0\.2"/, '"pm-0.1"'),
      /lanes\[0\]\.plus - lists 1 for a core with 2 outputs; list 2/,
    ],
    [
      'too few heaters',
      meshBenchText(3, unitary).replace(/"phi": "3-5"/, '"phi": "3-4"'),
      /heaters\.channels\.first\.phi - lists 2 channels for 3 heaters; list 3/,
    ],
  ])('with %s is refused at its line and column', (_, text, message) => {
    const lines = faults(text)
    expect(
      lines.some((line) => message.test(line)),
      lines.join('\n'),
    ).toBe(true)
    for (const line of lines) expect(line).toMatch(/^b\.yaml:[1-9]\d*:[1-9]\d* /)
  })

  test('is told of every side and oscillator that does not belong to its detection, and of nothing that follows', () => {
    expect(faults(svdText.replace('"balanced-homodyne"', '"intensity"'))).toHaveLength(2)
    expect(faults(intensityText.replace('"intensity"', '"balanced-homodyne"'))).toHaveLength(2)
    // A detection that cannot be read hides nothing else, and blames nothing else.
    for (const text of [svdText, intensityText]) {
      expect(faults(text.replace(/"(balanced-homodyne|intensity)"/, '"heterodyne"'))).toHaveLength(1)
    }
  })

  test('that says nothing of mzi and form is U·Σ·V† of plain ones', () => {
    const text = svdText.replace(/"mzi": "plain",\s*"form": "svd",/, '')
    expect(text).not.toBe(svdText)
    expect(requireKind(benchFromText(text, 'b.yaml'), 'mesh').wiring.design).toEqual(DEFAULT_DESIGN)
  })
})
