import type { JournalReader } from '../orchestrator/journal/reader.ts'
import { RunFollower } from './run-follower.ts'
import type { RunState } from './run-follower.ts'
import { isSplit } from './split-job.ts'

/** Tells what a run has come to, whenever it is asked. */
export interface Follower {
  look(): Promise<RunState>
}

export async function followerOf(journal: JournalReader, name: string): Promise<Follower> {
  const run = await journal.readRun(name)
  const own = await RunFollower.of(journal, run.id)
  return isSplit(run) ? new CoresFollower(journal, run.id, own) : own
}

/** Follows a job that several cores share: each core has a run of its own, with its frames and its meters. */
class CoresFollower implements Follower {
  readonly #journal: JournalReader
  readonly #id: string
  readonly #own: RunFollower
  /** [run of a core] */
  readonly #cores = new Map<string, RunFollower>()

  constructor(journal: JournalReader, id: string, own: RunFollower) {
    this.#journal = journal
    this.#id = id
    this.#own = own
  }

  async look(): Promise<RunState> {
    const whole = await this.#own.look()
    for (const { id, partOf } of await this.#journal.listRuns()) {
      if (partOf !== this.#id || this.#cores.has(id)) continue
      this.#cores.set(id, await RunFollower.of(this.#journal, id))
    }
    return together(whole, await Promise.all([...this.#cores.values()].map((core) => core.look())))
  }
}

/** Frames add up, time is that of the core that is farthest, and what a core draws bears its name. */
function together(whole: RunState, cores: readonly RunState[]): RunState {
  const sum = (of: (core: RunState) => number): number => cores.reduce((all, core) => all + of(core), 0)
  const isKnown = whole.macs !== undefined && cores.every(({ done, macs }) => done !== undefined && macs !== undefined)
  return {
    ...{ run: whole.run, step: cores[0]?.step ?? whole.step, macs: whole.macs },
    benchS: Math.max(whole.benchS, ...cores.map(({ benchS }) => benchS)),
    frames: sum(({ frames }) => frames),
    repeatedFrames: sum(({ repeatedFrames }) => repeatedFrames),
    done: isKnown ? sum(({ done, macs }) => done! * macs!) / whole.macs : undefined,
    probeError: rootOver(cores, ({ probeError }) => probeError),
    probeBits: bitsOf(rootOver(cores, ({ probeBits }) => (probeBits === undefined ? undefined : 2 ** -probeBits))),
    powersW: ofCores(cores, ({ powersW }) => powersW),
    energiesJ: ofCores(cores, ({ energiesJ }) => energiesJ),
    temperaturesC: ofCores(cores, ({ temperaturesC }) => temperaturesC),
  }
}

/** Root of the mean square over all frames; undefined where no core tells. */
function rootOver(cores: readonly RunState[], of: (core: RunState) => number | undefined): number | undefined {
  const told = cores.flatMap((core) => {
    const value = of(core)
    return value === undefined ? [] : [{ value, frames: core.frames }]
  })
  const frames = told.reduce((all, core) => all + core.frames, 0)
  if (frames === 0) return undefined
  return Math.sqrt(told.reduce((all, core) => all + core.frames * core.value ** 2, 0) / frames)
}

const bitsOf = (nrmse: number | undefined): number | undefined => (nrmse === undefined ? undefined : -Math.log2(nrmse))

function ofCores(
  cores: readonly RunState[],
  of: (core: RunState) => ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  return new Map(
    cores.flatMap((core) =>
      [...of(core)].map(([name, value]): [string, number] => [`${core.run.header.bench.core!}: ${name}`, value]),
    ),
  )
}
