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
    readonly bank: string
    /** [heater of svdCoreLayout] */
    readonly channels: readonly number[]
    readonly limitV: number
    readonly settleMs: number
  }
  readonly taps: { readonly monitor: string; readonly firstInput: number }
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
