import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import type { Priors } from '../model/chip-fit-input.ts'
import { intensityBlocks } from './intensity-parameters.ts'

const ROUNDS = 200
/** What a modulator's rest is known to at best, relative to its lit field. */
const LEAST_SIGMA = 3e-4

/**
 * Holds the stray light of a fit to what modulators can do: at rest each carries the same field whoever is lit, so
 * s_kj = a_k·b_j with |b_j| = 1, the phase of the lit input.
 *
 * Of the two inputs of one interferometer alone stray light and an error of its first splitter look the same; told from
 * all other pairs, both are known. Phases b are free because no power shows those of whole inputs.
 */
export function withModulatorsAtRest(layout: SvdCoreLayout, parameters: Float64Array, priors: Priors): Priors {
  const { size, mzis } = layout
  const { strayRe, strayIm } = intensityBlocks(layout)
  const partner = new Int32Array(size).fill(-1)
  for (const { column, top } of mzis) if (column === 0) [partner[top], partner[top + 1]] = [top + 1, top]
  const known = (k: number, j: number): boolean => k !== j && partner[k] !== j
  const at = (k: number, j: number): number => k * size + j
  const a = { re: new Float64Array(size), im: new Float64Array(size) }
  const b = { re: new Float64Array(size).fill(1), im: new Float64Array(size) }
  // Any row has the phases of all lit inputs but its own and its partner's.
  for (let j = 0; j < size; j++) if (known(0, j)) setUnit(b, j, parameters[strayRe + j]!, parameters[strayIm + j]!)
  for (let round = 0; round < ROUNDS; round++) {
    for (let k = 0; k < size; k++) {
      let [re, im, count] = [0, 0, 0]
      for (let j = 0; j < size; j++) {
        if (!known(k, j)) continue
        const [sr, si] = [parameters[strayRe + at(k, j)]!, parameters[strayIm + at(k, j)]!]
        re += sr * b.re[j]! + si * b.im[j]!
        im += si * b.re[j]! - sr * b.im[j]!
        count++
      }
      if (count > 0) [a.re[k], a.im[k]] = [re / count, im / count]
    }
    for (let j = 0; j < size; j++) {
      let [re, im] = [0, 0]
      for (let k = 0; k < size; k++) {
        if (!known(k, j)) continue
        const [sr, si] = [parameters[strayRe + at(k, j)]!, parameters[strayIm + at(k, j)]!]
        re += sr * a.re[k]! + si * a.im[k]!
        im += si * a.re[k]! - sr * a.im[k]!
      }
      setUnit(b, j, re, im)
    }
  }
  const mean = priors.mean.slice()
  const sigma = priors.sigma.slice()
  let [squares, count] = [0, 0]
  for (let k = 0; k < size; k++) {
    for (let j = 0; j < size; j++) {
      const [re, im] = [a.re[k]! * b.re[j]! - a.im[k]! * b.im[j]!, a.re[k]! * b.im[j]! + a.im[k]! * b.re[j]!]
      mean[strayRe + at(k, j)] = k === j ? 0 : re
      mean[strayIm + at(k, j)] = k === j ? 0 : im
      if (!known(k, j)) continue
      squares += (parameters[strayRe + at(k, j)]! - re) ** 2 + (parameters[strayIm + at(k, j)]! - im) ** 2
      count += 2
    }
  }
  const off = Math.max(LEAST_SIGMA, Math.sqrt(squares / Math.max(1, count)))
  for (let i = strayRe; i < strayRe + 2 * size * size; i++) if (sigma[i]! > 0) sigma[i] = off
  return { mean, sigma }
}

function setUnit(
  { re, im }: { readonly re: Float64Array; readonly im: Float64Array },
  i: number,
  x: number,
  y: number,
): void {
  const length = Math.hypot(x, y)
  if (length > 0) [re[i], im[i]] = [x / length, y / length]
}
