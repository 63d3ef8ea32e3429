const f = Math.fround
type Eight = [number, number, number, number, number, number, number, number]
type Four = [number, number, number, number]

export function propagate(
  re: Float32Array,
  im: Float32Array,
  stride: number,
  samples: number,
  tops: Int32Array,
  matrices: Float32Array,
  count: number,
): void {
  for (let mzi = 0; mzi < count; mzi++) {
    const [a, b, c, d, e, g, h, k] = matrices.subarray(8 * mzi) as unknown as Eight
    let upper = tops[mzi]! * stride
    for (const end = upper + groupsOfFour(samples); upper < end; upper++) {
      const lower = upper + stride
      const [ur, ui, lr, li] = [re[upper]!, im[upper]!, re[lower]!, im[lower]!]
      re[upper] = f(f(a * ur) - f(b * ui)) + f(f(c * lr) - f(d * li))
      im[upper] = f(f(a * ui) + f(b * ur)) + f(f(c * li) + f(d * lr))
      re[lower] = f(f(e * ur) - f(g * ui)) + f(f(h * lr) - f(k * li))
      im[lower] = f(f(e * ui) + f(g * ur)) + f(f(h * li) + f(k * lr))
    }
  }
}

export function propagateLossless(
  re: Float32Array,
  im: Float32Array,
  stride: number,
  samples: number,
  tops: Int32Array,
  rotations: Float32Array,
  count: number,
): void {
  for (let mzi = 0; mzi < count; mzi++) {
    const [pr, pi, c, s] = rotations.subarray(4 * mzi) as unknown as Four
    let upper = tops[mzi]! * stride
    for (const end = upper + groupsOfFour(samples); upper < end; upper++) {
      const lower = upper + stride
      const [ur, ui, lr, li] = [re[upper]!, im[upper]!, re[lower]!, im[lower]!]
      const tr = f(f(pr * ur) - f(pi * ui))
      const ti = f(f(pr * ui) + f(pi * ur))
      re[upper] = f(c * tr) - f(s * lr)
      im[upper] = f(c * ti) - f(s * li)
      re[lower] = f(s * tr) + f(c * lr)
      im[lower] = f(s * ti) + f(c * li)
    }
  }
}

export function applyScreen(
  re: Float32Array,
  im: Float32Array,
  stride: number,
  samples: number,
  factors: Float32Array,
  modes: number,
): void {
  for (let mode = 0; mode < modes; mode++) {
    const [fr, fi] = [factors[2 * mode]!, factors[2 * mode + 1]!]
    let at = mode * stride
    for (const end = at + groupsOfFour(samples); at < end; at++) {
      const [r, i] = [re[at]!, im[at]!]
      re[at] = f(fr * r) - f(fi * i)
      im[at] = f(fr * i) + f(fi * r)
    }
  }
}

export function foldColumns(
  re: Float64Array,
  im: Float64Array,
  stride: number,
  columns: number,
  tops: Int32Array,
  matrices: Float64Array,
  count: number,
): void {
  for (let mzi = 0; mzi < count; mzi++) {
    const [a, b, c, d, e, g, h, k] = matrices.subarray(8 * mzi) as unknown as Eight
    let upper = tops[mzi]! * stride
    for (const end = upper + ((columns + 1) & ~1); upper < end; upper++) {
      const lower = upper + stride
      const [ur, ui, lr, li] = [re[upper]!, im[upper]!, re[lower]!, im[lower]!]
      re[upper] = a * ur - b * ui + (c * lr - d * li)
      im[upper] = a * ui + b * ur + (c * li + d * lr)
      re[lower] = e * ur - g * ui + (h * lr - k * li)
      im[lower] = e * ui + g * ur + (h * li + k * lr)
    }
  }
}

const groupsOfFour = (samples: number): number => (samples + 3) & ~3
