/** Where an earlier result comes from. */
export interface ResultOrigin {
  readonly run: string
  readonly step: number
}

/** What a step of an earlier run found. Plain data: objects, arrays, numbers, texts and typed arrays. */
export interface EarlierResult {
  readonly value: unknown
  readonly origin: ResultOrigin
}

/** What the steps of a plan found, so that another run can go on from there. */
export interface StepResults {
  /** Undefined when the step has to be made. */
  recall(name: string): EarlierResult | undefined
  /** Called inside the step that found it, or that took it over. */
  keep(name: string, value: unknown, origin?: ResultOrigin): void
}

/** Every step is made, and nobody asks for it again. */
export const noResults: StepResults = {
  recall: () => undefined,
  keep: () => undefined,
}
