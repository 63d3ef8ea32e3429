import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { RandomStream } from '../../core/random.ts'
import { writeNpy } from '../../orchestrator/arrays/npy.ts'
import { oncePerRun } from '../support/once-per-run.ts'
import { documentOf, fringeOnce, scratchFolder, TWO_CORES } from './fringe-process.ts'

/** A is 400 × 8 and B 8 × 16: two tiles wide on either 4×4 core. */
export const [ROWS, INNER, COLUMNS] = [400, 8, 16] as const
export const TWIN = ['--sim', '--seed', '7']

/** A journal with both cores calibrated, and A, B and the left half of B beside it. Never to be written to. */
export const calibratedCores = (): Promise<string> =>
  oncePerRun('two-cores', async (folder) => {
    await mkdir(folder, { recursive: true })
    const random = new RandomStream(5, 'factors')
    const b = Float64Array.from({ length: INNER * COLUMNS }, () => random.normal())
    const half = Float64Array.from({ length: b.length / 2 }, (_, i) => b[Math.floor(i / 8) * COLUMNS + (i % 8)]!)
    const a = Float64Array.from({ length: ROWS * INNER }, () => random.normal())
    await writeNpy(join(folder, 'A.npy'), { shape: [ROWS, INNER], data: a })
    await writeNpy(join(folder, 'B.npy'), { shape: [INNER, COLUMNS], data: b })
    await writeNpy(join(folder, 'half.npy'), { shape: [INNER, COLUMNS / 2], data: half })
    const ended = await fringeOnce(['calibrate', TWO_CORES, ...TWIN, '--json'], folder)
    if (ended.code !== 0) throw new Error(ended.stderr)
    const { cores } = (await documentOf('calibrate-cores', ended)) as { cores: { core: string }[] }
    expect(cores.map(({ core }) => core)).toEqual(['left', 'right'])
  })

/** A folder of its own with all of that in it. */
export async function twoCoresPlace(): Promise<string> {
  const [from, cwd] = [await calibratedCores(), await scratchFolder()]
  for (const name of ['fringe.db', 'A.npy', 'B.npy', 'half.npy']) await copyFile(join(from, name), join(cwd, name))
  return cwd
}
