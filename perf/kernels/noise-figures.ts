import { NOISE_FLOATS } from '../../sim/kernels/kernel-engine.ts'
import { Kernels } from '../../sim/kernels/kernels.ts'
import type { Figure } from '../figure.ts'
import { figure } from '../figure.ts'
import { interleaved, milliseconds } from './rounds.ts'

const COUNT = 2 ** 20

export async function noiseFigures(): Promise<readonly Figure[]> {
  const { memory, engine } = new Kernels('wasm')
  const [out, noise] = [memory.float32(COUNT), memory.float32(NOISE_FLOATS)]
  const taken = await interleaved({ ours: () => milliseconds(() => engine.normals(out, COUNT, 1, 0, 0, noise)) }, 50)
  return [
    figure({
      name: 'normal numbers, by counter',
      value: COUNT / taken.median('ours') / 1e3,
      unit: 'million/s',
      better: 'higher',
      goal: 300,
      against: 'float32, 1 thread',
    }),
  ]
}
