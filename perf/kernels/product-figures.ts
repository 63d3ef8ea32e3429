import { spawnSync } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { productRows, productScratch } from '../../sim/kernels/behavioural-product.ts'
import { MULTIPLY_SCRATCH_FLOATS } from '../../sim/kernels/kernel-engine.ts'
import { KernelPool } from '../../sim/kernels/kernel-pool.ts'
import { Kernels } from '../../sim/kernels/kernels.ts'
import { behaviouralProduct } from '../../sim/kernels/product-on-pool.ts'
import type { Figure } from '../figure.ts'
import { figure } from '../figure.ts'
import { noPeer } from './mesh-figures.ts'
import { PeerProcess } from './peer-process.ts'
import { productJob, TILE } from './product-job.ts'
import { asyncMilliseconds, interleaved, milliseconds } from './rounds.ts'

const SIZE = 1024
const ROUNDS = 9
const PHYSICS = 'DAC 8, shot, thermal and intensity noise, ADC 12 a partial sum, 64×64 tiles'

/** 1024×1024 · 1024×1024 with everything that light and electronics do to it. */
export async function productFigures(): Promise<readonly Figure[]> {
  const kernels = new Kernels('wasm')
  const { memory, engine } = kernels
  const job = productJob(kernels, SIZE)
  const scratch = productScratch(memory, job)
  const [packed, plain, work] = [
    memory.float32(SIZE * SIZE),
    memory.float32(SIZE * SIZE),
    memory.float32(MULTIPLY_SCRATCH_FLOATS),
  ]
  const { signal } = new AbortController()
  await using pool = new KernelPool(kernels, 2)
  await using numpy = await PeerProcess.numpy('behavioural.py', [SIZE, SIZE, SIZE, TILE], 1)
  await using numpyTwo = await PeerProcess.numpy('behavioural.py', [SIZE, SIZE, SIZE, TILE], 2)
  const taken = await interleaved(
    {
      one: () => milliseconds(() => productRows(engine, job, scratch, 0, SIZE)),
      two: () => asyncMilliseconds(() => behaviouralProduct(kernels, pool, job, signal)),
      plain: () =>
        milliseconds(() => {
          engine.packColumns(job.values, SIZE, SIZE, SIZE, packed)
          engine.multiply(job.values, SIZE, packed, plain, SIZE, SIZE, SIZE, SIZE, work)
        }),
      numpy: () => numpy?.round('behavioural') ?? NaN,
      numpyTwo: () => numpyTwo?.round('behavioural') ?? NaN,
    },
    ROUNDS,
  )
  const gmacs = (ms: number): number => SIZE ** 3 / ms / 1e6
  const against = `${PHYSICS}, 1 thread`
  const times = { unit: '× as fast', better: 'higher' } as const
  return [
    figure({ name: 'behavioural product 1024³', value: taken.one, unit: 'ms', better: 'lower', against }),
    figure({
      name: 'behavioural product 1024³, rate',
      value: gmacs(taken.one),
      unit: 'GMAC/s',
      better: 'higher',
      against,
    }),
    figure({
      name: 'behavioural product 1024³, of the plain product’s rate',
      value: taken.plain / taken.one,
      unit: '1',
      better: 'higher',
      against: `plain float32 kernel at ${gmacs(taken.plain).toPrecision(3)} GMAC/s; a complex field costs three real products`,
    }),
    ...(numpy === undefined || numpyTwo === undefined
      ? [noPeer('behavioural product 1024³: than NumPy', 'there is no NumPy here')]
      : [
          figure({
            name: 'behavioural product 1024³: than NumPy',
            value: taken.numpy / taken.one,
            ...times,
            goal: 3,
            against: `same physics vectorised, ${numpy.about}`,
          }),
          figure({
            name: 'behavioural product 1024³, two workers: than NumPy',
            value: taken.numpyTwo / taken.two,
            ...times,
            against: `same physics vectorised, ${numpyTwo.about}`,
          }),
        ]),
    figure({
      name: 'behavioural product 1024³: two workers',
      value: taken.one / taken.two,
      ...times,
      goal: 1.7,
      against: 'one thread',
    }),
  ]
}

/** Each size in a process of its own, whose largest memory is then that of the job. */
export function sizeFigures(): readonly Figure[] {
  const sizes = [256, 512, 1024, 2048, 4096]
  const runs = sizes.map((size) => {
    const entry = fileURLToPath(new URL(`./large-product${extname(import.meta.url)}`, import.meta.url))
    const { stdout, stderr, status } = spawnSync(process.execPath, [entry, String(size)], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`the product of ${size} failed: ${stderr}`)
    return JSON.parse(stdout) as { picosecondsPerMac: number; rssMib: number }
  })
  const costs = runs.map(({ picosecondsPerMac }) => picosecondsPerMac)
  return [
    figure({
      name: 'behavioural product 4096³, memory',
      value: runs.at(-1)!.rssMib,
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
      against: `${costs.map((cost) => cost.toPrecision(3)).join(', ')} ps of a thread’s time at ${sizes.join(', ')}`,
    }),
  ]
}
