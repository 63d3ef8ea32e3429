import type { Clock } from '../../core/clock.ts'
import type { MatmulLog } from '../../orchestrator/jobs/matmul.ts'
import type { Sample, SampleRecord } from '../../orchestrator/journal/records.ts'
import type { LedgerLog } from '../../orchestrator/ledger/power-ledger.ts'

/** A log as a run's journal is one, in memory: times are those of the bench's clock. */
export class ClockedLog implements LedgerLog, MatmulLog {
  readonly steps: { readonly name: string; readonly detail: unknown; readonly timeNs: number }[] = []
  readonly samples: SampleRecord[] = []
  journalledNs = 0
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  step(name: string, detail?: unknown): number {
    this.journalledNs = this.#clock.monotonicNs()
    return this.steps.push({ name, detail, timeNs: this.journalledNs })
  }

  frame(): void {
    this.journalledNs = this.#clock.monotonicNs()
  }

  sample(sample: Sample): number {
    const timeNs = this.#clock.monotonicNs()
    this.samples.push({ ...sample, timeNs })
    return timeNs
  }

  ready(): Promise<void> {
    return Promise.resolve()
  }
}
