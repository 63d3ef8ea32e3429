import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { BenchError } from '../core/errors.ts'
import { currentStep } from '../core/step-context.ts'
import type { MatmulLog } from '../orchestrator/jobs/matmul.ts'
import { toJson } from '../orchestrator/journal/json.ts'
import type { JournalReader } from '../orchestrator/journal/reader.ts'
import type { FrameRecord, Sample, SampleRecord, StepRecord } from '../orchestrator/journal/records.ts'

/** Where a replay stopped being the same, when it was not on a wire. */
export function differenceOf(
  run: string,
  step: { readonly step: number; readonly stepName: string } | undefined,
  what: string,
  expected: unknown,
  actual: unknown,
): BenchError {
  const [expectedText, actualText] = [shortJson(expected), shortJson(actual)]
  const where = step === undefined ? what : `step ${step.step} "${step.stepName}": ${what}`
  return new BenchError(
    'REPLAY_DIVERGED',
    `the replay of ${run} diverged on ${where}: expected ${expectedText}, got ${actualText}`,
    { context: { run, ...step, expected: expectedText, actual: actualText } },
  )
}

/** Takes what a replayed plan says of itself, writes nothing, and compares it with what the run had said. */
export class ReplayLog implements MatmulLog {
  readonly #run: string
  readonly #recorded: Recorded
  readonly #isOver: () => boolean
  #steps = 0
  #frames = 0
  /** Meters of several wires answer in an order of their own: by quantity. */
  readonly #samples = new Map<string, number>()
  #journalledNs = 0
  #difference: BenchError | undefined

  private constructor(run: string, recorded: Recorded, isOver: () => boolean) {
    this.#run = run
    this.#recorded = recorded
    this.#isOver = isOver
  }

  /** `isOver`: a wire has diverged, and what follows from that is no news. */
  static async open(journal: JournalReader, run: string, isOver: () => boolean): Promise<ReplayLog> {
    const recorded = {
      steps: await journal.readSteps(run),
      frames: await journal.readFrames(run),
      samples: byQuantity(await journal.readSamples(run)),
    }
    return new ReplayLog(run, recorded, isOver)
  }

  /** The first difference. */
  get difference(): BenchError | undefined {
    return this.#difference
  }

  get steps(): number {
    return this.#steps
  }

  /** As the run had it. */
  get journalledNs(): number {
    return this.#journalledNs
  }

  ready(): Promise<void> {
    return Promise.resolve()
  }

  step(name: string, detail?: unknown): number {
    const step = ++this.#steps
    const was = this.#recorded.steps[step - 1]
    this.#journalledNs = was?.timeNs ?? this.#journalledNs
    const { name: wasName, parent, detail: wasDetail } = was ?? {}
    const expected = was && { step: was.step, name: wasName, parent, detail: wasDetail }
    this.#compare(step, name, 'the step itself', expected, { step, name, parent: currentStep(), detail: json(detail) })
    return step
  }

  /** Kept nowhere: whoever says what it was says its hash. */
  blob(bytes: Uint8Array): string {
    return createHash('sha256').update(bytes).digest('hex')
  }

  frame(data: unknown): void {
    const { step, stepName } = this.#here
    const actual = { step, data: json(data) }
    const was = this.#recorded.frames[this.#frames++]
    this.#journalledNs = was?.timeNs ?? this.#journalledNs
    this.#compare(step, stepName, `frame ${this.#frames}`, was && { step: was.step, data: was.data }, actual)
  }

  sample({ quantity, unit, value, source }: Sample): number {
    const count = this.#samples.get(quantity) ?? 0
    this.#samples.set(quantity, count + 1)
    const was = this.#recorded.samples.get(quantity)?.[count]
    const here = this.#here
    const expected = was && { quantity: was.quantity, unit: was.unit, value: was.value, source: was.source }
    const actual = { quantity, unit, value, source }
    this.#compare(here.step, here.stepName, `sample ${count + 1} of ${quantity}`, expected, actual)
    return was?.timeNs ?? this.#journalledNs
  }

  /** What the run had said beyond this is a difference, too. */
  finish(): void {
    const { steps, frames, samples } = this.#recorded
    const step = steps[this.#steps]
    if (step !== undefined) this.#compare(step.step, step.name, 'the step itself', step.name, undefined)
    const last = this.#here
    if (frames.length > this.#frames) this.#compare(last.step, last.stepName, 'frames', frames.length, this.#frames)
    for (const [quantity, { length }] of samples) {
      const count = this.#samples.get(quantity) ?? 0
      if (length > count) this.#compare(last.step, last.stepName, `samples of ${quantity}`, length, count)
    }
  }

  get #here(): { step: number; stepName: string } {
    const step = currentStep() === 0 ? this.#steps : currentStep()
    return { step, stepName: this.#recorded.steps[step - 1]?.name ?? '' }
  }

  #compare(step: number, name: string, what: string, expected: unknown, actual: unknown): void {
    if (this.#difference !== undefined || this.#isOver() || isDeepStrictEqual(expected, actual)) return
    const stepName = this.#recorded.steps[step - 1]?.name ?? name
    this.#difference = differenceOf(this.#run, { step, stepName }, what, expected, actual)
  }
}

interface Recorded {
  readonly steps: readonly StepRecord[]
  readonly frames: readonly FrameRecord[]
  readonly samples: ReadonlyMap<string, readonly SampleRecord[]>
}

function byQuantity(samples: readonly SampleRecord[]): ReadonlyMap<string, readonly SampleRecord[]> {
  const found = new Map<string, SampleRecord[]>()
  for (const sample of samples) {
    const known = found.get(sample.quantity)
    if (known === undefined) found.set(sample.quantity, [sample])
    else known.push(sample)
  }
  return found
}

/** As the journal gives it back. Throws CALL_INVALID where the journal would not have taken it. */
export const json = (value: unknown): unknown =>
  value === undefined ? null : (JSON.parse(toJson('value', value)) as unknown)

const SHOWN_LETTERS = 300

function shortJson(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > SHOWN_LETTERS ? `${text.slice(0, SHOWN_LETTERS)}…` : text
}
