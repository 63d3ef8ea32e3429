/** How far a step is: of so many parts so many are done, and what there is to see of it. */
export type Progress = (done: number, total: number, note?: string) => void

/** One inert step: nothing happens until the engine runs its work. */
export interface PlanStep {
  readonly name: string
  /** What a reader of the journal wants to know about it; plain data. */
  readonly detail?: Readonly<Record<string, unknown>>
  /** Which part of the whole plan's work it is, estimated: 0…1 from start to end. */
  readonly share?: { readonly from: number; readonly to: number }
  work(signal: AbortSignal, progress: Progress): Promise<void>
}

/** A job as a sequence of steps; returns its result. The engine owns journal, abort and safe state. */
export type Plan<Result> = AsyncGenerator<PlanStep, Result, undefined>
