import { access } from 'node:fs/promises'
import { Counter, Gauge, Registry } from 'prom-client'
import { SystemClock } from '../core/clock.ts'
import { isBenchError } from '../core/errors.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import { packageVersion } from './package-info.ts'
import { RunFollower } from './run-follower.ts'
import type { RunState } from './run-follower.ts'

/**
 * What the runs of this process have come to, for Prometheus: read from their journal when somebody asks, so that
 * nothing on the way of the light knows of it.
 *
 * Counters sum all runs of the process, gauges are of its newest.
 * Units: base units of Prometheus, in the names.
 */
export class RunMetrics implements AsyncDisposable {
  readonly #registry = new Registry()
  readonly #file: string | undefined
  readonly #startedMs = Date.now()
  readonly #clock = new SystemClock()
  #journal: Journal | undefined
  #last: Promise<unknown> = Promise.resolve()
  /** [run], in their order; the state as it was last seen. */
  readonly #runs = new Map<string, { readonly follower: RunFollower; state: RunState }>()

  /** `file`: the journal, where the command has one. */
  constructor(file: string | undefined) {
    this.#file = file
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** One at a time: two who ask at once must not count a frame twice. */
  text(): Promise<string> {
    const text = this.#last.then(() => this.#text())
    this.#last = text.catch(() => undefined)
    return text
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last
    await this.#journal?.[Symbol.asyncDispose]()
  }

  async #text(): Promise<string> {
    await this.#look()
    this.#registry.clear()
    this.#fill([...this.#runs.values()].map(({ state }) => state))
    return await this.#registry.metrics()
  }

  async #look(): Promise<void> {
    if (this.#file === undefined) return
    if (this.#journal === undefined) {
      // The first run makes it.
      if (!(await exists(this.#file))) return
      this.#journal = await this.#opened(this.#file)
      if (this.#journal === undefined) return
    }
    for (const id of await this.#journal.runsOfProcess(process.pid, this.#startedMs)) {
      const known = this.#runs.get(id)
      if (known !== undefined && known.state.run.status !== 'running') continue
      const follower = known?.follower ?? (await RunFollower.of(this.#journal, id))
      this.#runs.set(id, { follower, state: await follower.look() })
    }
  }

  /** Undefined while the first run is still making its tables; a file that never becomes a journal ends the command. */
  async #opened(file: string): Promise<Journal | undefined> {
    try {
      return await Journal.open(file, { clock: this.#clock, mode: 'read' })
    } catch (error) {
      if (isBenchError(error, 'JOURNAL_UNREADABLE')) return undefined
      throw error
    }
  }

  #fill(states: readonly RunState[]): void {
    const registers = [this.#registry]
    const [gauges, counters] = [new Map<string, Gauge>(), new Map<string, Counter>()]
    const gauge = (
      name: string,
      help: string,
      value: number | undefined,
      labels: Record<string, string> = {},
    ): void => {
      if (value === undefined) return
      const known = gauges.get(name)
      const metric = known ?? new Gauge({ name, help, labelNames: Object.keys(labels), registers })
      gauges.set(name, metric)
      metric.set(labels, value)
    }
    const counter = (name: string, help: string, value: number, labels: Record<string, string> = {}): void => {
      const known = counters.get(name)
      const metric = known ?? new Counter({ name, help, labelNames: Object.keys(labels), registers })
      counters.set(name, metric)
      metric.inc(labels, value)
    }
    gauge('fringe_build_info', 'Version of Fringe; always 1.', 1, { version: packageVersion() })
    gauge('process_start_time_seconds', 'Start of the process since 1970.', performance.timeOrigin / 1e3)
    gauge('process_resident_memory_bytes', 'Memory of the process.', process.memoryUsage.rss())
    for (const { frames, repeatedFrames, done = 0, macs = 0, energiesJ, run } of states) {
      counter('fringe_runs_total', 'Runs begun, by job.', 1, { job: run.kind })
      counter('fringe_frames_total', 'Frames that came back, repeated ones included.', frames)
      counter('fringe_repeated_frames_total', 'Frames that were measured again.', repeatedFrames)
      counter('fringe_macs_total', 'Multiply-accumulates done of products asked for; 1 MAC = 2 OPS.', done * macs)
      for (const [component, joules] of energiesJ) {
        counter('fringe_energy_joules_total', 'Energy under the samples of power, on the bench’s clock.', joules, {
          component,
        })
      }
    }
    const newest = states.at(-1)
    if (newest === undefined) return
    const { run, done, probeError, probeBits, powersW, temperaturesC, benchS } = newest
    gauge('fringe_run_active', 'Whether the newest run goes on.', run.status === 'running' ? 1 : 0, { job: run.kind })
    gauge('fringe_bench_time_seconds', 'Time on the bench’s clock since the start of the run.', benchS)
    gauge('fringe_done_ratio', 'Share of the product that is done.', done)
    gauge('fringe_probe_error_ratio', 'RMS error of the known vectors in all frames so far.', probeError)
    gauge('fringe_probe_effective_bits', 'log2(range / RMS error) of the known vectors so far.', probeBits)
    for (const [component, powerW] of powersW) {
      gauge('fringe_power_watts', 'Newest sample of power, by component.', powerW, { component })
    }
    for (const [place, temperatureC] of temperaturesC) {
      gauge('fringe_temperature_celsius', 'Newest sample of temperature.', temperatureC, { place })
    }
  }
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )
