import { expect, test } from 'vitest'
import { benchFromText } from '../../bench/bench-file.ts'
import { designText } from '../../core/mesh-design.ts'
import type { MeshDesign } from '../../core/mesh-design.ts'
import type { FrameReading } from '../../orchestrator/frames/frame-runner.ts'
import { ALL_DESIGNS, meshBenchText } from '../../perf/mesh-bench-text.ts'
import { frameBy, WAYS } from '../support/frame-by.ts'

const SIZE = 3
const DESIGNS = ALL_DESIGNS.filter(({ detection }) => detection === 'intensity')

test.each(DESIGNS.map((design): [string, MeshDesign] => [designText(design), design]))(
  'a bench of %s plays a frame over pipes, over wires and without, to the same bits',
  async (_, design) => {
    const file = benchFromText(meshBenchText(SIZE, design), 'b.yaml')
    const readings: FrameReading[] = []
    for (const way of WAYS) readings.push(await frameBy(way, file))
    const [{ plusMw, minusMw }] = readings as [FrameReading, ...FrameReading[]]
    expect(plusMw[0]).toHaveLength(SIZE)
    expect(minusMw).toEqual([[]])
    // Light, and data on it: an output that stayed the same would be the meter's own.
    for (const output of plusMw[0]!) expect(Math.max(...output) - Math.min(...output)).toBeGreaterThan(1e-3)
    for (const reading of readings) expect(reading).toStrictEqual(readings[0])
  },
)
