import type { Plan } from '../orchestrator/plans/plan.ts'

export type Work<T> = (signal: AbortSignal, progress: (done: number, total: number) => void) => Promise<T>

/** One step whose result the plan goes on with. */
export async function* step<T>(name: string, work: Work<T>): Plan<T> {
  let result: { readonly value: T } | undefined
  yield {
    name,
    work: async (signal, progress) => {
      result = { value: await work(signal, progress) }
    },
  }
  // The engine has run the work before it asks for the next step.
  return result!.value
}
