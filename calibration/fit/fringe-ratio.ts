import { bestFrequency } from './best-frequency.ts'
import { centred } from './centred.ts'
import type { ComplexMatrix } from './complex-matrix.ts'

export interface FringeRatio {
  readonly re: number
  readonly im: number
}

/**
 * How much stronger, and turned by how much, a fringe is than `like`, which is known of the same light: channel e is
 * mean_e + Re(ratio·like_e·e^{ikx}).
 *
 * The ratio and one frequency are all that is fitted beside the means. A fringe of nothing is then a ratio of nothing,
 * whatever frequency noise likes best; amplitudes that were free in every channel would grow without limit where
 * points are two to a turn.
 *
 * Shapes: `x` is [points]; `channels` is [element of `like`][point]. The frequency is looked for in `range`.
 */
export function fringeRatio(
  x: Float64Array,
  channels: readonly Float64Array[],
  like: Pick<ComplexMatrix, 're' | 'im'>,
  range: { readonly min: number; readonly max: number },
): FringeRatio {
  // All that the channels say: their products with `like`, point by point.
  let [reRe, imIm, reIm] = [0, 0, 0]
  const withRe = new Float64Array(x.length)
  const withIm = new Float64Array(x.length)
  for (const [e, channel] of channels.entries()) {
    const [re, im] = [like.re[e]!, like.im[e]!]
    reRe += re * re
    imIm += im * im
    reIm += re * im
    for (const [i, y] of channel.entries()) {
      withRe[i]! += re * y
      withIm[i]! += im * y
    }
  }
  const fitAt = (k: number): FringeRatio & { readonly explained: number } => {
    const cos = centred(x.map((value) => Math.cos(k * value)))
    const sin = centred(x.map((value) => Math.sin(k * value)))
    // Normal equations of the ratio's real and imaginary part.
    let [rr, ii, ri, ry, iy] = [0, 0, 0, 0, 0]
    for (let i = 0; i < x.length; i++) {
      const [c, s] = [cos[i]!, sin[i]!]
      rr += c * c * reRe + s * s * imIm - 2 * c * s * reIm
      ii += s * s * reRe + c * c * imIm + 2 * c * s * reIm
      ri += c * s * (imIm - reRe) + (s * s - c * c) * reIm
      ry += c * withRe[i]! - s * withIm[i]!
      iy -= s * withRe[i]! + c * withIm[i]!
    }
    const det = rr * ii - ri * ri
    const re = (ii * ry - ri * iy) / det
    const im = (rr * iy - ri * ry) / det
    return { re, im, explained: re * ry + im * iy }
  }
  const { re, im } = fitAt(bestFrequency(range, (k) => fitAt(k).explained))
  return { re, im }
}
