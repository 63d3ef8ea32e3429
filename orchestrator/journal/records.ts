import type { Identity } from '../../core/instruments.ts'
import type { KeptBytes } from './wire-chain.ts'

export type RunStatus = 'running' | 'done' | 'failed' | 'interrupted'

/** All that is needed to judge a run, and to repeat it. */
export interface RunHeader {
  /** Fringe, Node and whatever else decides about results. */
  readonly versions: Readonly<Record<string, string>>
  /** Who computes what: code, precision and threads. `twin` is absent on hardware. */
  readonly engines: Readonly<Record<string, string>>
  /** Commit from which Fringe was built, null outside a repository. */
  readonly commit: string | null
  readonly bench: {
    readonly path: string
    readonly text: string
    /** SHA-256 of the text. */
    readonly hash: string
    /** Which of its cores; absent where the bench has one, and for a job that was split over several. */
    readonly core?: string
  }
  /** Ids of the calibrations used. */
  readonly calibrations: readonly string[]
  /** Of the twin; null on hardware. */
  readonly seed: number | null
  readonly instruments: readonly InstrumentNote[]
  /** What the user asked for: command, files, options. */
  readonly arguments: unknown
}

export interface InstrumentNote {
  readonly name: string
  readonly driver: string
  readonly resource: string
  /** Null until it was asked. */
  readonly identity: Identity | null
  readonly settings: unknown
}

export interface RunSummary {
  readonly id: string
  readonly kind: string
  readonly status: RunStatus
  readonly startedMs: number
  /** Null while it runs, and when nobody was left to say. */
  readonly endedMs: number | null
}

/** A run as a list of all runs tells it. */
export interface ListedRun extends RunSummary {
  /** The layer of a model that it was asked to be of. */
  readonly layer: string | null
  /** The run whose part it is, where several cores shared a job. */
  readonly partOf: string | null
}

export interface RunRecord extends RunSummary {
  readonly header: RunHeader
  readonly result: unknown
}

export interface StepRecord {
  readonly step: number
  /** 0 at the top. */
  readonly parent: number
  readonly name: string
  readonly detail: unknown
  /** Since the start of the run. */
  readonly timeNs: number
}

export interface FrameRecord {
  readonly seq: number
  readonly step: number
  readonly timeNs: number
  readonly data: unknown
}

/** One reading of a slow quantity: power of a meter, temperature of an oven. */
export interface Sample {
  readonly quantity: string
  readonly unit: string
  readonly value: number
  /** Instrument that measured it, or model that computed it. */
  readonly source: string
}

export interface SampleRecord extends Sample {
  readonly timeNs: number
}

export interface Calibration {
  readonly benchHash: string
  readonly chip: string
  readonly record: unknown
}

export interface CalibrationRecord extends Calibration {
  readonly id: string
  readonly createdMs: number
  readonly run: string
}

/** One record of a wire, as it stands in the journal: possibly edited since. */
export interface WireRecord {
  /** Grows in the order in which the records of all wires were written. */
  readonly row: number
  readonly wire: string
  /** 1, 2, 3 … within its wire. */
  readonly seq: number
  /** tx, rx, ctl or err, unless somebody changed it. */
  readonly direction: string
  readonly step: number
  readonly timeNs: number
  /** As they passed the wire; none where what was packed is damaged. */
  readonly bytes: Uint8Array
  /** As they are kept, which `crc` is of. */
  readonly kept: KeptBytes
  readonly crc: number
}

/** Where the records of one wire must end. */
export interface WireHead {
  readonly records: number
  readonly crc: number
}

/** The conversations of one run, for replay and for reading. */
export interface RunRecording {
  readonly run: string
  readonly status: RunStatus
  readonly startedMs: number
  readonly heads: ReadonlyMap<string, WireHead>
  readonly steps: ReadonlyMap<number, Pick<StepRecord, 'name' | 'timeNs'>>
  /** All records of all wires in the order in which they were written, some hundreds at a time. */
  pages(): AsyncIterableIterator<readonly WireRecord[]>
}
