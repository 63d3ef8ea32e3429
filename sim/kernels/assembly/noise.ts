// Counter-based normal numbers, eight at a time. The same operations in the same order as ../reference/noise.ts.

const TURN_FIRST: i32 = 0xcc9e2d51
const TURN_SECOND: i32 = 0x85ebca6b
const TURN_THIRD: i32 = 0xc2b2ae35
const TURN_FOURTH: i32 = 0x846ca68b
const MOVE: i32 = 0x7ed55d16
const HIGH_WORD: i32 = 0x9e3779b9
const ANGLE_WORD: i32 = 0x85157af5

// Constants of the loops lie in memory: a load of four lanes is one instruction, where V8 builds four lanes of a number
// that stands in the code with three, in each round of a loop.
const WORDS: usize = memory.data<i32>([
  TURN_FIRST, TURN_SECOND, TURN_THIRD, TURN_FOURTH, MOVE, 0x3f3504f3, 31, 0x7fffffff, 0x40000000,
])
const FIRST: usize = 0
const SECOND: usize = 4
const THIRD: usize = 8
const FOURTH: usize = 12
const OFFSET: usize = 16
const ROOT_HALF: usize = 20
const TOP_OCTAVE: usize = 24
const MAGNITUDE: usize = 28
const QUARTER_TURN: usize = 32
const NEXT_PAIRS: usize = memory.data<i32>([0, 1, 2, 3], 16)

/**
 * Of sin(π/2 · t), odd powers of t; within 1.2e-6 of it for |t| ≤ 1, which is a quarter turn or 2^30.
 * Of −2 ln(1 + f), powers of f; −2 ln ½.
 */
const NUMBERS: usize = memory.data<f32>([
  1.5707952, -0.64592594, 0.07950065, -0.004371015, 9.313225746154785e-10, -0.24548599, 0.37425658, -0.4082138,
  0.49810919, -0.6664061, 1.0000225, -2, 1.3862944, 0.5, 1,
])
const SINE_1: usize = 0
const SINE_3: usize = 4
const SINE_5: usize = 8
const SINE_7: usize = 12
const QUARTER: usize = 16
const LOG_7: usize = 20
const LOG_6: usize = 24
const LOG_5: usize = 28
const LOG_4: usize = 32
const LOG_3: usize = 36
const LOG_2: usize = 40
const LOG_1: usize = 44
const OCTAVE: usize = 48
const HALF: usize = 52
const ONE: usize = 56

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

@inline
function mixLanes(key: v128, turned: v128): v128 {
  let h = v128.xor(key, turned)
  h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 16)), bits(SECOND))
  h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 13)), bits(THIRD))
  h = v128.xor(h, i32x4.shr_u(h, 16))
  h = i32x4.mul(i32x4.add(h, bits(OFFSET)), bits(FOURTH))
  return v128.xor(h, i32x4.shr_u(h, 15))
}

/** The pairs of the eight counters from `counter` on, a multiple of eight: counter / 2 and the next three. */
@inline
export function pairsOf(counter: i32): v128 {
  return i32x4.mul(i32x4.add(i32x4.splat(counter >>> 1), v128.load(NEXT_PAIRS)), bits(FIRST))
}

/** One random word a pair. */
@inline
export function words(radius: v128, pairs: v128): v128 {
  return mixLanes(radius, pairs)
}

/**
 * Direction that goes with a word, as a word: a whole turn is 2^32. Scrambled once more, so that nothing of it is the
 * length's.
 */
@inline
export function directions(angle: v128, word: v128): v128 {
  const h = i32x4.mul(v128.xor(word, angle), bits(SECOND))
  return i32x4.mul(v128.xor(h, i32x4.shr_u(h, 15)), bits(THIRD))
}

/** Square of the length of four pairs: −2 ln u, u in (0, 1]. */
@inline
export function squaredLength(word: v128): v128 {
  const u = f32x4.add(f32x4.convert_i32x4_s(i32x4.shr_u(word, 1)), real(HALF))
  // u · 2^31 = 2^exponent · (1 + f), with 1 + f between √½ and √2.
  const exponent = i32x4.shr_s(i32x4.sub(u, bits(ROOT_HALF)), 23)
  const f = f32x4.sub(i32x4.sub(u, i32x4.shl(exponent, 23)), real(ONE))
  let log = f32x4.add(f32x4.mul(f, real(LOG_7)), real(LOG_6))
  log = f32x4.add(f32x4.mul(f, log), real(LOG_5))
  log = f32x4.add(f32x4.mul(f, log), real(LOG_4))
  log = f32x4.add(f32x4.mul(f, log), real(LOG_3))
  log = f32x4.add(f32x4.mul(f, log), real(LOG_2))
  log = f32x4.add(f32x4.mul(f, log), real(LOG_1))
  const octaves = f32x4.convert_i32x4_s(i32x4.sub(bits(TOP_OCTAVE), exponent))
  // Never negative: f < 0 makes the product positive, and f > 0 has at least one octave.
  return f32x4.add(f32x4.mul(octaves, real(OCTAVE)), f32x4.mul(f, log))
}

/** Sine of a direction. Folded at the quarter turns, where the sine has its mirrors. */
@inline
export function sineOf(direction: v128): v128 {
  const beyond = i32x4.shr_s(v128.xor(direction, i32x4.shl(direction, 1)), 31)
  const folded = v128.xor(direction, v128.and(beyond, bits(MAGNITUDE)))
  const t = f32x4.mul(f32x4.convert_i32x4_s(folded), real(QUARTER))
  const z = f32x4.mul(t, t)
  let sine = f32x4.add(f32x4.mul(z, real(SINE_7)), real(SINE_5))
  sine = f32x4.add(f32x4.mul(z, sine), real(SINE_3))
  return f32x4.mul(t, f32x4.add(f32x4.mul(z, sine), real(SINE_1)))
}

@inline
export function cosineOf(direction: v128): v128 {
  return sineOf(i32x4.add(direction, bits(QUARTER_TURN)))
}

/** `count` numbers of a stream from `counterLow` on; both are multiples of eight. */
export function normals(out: usize, count: i32, key: i32, counterLow: i32, counterHigh: i32): void {
  const radius = radiusKey(key, counterHigh)
  const radiusLanes = i32x4.splat(radius)
  const angleLanes = i32x4.splat(angleKey(radius))
  for (let i = 0; i < count; i += 8, out += 32) {
    const pairs = pairsOf(counterLow + i)
    const word = words(radiusLanes, pairs)
    const length = f32x4.sqrt(squaredLength(word))
    const direction = directions(angleLanes, word)
    v128.store(out, f32x4.mul(length, cosineOf(direction)))
    v128.store(out, f32x4.mul(length, sineOf(direction)), 16)
  }
}
