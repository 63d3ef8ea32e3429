import { busyBench } from './busy-bench.ts'
import { directPath } from './direct-path.ts'
import type { Figure } from './figure.ts'

/** Jobs through the whole orchestrator: how near their rate is to that of what plays or computes them. */
export async function streaming(): Promise<readonly Figure[]> {
  return [...(await busyBench()), ...(await directPath())]
}
