import { multiplyComplex } from '../fit/complex-algebra.ts'
import { complexIdentity } from '../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'

/** Waveguides that belong together. */
interface Block {
  readonly top: number
  readonly width: 1 | 2
}

/** Keeps what no setting shows where it is: noise of an element, squared. */
const RIDGE = 1e-3

/**
 * Turns a frame until what all settings did stands in blocks.
 *
 * Seen in a frame that is off by 1 + ε, blocks B leave ε·B_n − B_m·ε beside the diagonal at (m, n): linear in ε, the
 * same for all settings, solved for each pair of blocks by least squares.
 */
export function sharpenBlocks(
  frame: ComplexMatrix,
  seen: readonly ComplexMatrix[],
  blocks: readonly Block[],
): ComplexMatrix {
  const correction = complexIdentity(frame.size)
  for (const m of blocks) for (const n of blocks) if (m !== n) solvePair(seen, m, n, correction)
  return multiplyComplex(frame, correction)
}

/** Whether more of what the settings did lies within the blocks than beside them; not so of what is no number. */
export function standApart(seen: readonly ComplexMatrix[], blocks: readonly Block[]): boolean {
  let [within, all] = [0, 0]
  for (const { size, re, im } of seen) {
    for (let at = 0; at < re.length; at++) all += re[at]! ** 2 + im[at]! ** 2
    for (const { top, width } of blocks) {
      for (let row = top; row < top + width; row++) {
        for (let at = row * size + top; at < row * size + top + width; at++) within += re[at]! ** 2 + im[at]! ** 2
      }
    }
  }
  return within > all / 2
}

/** ε between two blocks, by normal equations of at most four complex unknowns. */
function solvePair(seen: readonly ComplexMatrix[], m: Block, n: Block, out: ComplexMatrix): void {
  const unknowns = m.width * n.width
  const width = unknowns + 1
  // [unknown, unknown and right-hand side]
  const re = new Float64Array(unknowns * width)
  const im = new Float64Array(unknowns * width)
  const rowRe = new Float64Array(width)
  const rowIm = new Float64Array(width)
  for (let u = 0; u < unknowns; u++) re[u * width + u] = RIDGE
  for (const y of seen) {
    for (let a = 0; a < m.width; a++) {
      for (let b = 0; b < n.width; b++) {
        rowRe.fill(0)
        rowIm.fill(0)
        // (ε·B_n)_ab = Σ_k ε_ak·B_n,kb and (B_m·ε)_ab = Σ_k B_m,ak·ε_kb
        for (let k = 0; k < n.width; k++) {
          const at = (n.top + k) * y.size + n.top + b
          rowRe[a * n.width + k]! += y.re[at]!
          rowIm[a * n.width + k]! += y.im[at]!
        }
        for (let k = 0; k < m.width; k++) {
          const at = (m.top + a) * y.size + m.top + k
          rowRe[k * n.width + b]! -= y.re[at]!
          rowIm[k * n.width + b]! -= y.im[at]!
        }
        const at = (m.top + a) * y.size + n.top + b
        rowRe[unknowns] = y.re[at]!
        rowIm[unknowns] = y.im[at]!
        for (let u = 0; u < unknowns; u++) {
          for (let v = 0; v < width; v++) {
            re[u * width + v]! += rowRe[u]! * rowRe[v]! + rowIm[u]! * rowIm[v]!
            im[u * width + v]! += rowRe[u]! * rowIm[v]! - rowIm[u]! * rowRe[v]!
          }
        }
      }
    }
  }
  eliminate(re, im, unknowns)
  for (let u = 0; u < unknowns; u++) {
    const to = (m.top + Math.floor(u / n.width)) * out.size + n.top + (u % n.width)
    out.re[to] = re[u * width + unknowns]!
    out.im[to] = im[u * width + unknowns]!
  }
}

/** Gauss and Jordan on a positive definite system; leaves the solution in the last column. */
function eliminate(re: Float64Array, im: Float64Array, unknowns: number): void {
  const width = unknowns + 1
  for (let k = 0; k < unknowns; k++) {
    const pivot = re[k * width + k]!
    for (let c = k; c < width; c++) {
      re[k * width + c]! /= pivot
      im[k * width + c]! /= pivot
    }
    for (let row = 0; row < unknowns; row++) {
      if (row === k) continue
      const fr = re[row * width + k]!
      const fi = im[row * width + k]!
      for (let c = k; c < width; c++) {
        const pr = re[k * width + c]!
        const pi = im[k * width + c]!
        re[row * width + c]! -= fr * pr - fi * pi
        im[row * width + c]! -= fr * pi + fi * pr
      }
    }
  }
}
