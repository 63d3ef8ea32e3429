import { directPath } from './direct-path.ts'
import type { Figure } from './figure.ts'

/** Jobs through the whole orchestrator: how near their rate is to that of what computes or plays them. */
export async function streaming(): Promise<readonly Figure[]> {
  return directPath()
}
