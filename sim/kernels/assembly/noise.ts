// Counter-based normal numbers, eight at a time. The same operations in the same order as ../reference/noise.ts.

const TURN_FIRST: i32 = 0xcc9e2d51
const TURN_SECOND: i32 = 0x85ebca6b
const TURN_THIRD: i32 = 0xc2b2ae35
const TURN_FOURTH: i32 = 0x846ca68b
const MOVE: i32 = 0x7ed55d16
const HIGH_WORD: i32 = 0x9e3779b9
const ANGLE_WORD: i32 = 0x85157af5

// Constants of the loops lie in memory and are loaded before them: V8 builds four lanes of a number that stands in the
// code with three instructions, in each round of a loop.
const WORDS: usize = memory.data<i32>([
  TURN_FIRST, TURN_SECOND, TURN_THIRD, TURN_FOURTH, MOVE, 0x3f3504f3, 31, i32.MIN_VALUE,
])
const FIRST: usize = 0
const SECOND: usize = 4
const THIRD: usize = 8
const FOURTH: usize = 12
const OFFSET: usize = 16
const ROOT_HALF: usize = 20
const TOP_OCTAVE: usize = 24
const SIGN: usize = 28
const NEXT_PAIRS: usize = memory.data<i32>([0, 1, 2, 3], 16)

/**
 * Of −2 ln((1 + s) / (1 − s)), odd powers of s; −2 ln ½. 2^-31; of sin(π/4 · t) / √2, odd powers of t, and of
 * cos(π/4 · t) / √2, even ones.
 */
const NUMBERS: usize = memory.data<f32>([
  0.5, 1, -4.0000005, -1.3330438, -0.8259495, 1.3862944, 4.656612873077393e-10, 0.5553576, -0.057073414, 0.0017162231,
  0.70710677, -0.21808888, 0.011207582, -0.00022548255,
])
const HALF: usize = 0
const ONE: usize = 4
const LOG_1: usize = 8
const LOG_3: usize = 12
const LOG_5: usize = 16
const OCTAVE: usize = 20
const EIGHTH: usize = 24
const SINE_1: usize = 28
const SINE_3: usize = 32
const SINE_5: usize = 36
const COSINE_0: usize = 40
const COSINE_2: usize = 44
const COSINE_4: usize = 48
const COSINE_6: usize = 52

@inline
function bits(place: usize): v128 {
  return v128.load32_splat(WORDS + place)
}

@inline
function real(place: usize): v128 {
  return v128.load32_splat(NUMBERS + place)
}

export function mix(left: i32, right: i32): i32 {
  let h = left ^ (right * TURN_FIRST)
  h = (h ^ (h >>> 16)) * TURN_SECOND
  h = (h ^ (h >>> 13)) * TURN_THIRD
  h ^= h >>> 16
  h = (h + MOVE) * TURN_FOURTH
  return h ^ (h >>> 15)
}

export function radiusKey(key: i32, counterHigh: i32): i32 {
  return mix(key, counterHigh ^ HIGH_WORD)
}

export function angleKey(radius: i32): i32 {
  return mix(radius, ANGLE_WORD)
}

/** Samples whose noise is drawn at once, and its bytes: of every eight the squared lengths, cosines and sines of four pairs. */
export const NOISE_ROWS: i32 = 256
export const NOISE_BYTES: usize = 48 * (256 / 8)
export const GROUP: usize = 48
export const COSINES: usize = 16
export const SINES: usize = 32

/**
 * Noise of up to `NOISE_ROWS` samples from `counter` on, a multiple of eight, left at `noise` [row / 8][length², cosine,
 * sine][4].
 *
 * Three short loops, since what is computed waits on what was before: in one long round the processor would see the
 * next one too late to work on both.
 */
export function drawNoise(noise: usize, radius: i32, angle: i32, counter: i32, rows: i32): void {
  const end = noise + (<usize>((rows + 7) >> 3)) * GROUP
  drawWords(noise, end, radius, angle, counter)
  squareLengths(noise, end)
  turn(noise, end)
}

/** One random word a pair, and its direction as a word: scrambled once more, so that nothing of it is the length's. */
function drawWords(noise: usize, end: usize, radius: i32, angle: i32, counter: i32): void {
  const second = bits(SECOND)
  const third = bits(THIRD)
  const fourth = bits(FOURTH)
  const offset = bits(OFFSET)
  const radiusLanes = i32x4.splat(radius)
  const angleLanes = i32x4.splat(angle)
  // Pairs of the eight counters from `counter` on: counter / 2 and the next three.
  let pairs = i32x4.mul(i32x4.add(i32x4.splat(counter >>> 1), v128.load(NEXT_PAIRS)), bits(FIRST))
  const next = i32x4.splat(4 * TURN_FIRST)
  for (; noise < end; noise += GROUP) {
    let h = v128.xor(radiusLanes, pairs)
    h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 16)), second)
    h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 13)), third)
    h = v128.xor(h, i32x4.shr_u(h, 16))
    h = i32x4.mul(i32x4.add(h, offset), fourth)
    const word = v128.xor(h, i32x4.shr_u(h, 15))
    v128.store(noise, word)
    h = i32x4.mul(v128.xor(word, angleLanes), second)
    v128.store(noise, i32x4.mul(v128.xor(h, i32x4.shr_u(h, 15)), third), COSINES)
    pairs = i32x4.add(pairs, next)
  }
}

/** Words become squares of lengths: −2 ln u, u in (0, 1]. */
function squareLengths(noise: usize, end: usize): void {
  const half = real(HALF)
  const rootHalf = bits(ROOT_HALF)
  const one = real(ONE)
  const log1 = real(LOG_1)
  const log3 = real(LOG_3)
  const log5 = real(LOG_5)
  const top = bits(TOP_OCTAVE)
  const octave = real(OCTAVE)
  for (; noise < end; noise += GROUP) {
    const u = f32x4.add(f32x4.convert_i32x4_s(i32x4.shr_u(v128.load(noise), 1)), half)
    // u · 2^31 = 2^exponent · m, with m between √½ and √2.
    const exponent = i32x4.shr_s(i32x4.sub(u, rootHalf), 23)
    const m = i32x4.sub(u, i32x4.shl(exponent, 23))
    const s = f32x4.div(f32x4.sub(m, one), f32x4.add(m, one))
    const z = f32x4.mul(s, s)
    const log = f32x4.add(f32x4.mul(z, f32x4.add(f32x4.mul(z, log5), log3)), log1)
    const octaves = f32x4.convert_i32x4_s(i32x4.sub(top, exponent))
    // Never negative: s < 0 makes the product positive, and s > 0 has at least one octave.
    v128.store(noise, f32x4.add(f32x4.mul(octaves, octave), f32x4.mul(s, log)))
  }
}

/** Directions become their cosines and sines: about the middle of a quarter turn, whose number is in the lowest bits. */
function turn(noise: usize, end: usize): void {
  const eighth = real(EIGHTH)
  const sine1 = real(SINE_1)
  const sine3 = real(SINE_3)
  const sine5 = real(SINE_5)
  const cosine0 = real(COSINE_0)
  const cosine2 = real(COSINE_2)
  const cosine4 = real(COSINE_4)
  const cosine6 = real(COSINE_6)
  const sign = bits(SIGN)
  for (; noise < end; noise += GROUP) {
    const direction = v128.load(noise, COSINES)
    const t = f32x4.mul(f32x4.convert_i32x4_s(direction), eighth)
    const z = f32x4.mul(t, t)
    const s = f32x4.mul(t, f32x4.add(f32x4.mul(z, f32x4.add(f32x4.mul(z, sine5), sine3)), sine1))
    let c = f32x4.add(f32x4.mul(z, cosine6), cosine4)
    c = f32x4.add(f32x4.mul(z, c), cosine2)
    c = f32x4.add(f32x4.mul(z, c), cosine0)
    v128.store(noise, v128.xor(f32x4.sub(c, s), i32x4.shl(direction, 31)), COSINES)
    v128.store(noise, v128.xor(f32x4.add(c, s), v128.and(i32x4.shl(direction, 30), sign)), SINES)
  }
}

/** `count` numbers of a stream from `counterLow` on; both are multiples of eight. */
export function normals(out: usize, count: i32, key: i32, counterLow: i32, counterHigh: i32, noise: usize): void {
  const radius = radiusKey(key, counterHigh)
  const angle = angleKey(radius)
  for (let first = 0; first < count; first += NOISE_ROWS) {
    const rows = min(NOISE_ROWS, count - first)
    drawNoise(noise, radius, angle, counterLow + first, rows)
    let at = noise
    for (const end = out + (<usize>rows << 2); out < end; out += 32, at += GROUP) {
      const length = f32x4.sqrt(v128.load(at))
      v128.store(out, f32x4.mul(length, v128.load(at, COSINES)))
      v128.store(out, f32x4.mul(length, v128.load(at, SINES)), 16)
    }
  }
}
