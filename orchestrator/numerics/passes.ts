import { RandomStream } from '../../core/random.ts'
import type { CoreKnowledge } from '../../core/optical-core.ts'

/** How often, and in how many pieces, each row of inputs is sent through a tile. */
export interface Passes {
  /** Sent so often, with both signs in turn and other codes each time, and averaged. */
  readonly repeats: number
  /** 2: what the codes missed is sent as well, scaled to the whole range. */
  readonly slices: 1 | 2
}

export const ONE_PASS: Passes = { repeats: 1, slices: 1 }

export const passCount = ({ repeats, slices }: Passes): number => repeats + slices - 1

/**
 * Codes of repeats are moved apart by so much, so that meters round them differently: a few of 127 steps.
 *
 * Source: a dither of at least one step decorrelates rounding, Widrow and Kollár, Quantization Noise (2008), §19.
 */
const DITHER = 0.03
const DITHER_SEED = 1

export interface SentRows {
  /** [row · passes + pass, input], each in −1…1. */
  readonly symbols: Float64Array
  /** [row] by which products of the last slice are multiplied; of length 0 when there is one slice. */
  readonly fineScale: Float64Array
  /** [row, input] what is missing in the mean of the repeats; of length 0 when nobody knows. */
  readonly missed: Float64Array
}

/**
 * Rows of one lane as they are sent. Each repeat makes up for what the codes of those before it have missed.
 *
 * Shapes: `values` is [row, input] in −1…1.
 */
export function sendRows(
  values: Float64Array,
  inputs: number,
  { repeats, slices }: Passes,
  played: ((inputs: Float64Array) => Float64Array) | undefined,
): SentRows {
  const none = new Float64Array(0)
  if (repeats === 1 && slices === 1 && played === undefined) return { symbols: values, fineScale: none, missed: none }
  const passes = passCount({ repeats, slices })
  const rows = values.length / inputs
  const symbols = new Float64Array(rows * passes * inputs)
  const put = (pass: number, vectors: Float64Array): void => {
    for (let row = 0; row < rows; row++) {
      symbols.set(vectors.subarray(row * inputs, (row + 1) * inputs), (row * passes + pass) * inputs)
    }
  }
  const random = new RandomStream(DITHER_SEED, 'dither')
  const sent = new Float64Array(values.length)
  for (let pass = 0; pass < repeats; pass++) {
    const sign = pass % 2 === 0 ? 1 : -1
    const isLast = pass === repeats - 1
    const dither = Float64Array.from({ length: inputs }, () => (isLast ? 0 : random.uniform(-DITHER, DITHER)))
    const asked = values.map((value, i) => {
      const wanted = (pass + 1) * value - sent[i]! + (repeats > 2 ? dither[i % inputs]! : 0)
      return sign * Math.max(-1, Math.min(1, wanted))
    })
    put(pass, asked)
    const light = played === undefined ? asked : played(asked)
    for (let i = 0; i < sent.length; i++) sent[i]! += sign * light[i]!
  }
  const missed = values.map((value, i) => value - sent[i]! / repeats)
  if (slices === 1) return { symbols, fineScale: none, missed }
  const fineScale = new Float64Array(rows)
  const fine = missed.slice()
  for (let row = 0; row < rows; row++) {
    const share = fine.subarray(row * inputs, (row + 1) * inputs)
    const largest = share.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    fineScale[row] = largest
    if (largest > 0) for (let i = 0; i < inputs; i++) share[i]! /= largest
  }
  put(passes - 1, fine)
  return { symbols, fineScale, missed: none }
}

/** Where the products of one row lie: pass by pass, `step` apart, each `off` by as much. */
export interface PassPlaces {
  readonly first: number
  readonly step: number
  readonly off: number
}

/** The product of one row from those of its passes. */
export function joinPasses(
  products: Float64Array,
  { first, step, off }: PassPlaces,
  { repeats, slices }: Passes,
  fineScale: number | undefined,
): number {
  let sum = 0
  for (let pass = 0; pass < repeats; pass++) {
    const product = products[first + pass * step]! - off
    sum += pass % 2 === 0 ? product : -product
  }
  const mean = repeats === 1 ? sum : sum / repeats
  return slices === 1 ? mean : mean + fineScale! * (products[first + repeats * step]! - off)
}

/** Codes of both signs, as those of one lane are played. */
export const playedOn = (
  knowledge: CoreKnowledge | undefined,
  lane: number,
): ((inputs: Float64Array) => Float64Array) | undefined =>
  knowledge === undefined ? undefined : (inputs) => knowledge.played(lane, inputs)
