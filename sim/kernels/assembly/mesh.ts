// Light through the interferometers of a mesh, four samples at a time, and a mesh folded into its matrix.
// The same operations in the same order as ../reference/mesh.ts.

/** Bytes of one interferometer's coefficients: eight float32, or eight float64. */
const BYTES_32: usize = 32
const BYTES_64: usize = 64
/** Samples that pass the whole mesh before the next ones: their fields stay in the cache. */
const SAMPLES_AT_ONCE: i32 = 64

/**
 * Fields [mode][stride], re and im apart, through `count` interferometers; the number of samples is padded to four.
 * `tops` holds the upper mode of each in the order of the light; `matrices` [mzi][re, im of T11, T12, T21, T22].
 */
export function propagate(
  re: usize,
  im: usize,
  stride: i32,
  samples: i32,
  tops: usize,
  matrices: usize,
  count: i32,
): void {
  const line = <usize>stride << 2
  for (let first = 0; first < samples; first += SAMPLES_AT_ONCE) {
    const bytes = <usize>(((min(SAMPLES_AT_ONCE, samples - first) + 3) & ~3) << 2)
    for (let mzi = 0; mzi < count; mzi++) {
      const at = <usize>load<i32>(tops + (<usize>mzi << 2)) * line + (<usize>first << 2)
      const m = matrices + <usize>mzi * BYTES_32
      const a = v128.load32_splat(m)
      const b = v128.load32_splat(m, 4)
      const c = v128.load32_splat(m, 8)
      const d = v128.load32_splat(m, 12)
      const e = v128.load32_splat(m, 16)
      const f = v128.load32_splat(m, 20)
      const g = v128.load32_splat(m, 24)
      const h = v128.load32_splat(m, 28)
      let upperRe = re + at
      let upperIm = im + at
      for (const end = upperRe + bytes; upperRe < end; upperRe += 16, upperIm += 16) {
        const ur = v128.load(upperRe)
        const ui = v128.load(upperIm)
        const lr = v128.load(upperRe + line)
        const li = v128.load(upperIm + line)
        v128.store(upperRe, real32(a, ur, b, ui, c, lr, d, li))
        v128.store(upperIm, imaginary32(a, ur, b, ui, c, lr, d, li))
        v128.store(upperRe + line, real32(e, ur, f, ui, g, lr, h, li))
        v128.store(upperIm + line, imaginary32(e, ur, f, ui, g, lr, h, li))
      }
    }
  }
}

/** Real part of (a + ib)·(ur + i·ui) + (c + id)·(lr + i·li). */
@inline
function real32(a: v128, ur: v128, b: v128, ui: v128, c: v128, lr: v128, d: v128, li: v128): v128 {
  return f32x4.add(f32x4.sub(f32x4.mul(a, ur), f32x4.mul(b, ui)), f32x4.sub(f32x4.mul(c, lr), f32x4.mul(d, li)))
}

/** Imaginary part of the same. */
@inline
function imaginary32(a: v128, ur: v128, b: v128, ui: v128, c: v128, lr: v128, d: v128, li: v128): v128 {
  return f32x4.add(f32x4.add(f32x4.mul(a, ui), f32x4.mul(b, ur)), f32x4.add(f32x4.mul(c, li), f32x4.mul(d, lr)))
}

@inline
function real64(a: v128, ur: v128, b: v128, ui: v128, c: v128, lr: v128, d: v128, li: v128): v128 {
  return f64x2.add(f64x2.sub(f64x2.mul(a, ur), f64x2.mul(b, ui)), f64x2.sub(f64x2.mul(c, lr), f64x2.mul(d, li)))
}

@inline
function imaginary64(a: v128, ur: v128, b: v128, ui: v128, c: v128, lr: v128, d: v128, li: v128): v128 {
  return f64x2.add(f64x2.add(f64x2.mul(a, ui), f64x2.mul(b, ur)), f64x2.add(f64x2.mul(c, li), f64x2.mul(d, lr)))
}

/**
 * As `propagate`, for interferometers whose two outputs share their loss and whose output phases wait at the end:
 * [[p·c, −s], [p·s, c]], `rotations` [mzi][re p, im p, c, s]. 18 real operations instead of 28.
 */
export function propagateLossless(
  re: usize,
  im: usize,
  stride: i32,
  samples: i32,
  tops: usize,
  rotations: usize,
  count: i32,
): void {
  const line = <usize>stride << 2
  for (let first = 0; first < samples; first += SAMPLES_AT_ONCE) {
    const bytes = <usize>(((min(SAMPLES_AT_ONCE, samples - first) + 3) & ~3) << 2)
    for (let mzi = 0; mzi < count; mzi++) {
      const at = <usize>load<i32>(tops + (<usize>mzi << 2)) * line + (<usize>first << 2)
      const m = rotations + (<usize>mzi << 4)
      const pr = v128.load32_splat(m)
      const pi = v128.load32_splat(m, 4)
      const c = v128.load32_splat(m, 8)
      const s = v128.load32_splat(m, 12)
      let upperRe = re + at
      let upperIm = im + at
      for (const end = upperRe + bytes; upperRe < end; upperRe += 16, upperIm += 16) {
        const ur = v128.load(upperRe)
        const ui = v128.load(upperIm)
        const lr = v128.load(upperRe + line)
        const li = v128.load(upperIm + line)
        const tr = f32x4.sub(f32x4.mul(pr, ur), f32x4.mul(pi, ui))
        const ti = f32x4.add(f32x4.mul(pr, ui), f32x4.mul(pi, ur))
        v128.store(upperRe, f32x4.sub(f32x4.mul(c, tr), f32x4.mul(s, lr)))
        v128.store(upperIm, f32x4.sub(f32x4.mul(c, ti), f32x4.mul(s, li)))
        v128.store(upperRe + line, f32x4.add(f32x4.mul(s, tr), f32x4.mul(c, lr)))
        v128.store(upperIm + line, f32x4.add(f32x4.mul(s, ti), f32x4.mul(c, li)))
      }
    }
  }
}

/** Fields [mode][stride] times one complex factor [mode][re, im] each: a screen of phases, of losses, of both. */
export function applyScreen(re: usize, im: usize, stride: i32, samples: i32, factors: usize, modes: i32): void {
  const bytes = <usize>(((samples + 3) & ~3) << 2)
  for (let mode = 0; mode < modes; mode++) {
    const fr = v128.load32_splat(factors + (<usize>mode << 3))
    const fi = v128.load32_splat(factors + (<usize>mode << 3), 4)
    let atRe = re + ((<usize>mode * stride) << 2)
    let atIm = im + ((<usize>mode * stride) << 2)
    for (const end = atRe + bytes; atRe < end; atRe += 16, atIm += 16) {
      const r = v128.load(atRe)
      const i = v128.load(atIm)
      v128.store(atRe, f32x4.sub(f32x4.mul(fr, r), f32x4.mul(fi, i)))
      v128.store(atIm, f32x4.add(f32x4.mul(fr, i), f32x4.mul(fi, r)))
    }
  }
}

/**
 * Matrix [mode][stride], re and im apart in float64, through `count` interferometers: rows of what light has passed.
 * The number of columns is padded to two.
 */
export function foldColumns(
  re: usize,
  im: usize,
  stride: i32,
  columns: i32,
  tops: usize,
  matrices: usize,
  count: i32,
): void {
  const line = <usize>stride << 3
  const bytes = <usize>(((columns + 1) & ~1) << 3)
  for (let mzi = 0; mzi < count; mzi++) {
    const at = <usize>load<i32>(tops + (<usize>mzi << 2)) * line
    const m = matrices + <usize>mzi * BYTES_64
    const a = v128.load64_splat(m)
    const b = v128.load64_splat(m, 8)
    const c = v128.load64_splat(m, 16)
    const d = v128.load64_splat(m, 24)
    const e = v128.load64_splat(m, 32)
    const f = v128.load64_splat(m, 40)
    const g = v128.load64_splat(m, 48)
    const h = v128.load64_splat(m, 56)
    let upperRe = re + at
    let upperIm = im + at
    for (const end = upperRe + bytes; upperRe < end; upperRe += 16, upperIm += 16) {
      const ur = v128.load(upperRe)
      const ui = v128.load(upperIm)
      const lr = v128.load(upperRe + line)
      const li = v128.load(upperIm + line)
      v128.store(upperRe, real64(a, ur, b, ui, c, lr, d, li))
      v128.store(upperIm, imaginary64(a, ur, b, ui, c, lr, d, li))
      v128.store(upperRe + line, real64(e, ur, f, ui, g, lr, h, li))
      v128.store(upperIm + line, imaginary64(e, ur, f, ui, g, lr, h, li))
    }
  }
}
