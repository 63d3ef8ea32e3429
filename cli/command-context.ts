import type { Output } from './output.ts'

/** What every command works with. */
export interface CommandContext {
  readonly output: Output
  /** Aborted by Ctrl-C and its kin. */
  readonly signal: AbortSignal
}
