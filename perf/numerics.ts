import { MeshCore } from '../calibration/mesh-core.ts'
import type { Clock } from '../core/clock.ts'
import type { OpticalCore } from '../core/optical-core.ts'
import { RandomStream } from '../core/random.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import { multiply } from '../orchestrator/jobs/matmul.ts'
import type { MatmulResult } from '../orchestrator/jobs/matmul.ts'
import { SCALINGS } from '../orchestrator/numerics/choose-numerics.ts'
import type { NumericsOptions } from '../orchestrator/numerics/choose-numerics.ts'
import type { RealMatrix } from '../orchestrator/tiles/tile-product.ts'
import type { Figure } from './figure.ts'
import { figure, median } from './figure.ts'
import { foretoldConvolutions } from './foretold-convolutions.ts'
import { KINDS, randomMatrix } from './product-bits.ts'
import { randomJob } from './random-jobs.ts'
import { defaultMesh } from './default-mesh.ts'

const CHIPS = 4
const JOBS_A_CHIP = 50
const NEAR_BITS = 0.2
const ASKED_BITS = [8, 10, 12] as const
const COST_SPREAD = 0.2
/** Of a normal distribution 68 and 95 %; 200 jobs share four chips, and what is wrong with one is in all of its jobs. */
const HONEST = [
  { sigmas: 1, goal: { min: 55, max: 85 } },
  { sigmas: 2, goal: { min: 90, max: 100 } },
] as const

interface ChipResult {
  /** Of each random job: measured less predicted effective bits, and what was said of how far they may be. */
  readonly misses: readonly { readonly bits: number; readonly sigma: number }[]
  /** [asked bits][product]: measured bits, and seconds of the bench over predicted ones. */
  readonly asked: ReadonlyMap<number, readonly { readonly bits: number; readonly cost: number }[]>
  /** By `kind scaling`. */
  readonly scalings: ReadonlyMap<string, number>
}

/**
 * Bits before and after, on the default bench's twin without wires, one calibration a chip: 200 random jobs predicted
 * and measured, random convolutions on shared rings, and random 64×64·64×64 products that were asked for so many bits.
 */
export async function numerics(): Promise<readonly Figure[]> {
  const chips: ChipResult[] = []
  for (let seed = 1; seed <= CHIPS; seed++) {
    chips.push(await measureChip(seed))
    process.stderr.write(`\rchip ${seed} of ${CHIPS} `)
  }
  process.stderr.write('\n')
  const all = chips.flatMap((chip) => chip.misses)
  const misses = all.map(({ bits }) => Math.abs(bits))
  const share = (of: readonly unknown[]): number => (100 * of.length) / all.length
  const within = (sigmas: number): number => share(all.filter(({ bits, sigma }) => Math.abs(bits) <= sigmas * sigma))
  const against = `${misses.length} random jobs: 1 to 48 rows and columns, five distributions, scales and sparsity; ${CHIPS} chips`
  const bits = { unit: 'bits', better: 'lower', against } as const
  return [
    figure({ name: 'predicted bits are off by, median', value: median(misses), ...bits }),
    figure({ name: 'predicted bits are off by, worst', value: Math.max(...misses), ...bits, goal: NEAR_BITS }),
    figure({
      name: 'predicted within 0.2 bits',
      value: share(misses.filter((miss) => miss <= NEAR_BITS)),
      unit: '%',
      better: 'higher',
      against,
    }),
    figure({ name: 'foretold standard deviation, median', value: median(all.map(({ sigma }) => sigma)), ...bits }),
    ...HONEST.map(({ sigmas, goal }) =>
      figure({
        name: `within ${sigmas === 1 ? 'one foretold standard deviation' : 'two of them'}`,
        value: within(sigmas),
        ...{ unit: '%', better: 'between', goal, against },
      }),
    ),
    ...(await foretoldConvolutions()),
    ...ASKED_BITS.flatMap((asked) => askedFigures(asked, chips)),
    ...KINDS.flatMap((kind) => SCALINGS.map((scaling) => scalingFigure(`${kind} ${scaling}`, chips))),
  ]
}

function askedFigures(asked: number, chips: readonly ChipResult[]): readonly Figure[] {
  const products = chips.flatMap((chip) => chip.asked.get(asked)!)
  const costs = products.map(({ cost }) => cost)
  const farthest = costs.reduce((worst, cost) => (Math.abs(cost - 1) > Math.abs(worst - 1) ? cost : worst), 1)
  const against = `normal and uniform 64×64 products, ${CHIPS} chips`
  return [
    figure({
      name: `--bits ${asked}, reached in the worst case`,
      value: Math.min(...products.map(({ bits }) => bits)),
      ...{ unit: 'bits', better: 'higher', goal: asked, against },
    }),
    figure({
      name: `--bits ${asked}, bench time over predicted, farthest from 1`,
      value: farthest,
      ...{ unit: '1', better: 'between', goal: { min: 1 - COST_SPREAD, max: 1 + COST_SPREAD }, against },
    }),
  ]
}

function scalingFigure(name: string, chips: readonly ChipResult[]): Figure {
  return figure({
    name: `scaling ${name.split(' ').reverse().join(', ')}`,
    value: median(chips.map(({ scalings }) => scalings.get(name)!)),
    unit: 'bits',
    better: 'higher',
    against: `64×64 products in one pass, median of ${CHIPS} chips`,
  })
}

async function measureChip(seed: number): Promise<ChipResult> {
  await using mesh = await defaultMesh(seed)
  const { bench, clock, calibration, frames, signal } = mesh
  const core = new MeshCore(bench, calibration, frames, new HeaterSetter(bench))

  const random = new RandomStream(seed, 'random jobs')
  const misses: { bits: number; sigma: number }[] = []
  for (let job = 0; job < JOBS_A_CHIP; job++) {
    const { result } = await timed(core, clock, randomJob(random), {}, signal)
    const { effectiveBits, bitsSigma } = result.numerics.predicted
    misses.push({ bits: result.effectiveBits - effectiveBits!, sigma: bitsSigma! })
  }
  const asked = new Map<number, { bits: number; cost: number }[]>(ASKED_BITS.map((bits) => [bits, []]))
  const scalings = new Map<string, number>()
  for (const kind of KINDS) {
    const draws = new RandomStream(seed, `products/${kind}`)
    const [a, b] = [randomMatrix(kind, draws), randomMatrix(kind, draws)]
    for (const bits of ASKED_BITS) {
      const { result, tookS } = await timed(core, clock, { a, b }, { bits }, signal)
      const { benchSeconds } = result.numerics.predicted
      asked.get(bits)!.push({ bits: result.effectiveBits, cost: tookS / benchSeconds })
    }
    for (const scaling of SCALINGS) {
      const { result } = await timed(core, clock, { a, b }, { scaling }, signal)
      scalings.set(`${kind} ${scaling}`, result.effectiveBits)
    }
  }
  return { misses, asked, scalings }
}

async function timed(
  core: OpticalCore,
  clock: Clock,
  { a, b }: { readonly a: RealMatrix; readonly b: RealMatrix },
  options: NumericsOptions,
  signal: AbortSignal,
): Promise<{ readonly result: MatmulResult; readonly tookS: number }> {
  const log = { step: () => 0, ready: () => Promise.resolve(), frame: () => undefined }
  const startNs = clock.monotonicNs()
  const result = await multiply(core, a, b, { ...options, log, signal })
  return { result, tookS: (clock.monotonicNs() - startNs) / 1e9 }
}
