import type { Scaling } from '../orchestrator/numerics/choose-numerics.ts'
import type { CoreFlag, JournalFlag, JsonFlag, TwinFlags } from './options.ts'
import type { NumberType } from './product-target.ts'

/** How `fringe matmul` and `fringe convolve` are called. */
export interface MatmulFlags extends TwinFlags, JournalFlag, JsonFlag, CoreFlag {
  readonly output: string
  /** Ids, one for each core. */
  readonly calibration?: readonly string[]
  readonly maxAge?: number
  readonly watch?: number
  /** Rounds. */
  readonly refine?: number
  readonly dtype: NumberType
  /** In bytes. */
  readonly memory?: number
  readonly bits?: number
  readonly scaling?: Scaling
  readonly layer?: string
}
