import type { YamlPath } from './yaml-source.ts'

/** One connector of an instrument, counted from 0, and where the file says so. */
export interface Connector {
  readonly instrument: string
  readonly index: number
  readonly path: YamlPath
}

/** `awg-0.1-4` names outputs 1 to 4 of awg-0, as on its front panel; inside Fringe they count from 0. */
export function expandConnectors(written: readonly string[], path: YamlPath): readonly Connector[] {
  return written.flatMap((text, item) => {
    const [instrument = '', numbers = ''] = text.split('.')
    return expandRange(numbers).map((number) => ({ instrument, index: number - 1, path: [...path, item] }))
  })
}

export type HeaterList = number | string | readonly (number | string)[]

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
