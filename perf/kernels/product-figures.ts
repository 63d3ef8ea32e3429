import { spawnSync } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { productRows, productScratch } from '../../sim/kernels/behavioural-product.ts'
import type { ProductJob } from '../../sim/kernels/behavioural-product.ts'
import { MULTIPLY_SCRATCH_FLOATS } from '../../sim/kernels/kernel-engine.ts'
import { KernelPool } from '../../sim/kernels/kernel-pool.ts'
import { describeEngine, Kernels } from '../../sim/kernels/kernels.ts'
import type { EngineName } from '../../sim/kernels/kernels.ts'
import { findOpenBlas } from '../../sim/kernels/openblas.ts'
import { behaviouralProduct } from '../../sim/kernels/product-on-pool.ts'
import type { Figure } from '../figure.ts'
import { figure } from '../figure.ts'
import { noPeer } from './mesh-figures.ts'
import { PeerProcess } from './peer-process.ts'
import { productJob, TILE } from './product-job.ts'
import { asyncMilliseconds, interleaved, milliseconds } from './rounds.ts'

const SIZE = 1024
const ROUNDS = 25
const PHYSICS = 'DAC 8, shot, thermal and intensity noise, ADC 12 a partial sum, 64×64 tiles'

/** 1024×1024 · 1024×1024 with everything that light and electronics do to it, by the engine that is fastest here. */
export async function productFigures(): Promise<readonly Figure[]> {
  const wasm = prepared('wasm')
  const chosen = findOpenBlas() === undefined ? wasm : prepared('openblas')
  const { kernels, job } = chosen
  const { signal } = new AbortController()
  await using pool = new KernelPool(kernels, 2)
  // Two products that share nothing: what this machine's second processor is worth.
  const apart = [prepared(kernels.engineName), prepared(kernels.engineName)]
  await using first = new KernelPool(apart[0]!.kernels, 1)
  await using second = new KernelPool(apart[1]!.kernels, 1)
  const both = [first, second].map((alone, at) => () => {
    return behaviouralProduct(apart[at]!.kernels, alone, apart[at]!.job, signal)
  })
  const two = (): Promise<number> => asyncMilliseconds(() => behaviouralProduct(kernels, pool, job, signal))
  // By themselves: threads of a peer look for work for a while after their turn.
  const threads = await interleaved(
    {
      one: () => milliseconds(chosen.multiply),
      two,
      apart: () => asyncMilliseconds(() => Promise.all(both.map((product) => product()))),
    },
    ROUNDS,
  )
  await using numpy = await PeerProcess.numpy('behavioural.py', [SIZE, SIZE, SIZE, TILE], 1)
  await using numpyTwo = await PeerProcess.numpy('behavioural.py', [SIZE, SIZE, SIZE, TILE], 2)
  const taken = await interleaved(
    {
      wasm: () => milliseconds(wasm.multiply),
      one: () => milliseconds(chosen.multiply),
      two,
      plain: plainRound(wasm),
      numpy: () => numpy?.round('behavioural') ?? NaN,
      numpyTwo: () => numpyTwo?.round('behavioural') ?? NaN,
    },
    ROUNDS,
  )
  const gmacs = (ms: number): number => SIZE ** 3 / ms / 1e6
  const against = `${PHYSICS}; ${describeEngine(kernels.engineName, 1)}`
  const wasmAlone = describeEngine('wasm', 1)
  const name = 'behavioural product 1024³'
  const times = { unit: '× as fast', better: 'higher' } as const
  const rate = { unit: 'GMAC/s', better: 'higher' } as const
  return [
    figure({ name, value: taken.median('one'), unit: 'ms', better: 'lower', against }),
    figure({ name: `${name}, rate`, value: gmacs(taken.median('one')), ...rate, against }),
    figure({ name: `${name}, rate without OpenBLAS`, value: gmacs(taken.median('wasm')), ...rate, against: wasmAlone }),
    figure({
      name: `${name}, of the plain product’s rate`,
      value: taken.ratio('plain', 'wasm'),
      unit: '1',
      better: 'higher',
      against: `${wasmAlone}, plain at ${gmacs(taken.median('plain')).toPrecision(3)} GMAC/s; a complex field costs three real products`,
    }),
    ...(numpy === undefined || numpyTwo === undefined
      ? [noPeer(`${name}: than NumPy`, 'there is no NumPy here')]
      : [
          figure({
            name: `${name}: than NumPy`,
            value: taken.ratio('numpy', 'one'),
            ...times,
            goal: 3,
            against: `same physics vectorised, ${numpy.about}; ours ${describeEngine(kernels.engineName, 1)}`,
          }),
          figure({
            name: `${name}, without OpenBLAS: than NumPy`,
            value: taken.ratio('numpy', 'wasm'),
            ...times,
            against: `same physics vectorised, ${numpy.about}; ours ${wasmAlone}`,
          }),
          figure({
            name: `${name}, two workers: than NumPy`,
            value: taken.ratio('numpyTwo', 'two'),
            ...times,
            against: `same physics vectorised, ${numpyTwo.about}; ours ${describeEngine(kernels.engineName, 2)}`,
          }),
        ]),
    figure({
      name: `${name}: two workers`,
      value: threads.ratio('one', 'two'),
      ...times,
      goal: 1.7,
      against: 'one thread',
    }),
    figure({
      name: `${name}: two products at once`,
      value: 2 * threads.ratio('one', 'apart'),
      ...times,
      against: 'limit: two threads that share no memory, one product each; one thread',
    }),
  ]
}

interface Prepared {
  readonly kernels: Kernels
  readonly job: ProductJob
  readonly multiply: () => void
}

function prepared(engineName: EngineName): Prepared {
  const kernels = new Kernels(engineName)
  const job = productJob(kernels, SIZE)
  const scratch = productScratch(kernels.memory, job)
  return { kernels, job, multiply: () => void productRows(kernels.engine, job, scratch, 0, SIZE) }
}

function plainRound({ kernels: { memory, engine }, job: { values } }: Prepared): () => number {
  const [packed, plain] = [memory.float32(SIZE * SIZE), memory.float32(SIZE * SIZE)]
  const work = memory.float32(MULTIPLY_SCRATCH_FLOATS)
  return () =>
    milliseconds(() => {
      engine.packColumns(values, SIZE, SIZE, SIZE, packed)
      engine.multiply(values, SIZE, packed, plain, SIZE, SIZE, SIZE, SIZE, work)
    })
}

const SIZES = [256, 512, 1024, 2048, 4096]
/** Every size in turn, so that a minute in which the machine is slow is no cost of one of them. */
const TURNS = 3

/** Each size in a process of its own, whose largest memory is then that of the job. */
export function sizeFigures(): readonly Figure[] {
  const turns = Array.from({ length: TURNS }, () => SIZES.map(largeProduct))
  const costs = SIZES.map((_, at) => Math.min(...turns.map((turn) => turn[at]!.picosecondsPerMac)))
  return [
    figure({
      name: 'behavioural product 4096³, memory',
      value: Math.max(...turns.map((turn) => turn.at(-1)!.rssMib)),
      unit: 'MiB',
      better: 'lower',
      goal: 1024,
      against: 'largest resident memory of a process that does nothing else, 2 workers',
    }),
    figure({
      name: 'cost of a MAC, 256³ to 4096³, largest over smallest',
      value: Math.max(...costs) / Math.min(...costs),
      unit: '1',
      better: 'lower',
      goal: 1.25,
      against: `${costs.map((cost) => cost.toPrecision(3)).join(', ')} ps at ${SIZES.join(', ')}; WebAssembly SIMD, float32, 1 thread, best of ${TURNS} × 16 batches each`,
    }),
  ]
}

function largeProduct(size: number): { readonly picosecondsPerMac: number; readonly rssMib: number } {
  const entry = fileURLToPath(new URL(`./large-product${extname(import.meta.url)}`, import.meta.url))
  const { stdout, stderr, status } = spawnSync(process.execPath, [entry, String(size)], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the product of ${size} failed: ${stderr}`)
  return JSON.parse(stdout) as { picosecondsPerMac: number; rssMib: number }
}
