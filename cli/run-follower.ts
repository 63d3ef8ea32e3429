import { isBenchError } from '../core/errors.ts'
import type { JournalReader } from '../orchestrator/journal/reader.ts'
import type { FrameRecord, RunRecord, SampleRecord, StepRecord } from '../orchestrator/journal/records.ts'
import type { MatmulArguments } from './matmul-job.ts'

/** What a run has come to, as far as its journal tells. */
export interface RunState {
  readonly run: RunRecord
  /** Of the plan, the last that has begun; undefined before the first. */
  readonly step: string | undefined
  /** Time on the bench's clock since the start of the run, at the last word of the journal. */
  readonly benchS: number
  readonly frames: number
  readonly repeatedFrames: number
  /** Share of the product that is done; undefined where nobody can tell. */
  readonly done: number | undefined
  /** Multiply-accumulates of what was asked for. */
  readonly macs: number | undefined
  /** RMS over all frames so far, relative; undefined before the first. */
  readonly probeError: number | undefined
  /** log2(range / RMS error) of the probes of all frames so far; undefined where none tells. */
  readonly probeBits: number | undefined
  /** The newest of each, in W, by component. */
  readonly powersW: ReadonlyMap<string, number>
  /** Under the samples of each, trapezoids between them, in J. */
  readonly energiesJ: ReadonlyMap<string, number>
  /** The newest of each, in °C, by what is warm. */
  readonly temperaturesC: ReadonlyMap<string, number>
}

/** How the ledger names what it samples; behind a comma the instrument, where several make one component. */
const POWER = /^power of (.+)$/

/** Follows a run that another process writes: each look reads what has come since the one before, and no more. */
export class RunFollower {
  readonly #journal: JournalReader
  readonly #id: string
  readonly #macs: number | undefined
  /** Rows of A times tiles of B: what all first attempts of frames sum up to. */
  readonly #rows: number | undefined
  readonly #after = { steps: 0, frames: 0, samples: 0 }
  /** [step of a frame that is under way]: its rows. */
  readonly #underWay = new Map<number, number>()
  readonly #powersW = new Map<string, number>()
  readonly #energiesJ = new Map<string, number>()
  /** [component]: when its newest sample was taken. */
  readonly #sampledNs = new Map<string, number>()
  readonly #temperaturesC = new Map<string, number>()
  readonly #probeErrors = new MeanSquare()
  readonly #probeNrmses = new MeanSquare()
  #step: string | undefined
  #lastNs = 0
  #frames = 0
  #repeated = 0
  #rowsDone = 0

  private constructor(
    journal: JournalReader,
    run: RunRecord,
    work: { readonly macs?: number; readonly rows?: number },
  ) {
    this.#journal = journal
    this.#id = run.id
    this.#macs = work.macs
    this.#rows = work.rows
  }

  static async of(journal: JournalReader, name: string): Promise<RunFollower> {
    const run = await journal.readRun(name)
    return new RunFollower(journal, run, await workOf(journal, run))
  }

  async look(): Promise<RunState> {
    // The state first: what an ended run has said is all there by then.
    const run = await this.#journal.readRun(this.#id)
    for await (const { records, after } of this.#journal.stepPages(this.#id, this.#after.steps)) {
      this.#after.steps = after
      for (const step of records) this.#takeStep(step)
    }
    for await (const { records, after } of this.#journal.framePages(this.#id, this.#after.frames)) {
      this.#after.frames = after
      for (const frame of records) this.#takeFrame(frame)
    }
    for await (const { records, after } of this.#journal.samplePages(this.#id, this.#after.samples)) {
      this.#after.samples = after
      for (const sample of records) this.#takeSample(sample)
    }
    const done = this.#rows === undefined ? undefined : Math.min(1, this.#rowsDone / this.#rows)
    const nrmse = this.#probeNrmses.root
    return {
      ...{ run, step: this.#step, benchS: this.#lastNs / 1e9, frames: this.#frames, repeatedFrames: this.#repeated },
      ...{ done, macs: this.#macs, probeError: this.#probeErrors.root },
      probeBits: nrmse === undefined ? undefined : -Math.log2(nrmse),
      ...{ powersW: this.#powersW, energiesJ: this.#energiesJ, temperaturesC: this.#temperaturesC },
    }
  }

  #takeStep({ step, parent, name, detail, timeNs }: StepRecord): void {
    this.#lastNs = Math.max(this.#lastNs, timeNs)
    if (parent === 0) this.#step = name
    const { rows } = (detail ?? {}) as { readonly rows?: unknown }
    if (name === 'frame' && typeof rows === 'number') this.#underWay.set(step, rows)
  }

  #takeFrame({ data, timeNs }: FrameRecord): void {
    this.#lastNs = Math.max(this.#lastNs, timeNs)
    const { step, attempt, probeError, probeNrmse } = (data ?? {}) as Readonly<Record<string, unknown>>
    this.#frames++
    if (attempt === 1 || attempt === undefined) this.#rowsDone += this.#underWay.get(step as number) ?? 0
    else this.#repeated++
    this.#underWay.delete(step as number)
    this.#probeErrors.add(probeError)
    this.#probeNrmses.add(probeNrmse)
  }

  #takeSample({ quantity, unit, value, timeNs }: SampleRecord): void {
    this.#lastNs = Math.max(this.#lastNs, timeNs)
    const component = POWER.exec(quantity)?.[1]
    if (unit === 'W' && component !== undefined) this.#takePower(component, value, timeNs)
    if (unit === '°C') this.#temperaturesC.set(quantity.replace(/^temperature of /, ''), value)
  }

  #takePower(component: string, powerW: number, timeNs: number): void {
    const before = this.#sampledNs.get(component)
    const joules = before === undefined ? 0 : ((this.#powersW.get(component)! + powerW) / 2) * ((timeNs - before) / 1e9)
    this.#energiesJ.set(component, (this.#energiesJ.get(component) ?? 0) + joules)
    this.#powersW.set(component, powerW)
    this.#sampledNs.set(component, timeNs)
  }
}

/** Of what frames noted; some say nothing. */
class MeanSquare {
  #squares = 0
  #count = 0

  add(value: unknown): void {
    if (typeof value !== 'number') return
    this.#squares += value ** 2
    this.#count++
  }

  /** Undefined of nothing. */
  get root(): number | undefined {
    return this.#count === 0 ? undefined : Math.sqrt(this.#squares / this.#count)
  }
}

/** What a product takes in all; nothing of other jobs, and of those whose calibration is gone. */
async function workOf(
  journal: JournalReader,
  { kind, header }: RunRecord,
): Promise<{ readonly macs?: number; readonly rows?: number }> {
  const { a, b, command, part } = header.arguments as Partial<Omit<MatmulArguments, 'command'>> & {
    readonly command?: string
  }
  const [calibration] = header.calibrations
  if (kind !== 'matmul' || a === undefined || b === undefined || calibration === undefined) return {}
  // Matrices side by side, and images, are cut in other ways.
  if ('leading' in a || command !== 'matmul') return {}
  const { rows, columns } = part ?? { rows: a.rows, columns: b.columns }
  const macs = rows * a.columns * columns
  try {
    const { size } = (await journal.readCalibration(calibration)).record as { readonly size: number }
    return { macs, rows: rows * Math.ceil(b.rows / size) * Math.ceil(columns / size) }
  } catch (error) {
    if (isBenchError(error, 'CALIBRATION_MISSING')) return { macs }
    throw error
  }
}
