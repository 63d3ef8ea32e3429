// Counter-based normal numbers, eight at a time. The same operations in the same order as ../reference/noise.ts.

const TURN_FIRST: i32 = 0xcc9e2d51
const TURN_SECOND: i32 = 0x85ebca6b
const TURN_THIRD: i32 = 0xc2b2ae35
const TURN_FOURTH: i32 = 0x846ca68b
const OFFSET: i32 = 0x7ed55d16
const HIGH_WORD: i32 = 0x9e3779b9
const ANGLE_WORD: i32 = 0x85157af5

/** Of sin(π/2 · t), odd powers of t; within 1.2e-6 of it for |t| ≤ 1, which is a quarter turn or 2^30. */
const SINE_1: f32 = 1.5707952
const SINE_3: f32 = -0.64592594
const SINE_5: f32 = 0.07950065
const SINE_7: f32 = -0.004371015
const QUARTER: f32 = 9.313225746154785e-10

export function mix(left: i32, right: i32): i32 {
  let h = left ^ (right * TURN_FIRST)
  h = (h ^ (h >>> 16)) * TURN_SECOND
  h = (h ^ (h >>> 13)) * TURN_THIRD
  h ^= h >>> 16
  h = (h + OFFSET) * TURN_FOURTH
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
  h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 16)), i32x4.splat(TURN_SECOND))
  h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 13)), i32x4.splat(TURN_THIRD))
  h = v128.xor(h, i32x4.shr_u(h, 16))
  h = i32x4.mul(i32x4.add(h, i32x4.splat(OFFSET)), i32x4.splat(TURN_FOURTH))
  return v128.xor(h, i32x4.shr_u(h, 15))
}

/** The pairs of the eight counters from `counter` on, a multiple of eight: counter / 2 and the next three. */
@inline
export function pairsOf(counter: i32): v128 {
  return i32x4.mul(i32x4.add(i32x4.splat(counter >>> 1), i32x4(0, 1, 2, 3)), i32x4.splat(TURN_FIRST))
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
  const h = i32x4.mul(v128.xor(word, angle), i32x4.splat(TURN_SECOND))
  return i32x4.mul(v128.xor(h, i32x4.shr_u(h, 15)), i32x4.splat(TURN_THIRD))
}

/** Square of the length of four pairs: −2 ln u, u in (0, 1]. */
@inline
export function squaredLength(word: v128): v128 {
  const u = f32x4.add(f32x4.convert_i32x4_s(i32x4.shr_u(word, 1)), f32x4.splat(0.5))
  // u · 2^31 = 2^exponent · (1 + f), with 1 + f between √½ and √2.
  const exponent = i32x4.shr_s(i32x4.sub(u, i32x4.splat(0x3f3504f3)), 23)
  const f = f32x4.sub(i32x4.sub(u, i32x4.shl(exponent, 23)), f32x4.splat(1))
  let log = f32x4.add(f32x4.mul(f, f32x4.splat(-0.24548599)), f32x4.splat(0.37425658))
  log = f32x4.add(f32x4.mul(f, log), f32x4.splat(-0.4082138))
  log = f32x4.add(f32x4.mul(f, log), f32x4.splat(0.49810919))
  log = f32x4.add(f32x4.mul(f, log), f32x4.splat(-0.6664061))
  log = f32x4.add(f32x4.mul(f, log), f32x4.splat(1.0000225))
  log = f32x4.add(f32x4.mul(f, log), f32x4.splat(-2))
  const octaves = f32x4.convert_i32x4_s(i32x4.sub(i32x4.splat(31), exponent))
  // Never negative: f < 0 makes the product positive, and f > 0 has at least one octave.
  return f32x4.add(f32x4.mul(octaves, f32x4.splat(1.3862944)), f32x4.mul(f, log))
}

/** Sine of a direction. Folded at the quarter turns, where the sine has its mirrors. */
@inline
export function sineOf(direction: v128): v128 {
  const beyond = i32x4.shr_s(v128.xor(direction, i32x4.shl(direction, 1)), 31)
  const folded = v128.xor(direction, v128.and(beyond, i32x4.splat(0x7fffffff)))
  const t = f32x4.mul(f32x4.convert_i32x4_s(folded), f32x4.splat(QUARTER))
  const z = f32x4.mul(t, t)
  let sine = f32x4.add(f32x4.mul(z, f32x4.splat(SINE_7)), f32x4.splat(SINE_5))
  sine = f32x4.add(f32x4.mul(z, sine), f32x4.splat(SINE_3))
  return f32x4.mul(t, f32x4.add(f32x4.mul(z, sine), f32x4.splat(SINE_1)))
}

@inline
export function cosineOf(direction: v128): v128 {
  return sineOf(i32x4.add(direction, i32x4.splat(1 << 30)))
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
