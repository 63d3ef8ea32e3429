import { InvalidArgumentError, Option } from 'commander'
import { DEFAULT_SCALING, SCALINGS } from '../orchestrator/numerics/choose-numerics.ts'
import { BenchError } from '../core/errors.ts'
import type { CalibrationBudget } from '../calibration/estimate-mesh.ts'
import { TABLE_NAMES } from '../orchestrator/exports/run-tables.ts'
import type { TableName } from '../orchestrator/exports/run-tables.ts'
import type { TwinChoice } from './far-side.ts'
import { whyNoLayer } from './layer-name.ts'
import type { PictureFormat } from './run-picture.ts'

export interface JsonFlag {
  readonly json?: boolean
}

export interface TwinFlags {
  readonly sim?: TwinChoice['mode']
  readonly seed?: number
  /** In seconds. */
  readonly age?: number
}

/** Of a bench file that describes several. */
export interface CoreFlag {
  readonly core?: string
}

export interface JournalFlag {
  readonly journal: string
}

export interface MetricsFlag {
  readonly metrics?: MetricsPlace
}

/** Where metrics are served. */
export interface MetricsPlace {
  readonly host: string
  readonly port: number
}

export interface CalibrateFlags extends TwinFlags, JournalFlag, CoreFlag {
  readonly steps?: readonly string[]
  readonly budget?: CalibrationBudget
  readonly again?: boolean
  /** In seconds. */
  readonly fresh: number
  readonly verifyOnly?: boolean
  /** In seconds. */
  readonly watch?: number
  readonly for?: number
  /** Ids, one for each core. */
  readonly calibration?: readonly string[]
  /** True: into a folder that is named after the run. */
  readonly report?: string | true
}

export interface ShowFlags extends JournalFlag, CoreFlag {
  /** True: into a folder that is named after the run. */
  readonly plot?: string | true
  readonly format?: PictureFormat
  readonly report?: string | true
  readonly follow?: boolean
  /** A bench file: its twin's chip instead of a run. */
  readonly chip?: string
  readonly seed?: number
}

/** What a run may leave the journal as. */
export const EXPORT_FORMATS = ['npz', 'hdf5', 'parquet', 'csv'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

export interface ExportFlags extends JournalFlag {
  readonly output?: string
  readonly format?: ExportFormat
  readonly table?: readonly TableName[]
  readonly wire?: boolean
}

export interface EnergyFlags extends JournalFlag {
  readonly layer?: readonly string[]
}

export interface SimFlags extends CoreFlag {
  readonly seed?: number
  readonly paced?: boolean
}

export interface DiscoverFlags {
  readonly interface?: readonly string[]
  readonly identify?: boolean
}

/** The chip that a twin has when nobody chooses. */
export const DEFAULT_SEED = 1

export const jsonOption = (): Option =>
  new Option('--json', 'one JSON document on standard output, text for people on standard error')

export const journalOption = (): Option =>
  new Option('--journal <file>', 'the journal of all runs').default('fringe.db', 'fringe.db in this folder')

export const interfaceOption = (): Option =>
  new Option('--interface <name>', 'ask on this network, named by interface or own address; may be repeated').argParser(
    withEarlier,
  )

export const simOption = (): Option =>
  new Option(
    '--sim [how]',
    'use the twin instead of the hardware; --sim=wire: behind real sockets and ports; --sim=direct: fastest, ' +
      'same numbers, without wires and so without replay',
  ).choices(['pipe', 'wire', 'direct'])

/** Of a product, which needs no instruments. */
export const matmulSimOption = (): Option => {
  const { flags, description, argChoices = [] } = simOption()
  const kernels = '; --sim=kernels: for large jobs, without instruments and calibration, computed again by a replay'
  return new Option(flags, description + kernels).choices([...argChoices, 'kernels'])
}

export const plotOption = (): Option =>
  new Option('--plot [folder]', 'write pictures of the run into this folder (default: RUN-plots, here)')

export const formatOption = (): Option =>
  new Option('--format <name>', 'what --plot writes (default: svg)').choices(['svg', 'png'])

export const exportFormatOption = (): Option =>
  new Option('--format <name>', 'what is written (default: as the file ends, or npz)').choices([...EXPORT_FORMATS])

export const tableOption = (): Option =>
  new Option('--table <name...>', 'only these tables; one goes into the file itself').choices([...TABLE_NAMES])

export const reportOption = (): Option =>
  new Option(
    '--report [folder]',
    'write report.md with pictures of the calibration into this folder (default: RUN-report)',
  )

export const followOption = (): Option =>
  new Option('--follow', 'watch the run (default: the last one) until it ends; exit code 1 unless it is done')

export const metricsOption = (): Option =>
  new Option('--metrics <place>', 'serve metrics for Prometheus here, like 127.0.0.1:9464 or 9464').argParser(
    parseMetricsPlace,
  )

export const chipOption = (): Option =>
  new Option('--chip <bench>', 'instead of a run: what was fabricated of the twin of this bench, hidden truth and all')

export const seedOption = (): Option =>
  new Option('--seed <n>', `which chip the twin has, and all noise (default: ${DEFAULT_SEED})`).argParser(parseSeed)

export const ageOption = (): Option =>
  new Option(
    '--age <time>',
    'how old the twin is: what drifts has drifted that long, like 90s, 30min, 12h or 2d (default: 0s)',
  ).argParser(parseAge)

export const coreOption = (): Option =>
  new Option('--core <name>', 'of the cores of the bench file this one alone (default: all of them)')

export const layerOption = (): Option =>
  new Option('--layer <name>', 'the layer of a model that this product is of: "fringe energy" sums by it').argParser(
    parseLayer,
  )

export const layersOption = (): Option =>
  new Option('--layer <name>', 'only this layer; may be repeated (default: all of them)').argParser(
    (name: string, earlier: readonly string[] | undefined) => withEarlier(parseLayer(name), earlier),
  )

export const calibrationOption = (): Option =>
  new Option(
    '--calibration <id>',
    'use this one, like cal-20260101-120000-01; of several cores once for each, in the order of the file ' +
      '(default: the newest of each)',
  ).argParser(withEarlier)

export const dtypeOption = (): Option =>
  new Option('--dtype <type>', 'numbers of C; of its parts, where it is complex')
    .choices(['float32', 'float64'])
    .default('float64')

export const strideOption = (): Option =>
  new Option('--stride <n>', 'steps between two outputs, both ways').default(1).argParser(wholeFrom(1))

export const paddingOption = (): Option =>
  new Option('--padding <n>', 'zeros around the image, on each side').default(0).argParser(wholeFrom(0))

export const memoryOption = (): Option =>
  new Option(
    '--memory <size>',
    'larger matrices are read, multiplied and written in panels that take so much together (default: 256MiB)',
  ).argParser(parseMemory)

export const stepsOption = (): Option =>
  new Option('--steps <name...>', 'make these steps again, like dark or local-oscillators, and take all others over')

export const budgetOption = (): Option =>
  new Option(
    '--budget <amount>',
    'what it may cost: input vectors like 20000, or time of settling and symbols like 90s or 5min',
  ).argParser(parseBudget)

export const againOption = (): Option => new Option('--again', 'take nothing over: make every step, from cold')

export const freshOption = (): Option =>
  new Option('--fresh <time>', 'take over what earlier runs found no longer ago than this')
    .default(3600, '1h')
    .argParser(parseAge)

export const bitsOption = (): Option =>
  new Option(
    '--bits <n>',
    'effective bits that C must have, like 10: repeats, slices and mended weights are chosen for it',
  ).argParser(parseBits)

export const scalingOption = (): Option =>
  new Option('--scaling <how>', 'a scale for each row of A in a tile, for each column of B in it, too, or what is best')
    .choices(SCALINGS)
    .default(DEFAULT_SCALING)

export const watchOption = (): Option =>
  new Option(
    '--watch <time>',
    'keep the calibration true: look at the chip at least this often, like 15min, and follow its drift',
  ).argParser(parseAge)

export const refineOption = (): Option =>
  new Option(
    '--refine <rounds>',
    'measure every tile where it stands and correct it, so often at most, until it is at the noise of its readings (default: 0)',
  ).argParser(wholeFrom(0))

export const forOption = (): Option =>
  new Option('--for <time>', 'how long to watch, like 8h (default: until stopped)').argParser(parseAge)

export const verifyOnlyOption = (): Option =>
  new Option('--verify-only', 'measure what a calibration is worth now, and leave it as it is')

export const maxAgeOption = (): Option =>
  new Option('--max-age <time>', 'refuse a calibration older than this, like 30min, 12h or 2d').argParser(parseAge)

/** Throws: CALL_INVALID for a seed or an age without a twin. */
export function chosenTwin({ sim, seed, age }: TwinFlags): TwinChoice | undefined {
  if (sim !== undefined) return { mode: sim, seed: seed ?? DEFAULT_SEED, ageS: age ?? 0 }
  if (seed !== undefined) {
    throw new BenchError('CALL_INVALID', '--seed chooses the chip of the twin, and hardware has its own: add --sim')
  }
  if (age === undefined) return undefined
  throw new BenchError('CALL_INVALID', '--age says how old the twin is, and hardware has its own age: add --sim')
}

/** `--sim` alone must not take the next word for its value. */
export function withSimSpelledOut(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  return argv.map((word, index) => (word === '--sim' && (end === -1 || index < end) ? '--sim=pipe' : word))
}

/** Of an option that may be repeated, all that was given. */
function withEarlier(value: string, earlier: readonly string[] | undefined): readonly string[] {
  return [...(earlier ?? []), value]
}

/** A port alone is one of this machine's, which nobody else reaches. */
function parseMetricsPlace(text: string): MetricsPlace {
  const [, bracketed, plain, digits = ''] = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits !== '' && port < 65_536) return { host: bracketed ?? plain ?? '127.0.0.1', port }
  throw new InvalidArgumentError('Metrics are served at host:port, like 127.0.0.1:9464, or at a port of this machine.')
}

function parseSeed(text: string): number {
  const seed = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (Number.isSafeInteger(seed)) return seed
  throw new InvalidArgumentError(`A seed is a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`)
}

const SECONDS_PER: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600, d: 86_400 }
const OLDEST_DAYS = 100

function parseAge(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(s|min|h|d)$/.exec(text) ?? []
  const ageS = Number(number) * (SECONDS_PER[unit ?? ''] ?? NaN)
  if (ageS <= OLDEST_DAYS * 86_400) return ageS
  throw new InvalidArgumentError(`An age is a number with s, min, h or d, from 0s to ${OLDEST_DAYS}d, like 12h.`)
}

const LARGEST_STEP = 10_000

function wholeFrom(least: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,5}$/.test(text) ? Number(text) : NaN
    if (value >= least && value <= LARGEST_STEP) return value
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${LARGEST_STEP}.`)
  }
}

const BYTES_PER: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

function parseMemory(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(KiB|MiB|GiB)$/.exec(text) ?? []
  const bytes = Number(number) * (BYTES_PER[unit ?? ''] ?? NaN)
  if (bytes >= 1024) return bytes
  throw new InvalidArgumentError('Memory is a number with KiB, MiB or GiB, at least 1KiB, like 256MiB.')
}

function parseBudget(text: string): CalibrationBudget {
  const vectors = /^\d{1,12}$/.test(text) ? Number(text) : NaN
  if (vectors > 0) return { vectors }
  const [, number, unit] = /^(\d+(?:\.\d+)?)(s|min|h)$/.exec(text) ?? []
  const benchSeconds = Number(number) * (SECONDS_PER[unit ?? ''] ?? NaN)
  if (benchSeconds > 0) return { benchSeconds }
  throw new InvalidArgumentError('A budget is a number of input vectors, like 20000, or a time, like 90s or 5min.')
}

/** An age for people, in the largest unit that keeps it above 1. */
export function ageText(ageS: number): string {
  const [unit, seconds] = Object.entries(SECONDS_PER).findLast(([, each]) => ageS >= each) ?? ['s', 1]
  return `${Number((ageS / seconds).toPrecision(4))} ${unit}`
}

function parseLayer(name: string): string {
  const why = whyNoLayer(name)
  if (why === undefined) return name
  throw new InvalidArgumentError(`${why[0]!.toUpperCase()}${why.slice(1)}.`)
}

/** Beyond these there is nothing to choose: one pass of any bench has more, and no double has as many. */
const BITS_RANGE = { min: 1, max: 52 }

function parseBits(text: string): number {
  const bits = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && bits >= BITS_RANGE.min && bits <= BITS_RANGE.max) return bits
  throw new InvalidArgumentError(`It must be a number from ${BITS_RANGE.min} to ${BITS_RANGE.max}, like 10.`)
}
