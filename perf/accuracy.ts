import { readBenchFile, requireKind } from '../bench/bench-file.ts'
import { startTwin } from '../bench/connect-twin.ts'
import { openMeshBench } from '../bench/open-bench.ts'
import { trueMesh } from '../bench/true-mesh.ts'
import { calibrationPlan } from '../calibration/calibrate.ts'
import type { MeshCalibration } from '../calibration/calibration-record.ts'
import { MeshCore } from '../calibration/mesh-core.ts'
import { oracleCalibration } from '../cli/oracle-calibration.ts'
import { VirtualClock } from '../core/clock.ts'
import { RandomStream } from '../core/random.ts'
import { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import type { Figure } from './figure.ts'
import { figure, median } from './figure.ts'
import { KINDS, productBits, randomMatrix, runToEnd } from './product-bits.ts'
import type { Kind } from './product-bits.ts'

const SEEDS = 20

interface SeedResult {
  readonly bits: Readonly<Record<`${Kind} ${'calibrated' | 'oracle'}`, number>>
  readonly calibration: MeshCalibration
  readonly vectors: number
}

/**
 * Effective bits of random 64×64·64×64 products on the default bench's twin, driven through all its wires: calibrated
 * from cold, and beside it the same twin programmed with its true parameters.
 */
export async function accuracy(): Promise<readonly Figure[]> {
  const results: SeedResult[] = []
  for (let seed = 1; seed <= SEEDS; seed++) {
    results.push(await measureSeed(seed))
    process.stderr.write(`\rseed ${seed} of ${SEEDS}`)
  }
  process.stderr.write('\n')
  const range = 'log2(range of the float64 product / RMS error), 20 chips'
  const products = KINDS.flatMap((kind) => {
    const [calibrated, oracle] = (['calibrated', 'oracle'] as const).map((who) =>
      results.map(({ bits }) => bits[`${kind} ${who}`]),
    ) as [number[], number[]]
    return [
      { name: `${kind}, median`, value: median(calibrated), unit: 'bits', better: 'higher', goal: 6, against: range },
      {
        name: `${kind}, worst seed`,
        value: Math.min(...calibrated),
        unit: 'bits',
        better: 'higher',
        goal: 5.5,
        against: range,
      },
      {
        name: `${kind}, oracle, median`,
        value: median(oracle),
        unit: 'bits',
        better: 'higher',
        against: 'the twin’s true parameters',
      },
      {
        name: `${kind}, oracle, worst seed`,
        value: Math.min(...oracle),
        unit: 'bits',
        better: 'higher',
        against: 'the twin’s true parameters',
      },
    ] as const
  })
  const verification = (['E', 'F', 'amplitudeFidelity', 'tvd', 'effectiveBits'] as const).map((key) => ({
    name: `verification ${key}, median`,
    value: median(results.map(({ calibration }) => calibration.verification[key])),
    unit: key === 'effectiveBits' ? 'bits' : '1',
    better: key === 'E' || key === 'tvd' ? ('lower' as const) : ('higher' as const),
    against: 'held-out random orthogonal 8×8 matrices',
  }))
  const vectors = {
    name: 'calibration vectors',
    value: median(results.map((result) => result.vectors)),
    unit: 'vectors',
    better: 'lower',
    against: 'input vectors sent through the optics, lanes counted apart',
  } as const
  return [...products, ...verification, vectors].map(figure)
}

async function measureSeed(seed: number): Promise<SeedResult> {
  const file = requireKind(await readBenchFile('examples/mesh-8x8.yaml'), 'mesh')
  const clock = new VirtualClock()
  const { signal } = new AbortController()
  await using twin = await startTwin(file, { seed, clock, mode: 'pipe' })
  await using open = await openMeshBench(file, { connect: twin.connect, clock, signal })
  const { calibration, vectors } = await runToEnd(calibrationPlan(open.bench), signal)
  const truth = trueMesh(open.bench, twin.world, file.wiring.meters)
  const oracle: MeshCalibration = { ...calibration, ...oracleCalibration(open.bench, truth) }
  const bits: Record<string, number> = {}
  for (const kind of KINDS) {
    const random = new RandomStream(seed, `products/${kind}`)
    const [a, b] = [randomMatrix(kind, random), randomMatrix(kind, random)]
    const core = async (record: MeshCalibration): Promise<MeshCore> => {
      const frames = new FrameRunner(open.bench)
      await frames.prepare(signal)
      return new MeshCore(open.bench, record, frames, new HeaterSetter(open.bench))
    }
    bits[`${kind} calibrated`] = await productBits(await core(calibration), a, b, signal)
    bits[`${kind} oracle`] = await productBits(await core(oracle), a, b, signal)
  }
  return { bits: bits as SeedResult['bits'], calibration, vectors }
}
