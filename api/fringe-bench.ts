import { EventEmitter, setMaxListeners } from 'node:events'
import { coreOfFile, readCores } from '../bench/bench-file.ts'
import type { BenchFile } from '../bench/bench-file.ts'
import { calibrateJob, findCalibration } from '../cli/calibrate-job.ts'
import type { BenchChoice, CalibrateDocument, CalibrationWish } from '../cli/calibrate-job.ts'
import { calibrationWishes } from '../cli/calibration-wishes.ts'
import type { JobContext } from '../cli/command-context.ts'
import { requireRefinement } from '../cli/core-limits.ts'
import { convolutionOn } from '../cli/convolution-on.ts'
import type { Strides } from '../cli/convolution-on.ts'
import { JobFailure } from '../cli/explain-error.ts'
import type { TwinChoice } from '../cli/far-side.ts'
import { keptBytesOf, matmulJob } from '../cli/matmul-job.ts'
import type { MatmulDocument } from '../cli/matmul-job.ts'
import { requireProduct } from '../cli/product-limits.ts'
import type { CoreNote } from '../cli/split-job.ts'
import { splitProduct } from '../cli/split-product.ts'
import { requireLayerName } from '../cli/layer-name.ts'
import { energyByLayer } from '../cli/layer-energy.ts'
import type { LayersDocument, LayersWish } from '../cli/layer-energy.ts'
import { SystemClock } from '../core/clock.ts'
import { BenchError } from '../core/errors.ts'
import type { DenseArray } from '../orchestrator/arrays/dense-array.ts'
import { factorInMemory, openFactor } from '../orchestrator/arrays/open-factor.ts'
import type { OpenedFactor } from '../orchestrator/arrays/open-factor.ts'
import { productJob } from '../orchestrator/jobs/product-job.ts'
import { PANEL_MEMORY_BYTES } from '../orchestrator/jobs/multiply-panels.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { NumericsOptions } from '../orchestrator/numerics/choose-numerics.ts'
import type { PlanEvent } from '../orchestrator/plans/engine.ts'
import { denseArray } from './arrays.ts'
import type { NumericArray } from './arrays.ts'

export interface OpenOptions {
  /** Of a bench file that describes several cores this one alone; all of them when left out. */
  readonly core?: string
  /** The twin instead of the hardware; true: in this process, behind pipes. */
  readonly sim?: boolean | TwinChoice['mode']
  /** Which chip the twin has, and all noise; 1 when left out. */
  readonly seed?: number
  /** How old the twin is, s. */
  readonly ageS?: number
  /** The journal of all runs; fringe.db in the current folder when left out. */
  readonly journal?: string
  /** Hears which step a job has come to, and how far that is. */
  readonly onEvent?: (event: PlanEvent<unknown>) => void
}

/** The calibration of one core, by its name; null where the bench has one without. */
export interface CalibratedCore extends CalibrateDocument {
  readonly core: string | null
}

export interface JobOptions {
  /** Ends the job; the bench is made safe before the promise rejects. */
  readonly signal?: AbortSignal
}

export interface MatmulOptions extends JobOptions, Omit<CalibrationWish, 'id'>, NumericsOptions {
  /** The calibration to take; of several cores one for each, in the order of the bench file. Default: the newest. */
  readonly id?: string | readonly string[]
  /** Writes C to this file, too. A C that is larger than `memoryBytes` allows goes there only. */
  readonly output?: string
  /** Numbers of C; float64 when left out. */
  readonly dtype?: 'float32' | 'float64'
  /** What panels of larger matrices may take together; 256 MiB when left out. */
  readonly memoryBytes?: number
  /** Longest time between two looks at the chip while it multiplies, s; left out: it is not watched. */
  readonly watchS?: number
  /**
   * Every tile of B is measured where it stands and corrected, so often at most, until it is at the noise of its
   * readings; 0 when left out. For meshes read by balanced homodyne.
   */
  readonly refine?: number
  /** The layer of a model that this product is of: `energyByLayer` sums by it. */
  readonly layer?: string
}

/** C, how good it is, and what it cost. */
export interface MatmulAnswer extends Omit<MatmulDocument, 'product' | 'calibration'> {
  /** Null where several cores shared the job, each by a calibration of its own. */
  readonly calibration: string | null
  /** What each of several cores did; empty where one did it all. */
  readonly cores: readonly CoreNote[]
  /** Undefined where C went to its file only. */
  readonly product: Required<NumericArray<Float64Array | Float32Array>> | undefined
}

const LISTENERS = 1000

/**
 * Reads and checks a bench file. Nothing is switched on: each job opens the instruments, and leaves them safe.
 *
 * Throws: BENCH_FILE_INVALID naming line and field; CALL_INVALID for a seed or an age without a twin, and for a core that
 * is not there.
 */
export async function openBench(path: string, options: OpenOptions = {}): Promise<FringeBench> {
  // Dozens of instruments listen to one signal; Node would call that a leak.
  if (EventEmitter.defaultMaxListeners < LISTENERS) setMaxListeners(LISTENERS)
  const cores = await readCores(path)
  const chosen = options.core === undefined ? cores : [coreOfFile(cores, options.core)]
  return new FringeBench(chosen, twinOf(options), options)
}

function twinOf({ sim = false, seed, ageS }: OpenOptions): TwinChoice | undefined {
  if (sim !== false) return { mode: sim === true ? 'pipe' : sim, seed: seed ?? 1, ageS: ageS ?? 0 }
  if (seed === undefined && ageS === undefined) return undefined
  throw new BenchError('CALL_INVALID', 'seed and ageS choose a twin, and hardware has its own: add sim: true')
}

/**
 * A bench, and the jobs that it can do, on all its cores together or on the one that was chosen; each is a run in the journal, as if the command line had been used.
 *
 * Jobs that are asked for together are done one after another. Disposing waits for the one that runs.
 * Throws: BenchError with a code; AggregateError where several things went wrong, such as a bench that is not safe.
 */
export class FringeBench implements AsyncDisposable {
  readonly #files: readonly BenchFile[]
  readonly #twin: TwinChoice | undefined
  readonly #options: OpenOptions
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(files: readonly BenchFile[], twin: TwinChoice | undefined, options: OpenOptions) {
    this.#files = files
    this.#twin = twin
    this.#options = options
  }

  get name(): string {
    const { name, core } = this.#files[0]!
    return this.#files.length === 1 ? name : name.slice(0, -`/${core!}`.length)
  }

  /**
   * From cold and dark to a calibration that later jobs take from the journal.
   *
   * Throws: CALL_INVALID where there are several cores.
   */
  async calibrate({ signal }: JobOptions = {}): Promise<CalibrateDocument> {
    if (this.#files.length > 1) {
      const names = this.#files.map(({ core }) => core!).join(', ')
      const right = `call calibrateCores, or open one of them with { core: '${this.#files[0]!.core!}' }`
      throw new BenchError('CALL_INVALID', `calibrate is of one core, and bench ${this.name} has ${names}: ${right}`)
    }
    const [document] = await this.calibrateCores({ ...(signal && { signal }) })
    return document!
  }

  /** The same of every core, one after another. */
  async calibrateCores({ signal }: JobOptions = {}): Promise<readonly CalibratedCore[]> {
    return this.#afterTheLast(signal, async () => {
      const documents: CalibratedCore[] = []
      for (const choice of this.#choices) {
        const { document } = await calibrateJob(this.#context(signal), choice)
        documents.push({ core: choice.file.core ?? null, ...document })
      }
      return documents
    })
  }

  /**
   * C = A·B, calibrating first where that was never done. Factors are arrays in memory or paths of .npy files.
   *
   * Throws: SHAPE_MISMATCH, ARRAY_FILE_INVALID before anything is switched on.
   */
  async matmul(a: NumericArray | string, b: NumericArray | string, options: MatmulOptions = {}): Promise<MatmulAnswer> {
    return this.#afterTheLast(options.signal, () => this.#matmul(a, b, options))
  }

  /**
   * An image [channels, height, width], or images [images, channels, height, width], with kernels [outputs, channels,
   * height, width]: out[o, y, x] = Σ image[c, y·stride + i − padding, x·stride + j − padding] · kernels[o, c, i, j].
   *
   * A core whose ports share one bank of rings convolves by itself; all others multiply patches of the image.
   */
  async convolve(
    image: NumericArray | string,
    kernels: NumericArray | string,
    options: MatmulOptions & Partial<Strides> = {},
  ): Promise<MatmulAnswer> {
    const { stride = 1, padding = 0, ...others } = options
    requireStrides({ stride, padding })
    return this.#afterTheLast(options.signal, () => this.#matmul(image, kernels, others, { stride, padding }))
  }

  /**
   * What the layers of a model cost: products of the whole journal, or of some runs, summed by the layers that they name.
   *
   * Throws: CALL_INVALID for a layer that no run names, and for a run without a layer or an account; RUN_UNKNOWN.
   */
  async energyByLayer(wish: LayersWish = {}): Promise<LayersDocument> {
    await using journal = await Journal.open(this.#journal, { clock: new SystemClock(), mode: 'read' })
    return await journal.snapshot(() => energyByLayer(journal, wish))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#last
  }

  async #matmul(
    a: NumericArray | string,
    b: NumericArray | string,
    options: MatmulOptions,
    strides?: Strides,
  ): Promise<MatmulAnswer> {
    const {
      output,
      dtype = 'float64',
      memoryBytes = PANEL_MEMORY_BYTES,
      watchS,
      refine = 0,
      bits,
      scaling,
      layer,
      signal,
      id,
      maxAgeS,
    } = options
    requireRounds(refine)
    requireLayerName(layer)
    const context = this.#context(signal)
    const keptBytes = keptBytesOf(memoryBytes)
    await using left = await factorOf('A', a, keptBytes, context.signal)
    await using right = await factorOf('B', b, keptBytes, context.signal)
    const wishes = calibrationWishes(this.#files, typeof id === 'string' ? [id] : id, maxAgeS)
    const asked = this.#choices.map((choice, index) => ({ choice, wish: wishes[index]! }))
    const wanted = { dtype, memoryBytes, watchS, refine, bits, scaling, layer }
    if (asked.length > 1) {
      const request = { ...wanted, a: left, b: right, output, strides }
      const { document, product } = await splitProduct(context, asked, request, (choice) =>
        calibrateJob(context, choice),
      )
      return { ...document, calibration: null, followedBy: null, product: typed(product, dtype) }
    }
    const { choice, wish } = asked[0]!
    const { file } = choice
    requireRefinement(file, refine)
    const convolution = strides && convolutionOn(file, strides)
    const job = productJob(left.array, right.array, convolution)
    const places = { output, journal: this.#journal, dtype, memoryBytes }
    await requireProduct(file, left, right, job, places, context.signal)
    const stored = (await findCalibration(choice, wish)) ?? (await calibrateJob(context, choice))
    const request = { ...wanted, a: left, b: right, output, convolution }
    const { document, product } = await matmulJob(context, choice, request, stored)
    return { ...document, cores: [], product: product && typed(product, dtype) }
  }

  get #choices(): readonly BenchChoice[] {
    return this.#files.map((file) => ({ file, twin: this.#twin, journal: this.#journal }))
  }

  get #journal(): string {
    return this.#options.journal ?? 'fringe.db'
  }

  #context(signal = new AbortController().signal): JobContext {
    const { onEvent = () => undefined } = this.#options
    return { output: { progress: { begin: () => undefined, onEvent } }, signal }
  }

  /** One bench does one thing at a time. */
  #afterTheLast<T>(signal: AbortSignal | undefined, job: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new BenchError('CALL_INVALID', `bench ${this.name} was closed: open it again`)
    const mine = this.#last.then(() => {
      signal?.throwIfAborted()
      return unwrapped(job)
    })
    this.#last = mine.catch(() => undefined)
    return mine
  }
}

function typed(
  { shape, isComplex, data }: DenseArray,
  dtype: 'float32' | 'float64',
): NonNullable<MatmulAnswer['product']> {
  return { shape, isComplex, data: dtype === 'float64' ? data : Float32Array.from(data) }
}

function requireStrides({ stride, padding }: Strides): void {
  if (Number.isSafeInteger(stride) && stride >= 1 && Number.isSafeInteger(padding) && padding >= 0) return
  const right = 'stride is a whole number from 1 on, and padding one from 0 on'
  throw new BenchError('CALL_INVALID', `stride ${stride} and padding ${padding}: ${right}`)
}

function requireRounds(refine: number): void {
  if (Number.isSafeInteger(refine) && refine >= 0) return
  throw new BenchError('CALL_INVALID', `refine ${refine}: it is a whole number of rounds from 0 on`)
}

async function factorOf(
  name: string,
  given: NumericArray | string,
  keptBytes: number,
  signal: AbortSignal,
): Promise<OpenedFactor> {
  if (typeof given === 'string') return openFactor(given, { keptBytes, signal })
  return factorInMemory(name, denseArray(name, given), keptBytes)
}

/** What went wrong, rather than that a run failed; the run's id is in its context. */
async function unwrapped<T>(job: () => Promise<T>): Promise<T> {
  try {
    return await job()
  } catch (error) {
    if (!(error instanceof JobFailure)) throw error
    const { run, cause } = error
    if (!(cause instanceof BenchError)) throw cause
    const { code, message, context } = cause
    throw new BenchError(code, message, { cause, context: { ...context, run } })
  }
}
