// Thirty-two dot products at once. The same operations in the same order as ../reference/dots.ts.

/**
 * Four rows of weights [term][4] times eight samples [term][8], left at `out` as four lines of eight, `line` bytes apart.
 *
 * Each sum begins at what stands at `out`, or at 0 when `fresh`, and takes its terms in ascending order.
 */
@inline
export function fourByEight(weights: usize, samples: usize, terms: i32, out: usize, line: usize, fresh: bool): void {
  const zero = f32x4.splat(0)
  const second = out + line
  const third = second + line
  const fourth = third + line
  let a0 = fresh ? zero : v128.load(out)
  let a1 = fresh ? zero : v128.load(out, 16)
  let b0 = fresh ? zero : v128.load(second)
  let b1 = fresh ? zero : v128.load(second, 16)
  let c0 = fresh ? zero : v128.load(third)
  let c1 = fresh ? zero : v128.load(third, 16)
  let d0 = fresh ? zero : v128.load(fourth)
  let d1 = fresh ? zero : v128.load(fourth, 16)
  let w = weights
  let x = samples
  for (const end = weights + (<usize>terms << 4); w < end; w += 16, x += 32) {
    const x0 = v128.load(x)
    const x1 = v128.load(x, 16)
    const wa = v128.load32_splat(w)
    a0 = f32x4.add(a0, f32x4.mul(wa, x0))
    a1 = f32x4.add(a1, f32x4.mul(wa, x1))
    const wb = v128.load32_splat(w, 4)
    b0 = f32x4.add(b0, f32x4.mul(wb, x0))
    b1 = f32x4.add(b1, f32x4.mul(wb, x1))
    const wc = v128.load32_splat(w, 8)
    c0 = f32x4.add(c0, f32x4.mul(wc, x0))
    c1 = f32x4.add(c1, f32x4.mul(wc, x1))
    const wd = v128.load32_splat(w, 12)
    d0 = f32x4.add(d0, f32x4.mul(wd, x0))
    d1 = f32x4.add(d1, f32x4.mul(wd, x1))
  }
  v128.store(out, a0)
  v128.store(out, a1, 16)
  v128.store(second, b0)
  v128.store(second, b1, 16)
  v128.store(third, c0)
  v128.store(third, c1, 16)
  v128.store(fourth, d0)
  v128.store(fourth, d1, 16)
}
