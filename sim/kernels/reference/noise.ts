import { mix } from '../../../core/random.ts'

const HIGH_WORD = 0x9e3779b9
const ANGLE_WORD = 0x85157af5
const f = Math.fround
const SINE = [1.5707952, -0.64592594, 0.07950065, -0.004371015].map(f) as [number, number, number, number]
const LOG = [-2, 1.0000225, -0.6664061, 0.49810919, -0.4082138, 0.37425658, -0.24548599].map(f)
const TWO_LN_2 = f(1.3862944)
const QUARTER = 2 ** -30

const word = new Int32Array(1)
const float = new Float32Array(word.buffer)

export const radiusKey = (key: number, counterHigh: number): number => mix(key, counterHigh ^ HIGH_WORD)
export const angleKey = (radius: number): number => mix(radius, ANGLE_WORD)

/** −2 ln u of a random word, u in (0, 1]. */
export function squaredLength(radius: number, pair: number): number {
  float[0] = f(mix(radius, pair) >>> 1) + f(0.5)
  const bits = word[0]!
  const exponent = (bits - 0x3f3504f3) >> 23
  word[0] = bits - (exponent << 23)
  const x = f(float[0] - 1)
  let log = LOG[6]!
  for (let power = 5; power >= 0; power--) log = f(f(x * log) + LOG[power]!)
  return f(f((31 - exponent) * TWO_LN_2) + f(x * log))
}

/** Sine of a direction; a whole turn is 2^32. */
export function sineOf(direction: number): number {
  const beyond = (direction ^ (direction << 1)) >> 31
  const t = f(f(direction ^ (beyond & 0x7fffffff)) * QUARTER)
  const z = f(t * t)
  const inner = f(f(z * f(f(z * SINE[3]) + SINE[2])) + SINE[1])
  return f(t * f(f(z * inner) + SINE[0]))
}

/** Which pair a counter belongs to: groups of eight hold four pairs, their cosines before their sines. */
export const pairOf = (counter: number): number => ((counter >>> 1) & ~3) | (counter & 3)

/** Cosine or sine of a counter's pair. */
export function along(angle: number, counter: number): number {
  const direction = mix(angle, pairOf(counter))
  return sineOf((counter & 4) === 0 ? (direction + 2 ** 30) | 0 : direction)
}

/** One standard normal number of the stream `key`, by Box and Muller. */
export function normal(key: number, counterLow: number, counterHigh: number): number {
  const radius = radiusKey(key, counterHigh)
  return f(f(Math.sqrt(squaredLength(radius, pairOf(counterLow)))) * along(angleKey(radius), counterLow))
}

export function normals(out: Float32Array, count: number, key: number, counterLow: number, counterHigh: number): void {
  for (let i = 0; i < count; i++) out[i] = normal(key, (counterLow + i) | 0, counterHigh)
}
