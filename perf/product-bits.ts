import type { OpticalCore } from '../core/optical-core.ts'
import type { RandomStream } from '../core/random.ts'
import { multiply } from '../orchestrator/jobs/matmul.ts'
import type { Plan } from '../orchestrator/plans/plan.ts'
import type { RealMatrix } from '../orchestrator/tiles/tile-product.ts'

/** Elements: normal with σ = 1, or uniform in 0…1. */
export const KINDS = ['normal', 'uniform'] as const
export type Kind = (typeof KINDS)[number]

const SIZE = 64

export function randomMatrix(kind: Kind, random: RandomStream): RealMatrix {
  const draw = (): number => (kind === 'normal' ? random.normal() : random.uniform())
  return { rows: SIZE, columns: SIZE, data: Float64Array.from({ length: SIZE * SIZE }, draw) }
}

/** Effective bits of one product on light. */
export async function productBits(
  core: OpticalCore,
  a: RealMatrix,
  b: RealMatrix,
  signal: AbortSignal,
): Promise<number> {
  const log = { step: () => 0, ready: () => Promise.resolve(), frame: () => undefined }
  return (await multiply(core, a, b, { log, signal })).effectiveBits
}

/** A plan without engine and journal. */
export async function runToEnd<Result>(plan: Plan<Result>, signal: AbortSignal): Promise<Result> {
  for (;;) {
    const next = await plan.next()
    if (next.done === true) return next.value
    await next.value.work(signal, () => undefined)
  }
}
