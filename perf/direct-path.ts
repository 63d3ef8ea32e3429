import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lastValueFrom } from 'rxjs'
import { benchFromText } from '../bench/bench-file.ts'
import { fastestEngine, openProductTwin } from '../bench/product-twin.ts'
import { SystemClock } from '../core/clock.ts'
import { DEFAULT_DESIGN } from '../core/mesh-design.ts'
import type { DenseMatrix, ProductCore } from '../core/product-core.ts'
import { CounterRandom } from '../core/random.ts'

import { DenseArray } from '../orchestrator/arrays/dense-array.ts'
import { encodeArray } from '../orchestrator/arrays/npy.ts'
import type { RowSource } from '../orchestrator/jobs/multiply-rows.ts'
import { rowsPlan } from '../orchestrator/jobs/rows-plan.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import { runPlan } from '../orchestrator/plans/engine.ts'
import { KernelPool } from '../sim/kernels/kernel-pool.ts'
import { describeEngine, Kernels } from '../sim/kernels/kernels.ts'
import { behaviouralProduct } from '../sim/kernels/product-on-pool.ts'
import type { Figure } from './figure.ts'
import { figure } from './figure.ts'
import { productJob, TILE } from './kernels/product-job.ts'
import { meshBenchText } from './mesh-bench-text.ts'
import { startBareRun } from './start-run.ts'

const SIZE = 2048
const ROUNDS = 7
const SEED = 7

/**
 * 2048×2048 · 2048×2048 on the 64-port bench by `--sim=kernels`, beside the kernel alone that has its light, its weights and its
 * detectors in memory already. In turns; the least of each, because others may disturb.
 */
export async function directPath(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'fringe-perf-'))
  const engine = fastestEngine()
  const kernels = new Kernels(engine)
  const bareJob = productJob(kernels, SIZE)
  const [a, b] = [randomMatrix('A'), randomMatrix('B')]
  const file = benchFromText(meshBenchText(TILE, DEFAULT_DESIGN), 'mesh-64.yaml')
  const { signal } = new AbortController()
  try {
    await using journal = await Journal.open(join(folder, 'fringe.db'), { clock: new SystemClock(), mode: 'write' })
    await using one = new KernelPool(kernels, 1)
    await using two = new KernelPool(kernels, 2)
    await using coreOfOne = openProductTwin(file, { seed: SEED, engine, threads: 1 })
    await using coreOfTwo = openProductTwin(file, { seed: SEED, engine, threads: 2 })
    const bare = (pool: KernelPool) => async (): Promise<void> => {
      bareJob.sums.fill(0)
      await behaviouralProduct(kernels, pool, bareJob, signal)
    }
    const direct = (core: ProductCore) => () => throughOrchestrator(journal, core, a, b, signal)
    const least = await leastMs(
      {
        bareOne: bare(one),
        directOne: direct(coreOfOne),
        bareTwo: bare(two),
        directTwo: direct(coreOfTwo),
        stored: () => withMatrices(journal, coreOfTwo, a, b, signal),
      },
      ROUNDS,
    )
    return figuresOf(least, describeEngine(engine, 1).replace(', 1 thread', ''))
  } finally {
    await rm(folder, { recursive: true })
  }
}

function figuresOf(
  least: Record<'bareOne' | 'directOne' | 'bareTwo' | 'directTwo' | 'stored', number>,
  engine: string,
): readonly Figure[] {
  const name = `direct path ${SIZE}³`
  const gmacs = (ms: number): number => SIZE ** 3 / ms / 1e6
  const share = { unit: '1', better: 'higher', goal: 0.9 } as const
  const times = { unit: '× as fast', better: 'higher' } as const
  const against = (ms: number): string =>
    `${gmacs(ms).toPrecision(3)} GMAC/s of the kernel alone; ${TILE}×${TILE} tiles, ${engine}; with weights made of B, journal, checks and energy account`
  return [
    figure({
      name: `${name}, one worker: of the bare kernel’s rate`,
      value: least.bareOne / least.directOne,
      ...share,
      against: against(least.bareOne),
    }),
    figure({
      name: `${name}, two workers: of the bare kernel’s rate`,
      value: least.bareTwo / least.directTwo,
      ...share,
      against: against(least.bareTwo),
    }),
    figure({
      name: `${name}: two workers`,
      value: least.directOne / least.directTwo,
      ...times,
      goal: 1.7,
      against: 'one worker, whole job',
    }),
    figure({
      name: `bare kernel ${SIZE}³: two workers`,
      value: least.bareOne / least.bareTwo,
      ...times,
      against: 'limit: one worker, the kernel alone',
    }),
    figure({
      name: `${name}, rate`,
      value: gmacs(least.directTwo),
      unit: 'GMAC/s',
      better: 'higher',
      against: `${engine}, 2 workers`,
    }),
    figure({
      name: `${name}, matrices into the journal, too: of the bare kernel’s rate`,
      value: least.bareTwo / least.stored,
      unit: '1',
      better: 'higher',
      against: 'two workers; A, B and C as .npy of 32 MiB each, hashed, written and committed',
    }),
  ]
}

/** The whole plan as a run of its own, until the journal has all of it. */
async function throughOrchestrator(
  journal: Journal,
  core: ProductCore,
  a: DenseMatrix,
  b: DenseMatrix,
  signal: AbortSignal,
  store: (data: DenseMatrix, keep: (bytes: Uint8Array) => void) => void = () => undefined,
): Promise<void> {
  const run = await startBareRun(journal)
  const keep = (bytes: Uint8Array): void => void run.blob(bytes)
  store(a, keep)
  store(b, keep)
  const c = { rows: a.rows, columns: b.columns, data: new Float64Array(a.rows * b.columns) }
  const sink = (first: number, _: number, values: Float64Array): void => c.data.set(values, first * b.columns)
  await lastValueFrom(runPlan(rowsPlan(core, { a: rowsOf(a), b, sink, log: run }), run, signal))
  store(c, keep)
  await run.finish('done')
}

/** The same with its matrices kept, as the command does. */
function withMatrices(
  journal: Journal,
  core: ProductCore,
  a: DenseMatrix,
  b: DenseMatrix,
  signal: AbortSignal,
): Promise<void> {
  // Another number somewhere makes it another blob: the journal keeps each once.
  a.data[0] = performance.now()
  b.data[0] = performance.now()
  return throughOrchestrator(journal, core, a, b, signal, ({ rows, columns, data }, keep) =>
    keep(encodeArray(new DenseArray('matrix', [rows, columns], false, data as Float64Array))),
  )
}

const rowsOf = ({ rows, columns, data }: DenseMatrix): RowSource => ({
  ...{ rows, columns },
  read: (first, count) => Promise.resolve(data.subarray(first * columns, (first + count) * columns)),
})

function randomMatrix(name: string): DenseMatrix {
  const random = new CounterRandom(SEED, name)
  return { rows: SIZE, columns: SIZE, data: Float64Array.from({ length: SIZE ** 2 }, (_, i) => random.normal(i)) }
}

/** In turns, after a turn that does not count. */
async function leastMs<Name extends string>(
  works: Readonly<Record<Name, () => Promise<void>>>,
  rounds: number,
): Promise<Record<Name, number>> {
  const names = Object.keys(works) as Name[]
  const least = Object.fromEntries(names.map((name) => [name, Infinity])) as Record<Name, number>
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      const start = performance.now()
      await works[name]()
      if (round >= 0) least[name] = Math.min(least[name], performance.now() - start)
    }
  }
  return least
}
