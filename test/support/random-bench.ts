import type { RandomStream } from '../../core/random.ts'
import { ALL_DESIGNS } from '../../perf/mesh-bench-text.ts'
import { MESH_PARAMETERS } from '../../sim/optics/parameters/mesh-parameters.ts'
import {
  CHANNELS_PER_GENERATOR,
  connector,
  list,
  pick,
  PORTS_PER_METER,
  randomHeaterBank,
  randomImperfections,
  randomLaserDbm,
  randomRangeDbm,
  randomSurroundings,
  whole,
} from './random-settings.ts'

/** The text of a bench file: 2 to 5 ports, 1 to 3 lanes, any design and settings, any chip that the file may describe. */
export function randomBench(random: RandomStream): string {
  const { arrangement, mzi, form, detection } = pick(random, ALL_DESIGNS)
  const sides = detection === 'intensity' ? 1 : 2
  const [size, lanes] = [whole(random, 2, 5), whole(random, 1, 3)]
  const modulators = size * lanes
  const mzis = (size * (size - 1)) / 2

  let next = 0
  const heaters = (count: number): string => {
    const first = next
    next += count
    return `${first}-${next - 1}`
  }
  const perLane = (): string[] => list(lanes, () => heaters(size))
  const perMesh = (count: number): unknown => ({ phi: heaters(count), theta: heaters(count) })
  const channels = {
    input: perLane(),
    first: perMesh(mzis),
    ...(form === 'svd' ? { sigma: perMesh(size), second: perMesh(mzis) } : {}),
    ...(sides === 2 ? { lo: perLane() } : {}),
  }

  const counts = { lasers: lanes, modulators, photodiodes: sides * modulators, heaters: next }
  const { instruments, sections } = randomSurroundings(random, counts)
  const lane = (index: number): unknown => {
    const ports = list(size, (port) => String(index * size + port)).map(Number)
    return {
      laser: `laser-${index}`,
      frequencyThz: Number((193.1 + 0.1 * index).toFixed(1)),
      powerDbm: randomLaserDbm(random),
      drive: ports.map((at) => connector('awg', CHANNELS_PER_GENERATOR, at)),
      bias: ports.map((at) => `mbx-${at}`),
      plus: ports.map((at) => connector('pm', PORTS_PER_METER, sides * at)),
      ...(sides === 2 ? { minus: ports.map((at) => connector('pm', PORTS_PER_METER, 2 * at + 1)) } : {}),
    }
  }
  // JSON is YAML.
  return JSON.stringify({
    name: 'random-bench',
    core: { kind: 'mesh', layout: arrangement, mzi, form, size },
    instruments: { ...instruments, ...(form === 'svd' ? { daq: tapMonitor(random) } : {}) },
    lanes: Array.from({ length: lanes }, (_, index) => lane(index)),
    detection: { kind: detection ?? 'balanced-homodyne', rangeDbm: randomRangeDbm(random) },
    heaters: { ...randomHeaterBank(random), channels },
    ...(form === 'svd' ? { taps: { monitor: 'daq', firstInput: whole(random, 0, 14 - size) } } : {}),
    ...sections,
    twin: {
      ...randomImperfections(random, MESH_PARAMETERS),
      ...randomPassband(random),
      eamExtinctionDb: 0,
      bareCrosstalkShare: pick(random, [0, random.uniform()]),
    },
  })
}

const tapMonitor = (random: RandomStream): unknown => ({
  driver: 'labjack-t7',
  resource: 'MODBUS::127.0.0.1::3000::1',
  rangeV: pick(random, [10, 1, 0.1, 0.01]),
  resolutionIndex: whole(random, 1, 8),
})

/** On the grid of the bench's lasers, and as a passband must be: wider at 3 dB than at 1 dB, no wider than the grid. */
function randomPassband(random: RandomStream): Readonly<Record<string, number>> {
  const muxPassband3DbGhz = random.uniform(20, 100)
  return {
    gridSpacingGhz: 100,
    muxPassband3DbGhz,
    muxPassband1DbGhz: muxPassband3DbGhz * random.uniform(0.5, 0.9),
    muxFreeSpectralRangeThz: random.uniform(0.4, 20),
  }
}
