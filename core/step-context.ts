import { AsyncLocalStorage } from 'node:async_hooks'

/** Which step of the plan is running, so that every byte on a wire can name its cause. */
const steps = new AsyncLocalStorage<number>()

/** Number of the step in which this code runs; 0 outside any step. */
export const currentStep = (): number => steps.getStore() ?? 0

export const withStep = <T>(step: number, work: () => T): T => steps.run(step, work)
