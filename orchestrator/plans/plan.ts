/** One inert step: nothing happens until the engine runs its work. */
export interface PlanStep {
  readonly name: string
  /** What a reader of the journal wants to know about it; plain data. */
  readonly detail?: Readonly<Record<string, unknown>>
  work(signal: AbortSignal, progress: (done: number, total: number) => void): Promise<void>
}

/** A job as a sequence of steps; returns its result. The engine owns journal, abort and safe state. */
export type Plan<Result> = AsyncGenerator<PlanStep, Result, undefined>
