import type { PlanEvent } from '../orchestrator/plans/engine.ts'
import type { Output } from './output.ts'

/** What a job works with, whoever asked for it. */
export interface JobContext {
  readonly output: JobVoice
  /** Ends the job; the bench is made safe first. */
  readonly signal: AbortSignal
}

/** Where a job says how far it is. */
export interface JobVoice {
  readonly progress: { begin(title: string): void; onEvent(event: PlanEvent<unknown>): void }
}

/** What every command works with; its signal is aborted by Ctrl-C and its kin. */
export interface CommandContext extends JobContext {
  readonly output: Output
}
