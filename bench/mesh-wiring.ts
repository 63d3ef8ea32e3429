import type { MeshImperfections } from '../sim/optics/imperfections.ts'
import { MESH_PARAMETERS } from '../sim/optics/imperfections.ts'
import type { YamlPath } from './yaml-source.ts'

/** One connector of an instrument, counted from 0, and where the file says so. */
export interface Connector {
  readonly instrument: string
  readonly index: number
  readonly path: YamlPath
}

export interface LaneWiring {
  readonly laser: string
  readonly frequencyThz: number
  readonly powerDbm: number
  /** [port] */
  readonly drive: readonly Connector[]
  readonly bias: readonly string[]
  readonly plus: readonly Connector[]
  readonly minus: readonly Connector[]
}

/** Channels of one heater bank; `count` is undefined where the bench takes all that the bank has. */
export interface BankPart {
  readonly instrument: string
  readonly first: number
  readonly count: number | undefined
}

/** How the instruments of a bench are wired to its mesh core. */
export interface MeshWiring {
  readonly size: number
  readonly lanes: readonly LaneWiring[]
  /** In the order in which the lanes name them. */
  readonly generators: readonly string[]
  readonly meters: readonly string[]
  readonly trigger: { readonly source: string; readonly targets: readonly string[] }
  readonly frame: { readonly symbolPeriodS: number; readonly pointsPerSymbol: number; readonly maxSymbols: number }
  readonly driveAmplitudeV: number
  readonly meterRangeDbm: number
  readonly heaters: {
    /** Banks whose channels follow one another. */
    readonly banks: readonly BankPart[]
    /** [heater of svdCoreLayout] */
    readonly channels: readonly number[]
    readonly limitV: number
    readonly settleMs: number
  }
  readonly taps: { readonly monitor: string; readonly firstInput: number } | undefined
  readonly ovens: readonly { readonly name: string; readonly controller: string; readonly temperatureC: number }[]
  readonly mains: string
  /** Longest time one instrument may take to become safe. */
  readonly safeDeadlineMs: number
}

/** `awg-0.1-4` names outputs 1 to 4 of awg-0, as on its front panel; inside Fringe they count from 0. */
export function expandConnectors(written: readonly string[], path: YamlPath): readonly Connector[] {
  return written.flatMap((text, item) => {
    const [instrument = '', numbers = ''] = text.split('.')
    return expandRange(numbers).map((number) => ({ instrument, index: number - 1, path: [...path, item] }))
  })
}

/** `shifters`, or `[chain-0.0-511, chain-1.0-511]`: channels counted from 0, as Qontrol counts them. */
export function expandBanks(written: string | readonly string[]): readonly BankPart[] {
  if (typeof written === 'string') return [{ instrument: written, first: 0, count: undefined }]
  return written.map((text) => {
    const [instrument = '', numbers = ''] = text.split('.')
    const [first = 0, last = first] = numbers.split('-').map(Number)
    return { instrument, first, count: last - first + 1 }
  })
}

type HeaterList = number | string | readonly (number | string)[]

/** `5`, `0-7`, `7-0` (wired the other way round) or a list of them. */
export function expandHeaters(written: HeaterList): readonly number[] {
  if (typeof written === 'number') return [written]
  if (typeof written === 'string') return expandRange(written)
  return written.flatMap(expandHeaters)
}

/** Longer than any instrument has connectors; a slip of the finger must not fill the memory. */
export const MAX_RANGE = 100_000

function expandRange(text: string): readonly number[] {
  const [first = 0, last = first] = text.split('-').map(Number)
  const step = last < first ? -1 : 1
  const length = Math.min(Math.abs(last - first) + 1, MAX_RANGE)
  return Array.from({ length }, (_, index) => first + index * step)
}

/** The twin's chip: what the bench file says, else the defaults. */
export function imperfections(written: Readonly<Record<string, number | undefined>> = {}): MeshImperfections {
  const entries = Object.entries(MESH_PARAMETERS).map(([key, { value }]) => [key, written[key] ?? value])
  return Object.fromEntries(entries) as MeshImperfections
}
