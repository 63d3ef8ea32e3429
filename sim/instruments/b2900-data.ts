import type { ScpiAnswer } from '../protocols/scpi-commands.ts'
import { formatNr3 } from '../protocols/scpi-call.ts'

/** In the order in which an instrument answers with them, whatever the order in which they were asked for. */
export const ELEMENTS = ['VOLT', 'CURR', 'RES', 'TIME', 'STAT', 'SOUR'] as const
export type Element = (typeof ELEMENTS)[number]

/** One measurement; NaN where nothing was measured, ±Infinity beyond the range. */
export type Sample = Readonly<Record<Element, number>>

export const NO_SAMPLE: Sample = { VOLT: NaN, CURR: NaN, RES: NaN, TIME: NaN, STAT: NaN, SOUR: NaN }

export interface DataFormat {
  readonly data: 'ASC' | 'REAL,32' | 'REAL,64'
  readonly swapped: boolean
}

const NOT_A_NUMBER = 9.91e37
const INFINITE = 9.9e37

/** Source: B2900 reference, "Data Output Format": text with stand-ins, or a block of IEEE-754 numbers. */
export function encodeData(values: readonly number[], { data, swapped }: DataFormat): ScpiAnswer {
  if (data === 'ASC') return values.map(text).join()
  const bytes = data === 'REAL,64' ? 8 : 4
  const view = new DataView(new ArrayBuffer(bytes * values.length))
  for (const [index, value] of values.entries()) {
    if (bytes === 8) view.setFloat64(8 * index, value, swapped)
    else view.setFloat32(4 * index, value, swapped)
  }
  return new Uint8Array(view.buffer)
}

/** Six decimals and two digits of exponent: `+1.000001E-06`. */
export function text(value: number): string {
  const written = Number.isNaN(value) ? NOT_A_NUMBER : Math.max(-INFINITE, Math.min(INFINITE, value))
  return formatNr3(written, 6, 2)
}

/** Sample by sample, channel by channel; where one channel has fewer, what is not there is not a number. */
export function interleave(channels: readonly (readonly Sample[])[], elements: readonly Element[]): number[] {
  const length = Math.max(1, ...channels.map((samples) => samples.length))
  return Array.from({ length }, (_, index) =>
    channels.flatMap((samples) => elements.map((element) => (samples[index] ?? NO_SAMPLE)[element])),
  ).flat()
}
