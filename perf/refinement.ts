import { benchFromText, readBenchFile, requireKind } from '../bench/bench-file.ts'
import type { MeshBenchFile } from '../bench/bench-file.ts'
import { MeshCore } from '../calibration/mesh-core.ts'
import type { Refined } from '../calibration/tile-refiner.ts'
import { DEFAULT_DESIGN } from '../core/mesh-design.ts'
import { RandomStream } from '../core/random.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import { calibratedMesh } from './default-mesh.ts'
import type { CalibratedMesh } from './default-mesh.ts'
import type { Figure } from './figure.ts'
import { figure, median } from './figure.ts'
import { meshBenchText } from './mesh-bench-text.ts'
import { productBits, randomMatrix } from './product-bits.ts'

const ROUNDS = 3

/** A laser for more ports than the default bench has. */
const LASER_DBM = 11.5

interface Case {
  readonly name: string
  readonly file: () => Promise<MeshBenchFile>
  readonly chips: number
  /** Multiplied at once, and when the bench has stood lit so long, h. */
  readonly thenAfterH?: number
}

const mesh8 = async (): Promise<MeshBenchFile> => requireKind(await readBenchFile('examples/mesh-8x8.yaml'), 'mesh')

const CASES: readonly Case[] = [
  { name: '8 ports', file: mesh8, chips: 5, thenAfterH: 12 },
  { name: '16 ports', file: () => meshOf(16), chips: 2 },
  { name: '32 ports', file: () => meshOf(32), chips: 1 },
]

/** Random normal 64×64·64×64 products with tiles as they are programmed, and measured and corrected where they stand. */
export async function refinement(): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const each of CASES) {
    const results: (readonly Measured[])[] = []
    for (let seed = 1; seed <= each.chips; seed++) {
      process.stderr.write(`\r${each.name}, chip ${seed} of ${each.chips} `)
      results.push(await measure(each, seed))
    }
    for (const age of results[0]!.keys()) {
      const name = age === 0 ? each.name : `${each.name}, ${each.thenAfterH} h later`
      const ofAge = results.map((ages) => ages[age]!)
      figures.push(...figuresOf(name, ofAge))
    }
  }
  process.stderr.write('\n')
  return figures
}

async function meshOf(size: number): Promise<MeshBenchFile> {
  const bench = JSON.parse(meshBenchText(size, DEFAULT_DESIGN)) as { readonly lanes: readonly object[] }
  const lanes = bench.lanes.map((lane) => ({ ...lane, powerDbm: LASER_DBM }))
  return Promise.resolve(requireKind(benchFromText(JSON.stringify({ ...bench, lanes }), `any-${size}.yaml`), 'mesh'))
}

interface Measured {
  readonly programmedBits: number
  readonly refinedBits: number
  readonly tiles: readonly Refined[]
}

/** [age] */
async function measure({ file, thenAfterH }: Case, seed: number): Promise<readonly Measured[]> {
  await using mesh = await calibratedMesh(await file(), seed)
  const fresh = await measureNow(mesh, seed)
  if (thenAfterH === undefined) return [fresh]
  await mesh.clock.sleep(3_600_000 * thenAfterH, mesh.signal)
  return [fresh, await measureNow(mesh, seed)]
}

async function measureNow(mesh: CalibratedMesh, seed: number): Promise<Measured> {
  const { bench, calibration, frames, signal } = mesh
  const random = new RandomStream(seed, 'products/normal')
  const [a, b] = [randomMatrix('normal', random), randomMatrix('normal', random)]
  const heaters = new HeaterSetter(bench)
  const tiles: Refined[] = []
  const refine = { rounds: ROUNDS, onRefined: (told: Refined) => tiles.push(told) }
  const programmedBits = await productBits(new MeshCore(bench, calibration, frames, heaters), a, b, signal)
  const refinedBits = await productBits(new MeshCore(bench, calibration, frames, heaters, { refine }), a, b, signal)
  return { programmedBits, refinedBits, tiles }
}

function figuresOf(name: string, results: readonly Measured[]): readonly Figure[] {
  const chips = results.length
  const against = `log2(range of the float64 product / RMS error), ${chips} chip${chips > 1 ? 's' : ''}, 64×64·64×64`
  const [programmed, refined] = [
    results.map(({ programmedBits }) => programmedBits),
    results.map(({ refinedBits }) => refinedBits),
  ]
  const gains = results.map(({ programmedBits, refinedBits }) => refinedBits - programmedBits)
  const tiles = results.flatMap((result) => result.tiles)
  const mean = (of: (tile: Refined) => number): number => tiles.reduce((sum, tile) => sum + of(tile), 0) / tiles.length
  const bits = { unit: 'bits', better: 'higher', against } as const
  const share = { unit: '%', better: 'lower', against: 'as read, RMS of a tile relative to its weights, mean' } as const
  return [
    figure({ ...bits, name: `${name}: as programmed, median`, value: median(programmed) }),
    figure({ ...bits, name: `${name}: refined, median`, value: median(refined) }),
    figure({
      ...bits,
      name: `${name}: gained, least of all chips`,
      value: Math.min(...gains),
      against: 'same products',
    }),
    figure({ ...share, name: `${name}: weights off, as programmed`, value: 100 * mean(({ before }) => before ?? NaN) }),
    figure({ ...share, name: `${name}: weights off, refined`, value: 100 * mean(({ after }) => after ?? NaN) }),
    figure({
      name: `${name}: corrections a tile`,
      value: mean(({ rounds }) => rounds),
      unit: '1',
      better: 'lower',
      against: `of ${ROUNDS} at most`,
    }),
    figure({
      name: `${name}: vectors a tile`,
      value: mean(({ vectors }) => vectors),
      unit: 'vectors',
      better: 'lower',
      against: 'input vectors to measure it, lanes counted apart',
    }),
  ]
}
