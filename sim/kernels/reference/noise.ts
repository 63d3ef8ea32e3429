import { mix } from '../../../core/random.ts'

const HIGH_WORD = 0x9e3779b9
const ANGLE_WORD = 0x85157af5
const f = Math.fround
const SINE = [1.5707952, -0.64592594, 0.07950065, -0.004371015].map(f) as [number, number, number, number]
const LOG = [-2, 1.0000225, -0.6664061, 0.49810919, -0.4082138, 0.37425658, -0.24548599].map(f)
const TWO_LN_2 = f(1.3862944)
const QUARTER = 2 ** -30

const bitsOf = new Int32Array(1)
const float = new Float32Array(bitsOf.buffer)

export const radiusKey = (key: number, counterHigh: number): number => mix(key, counterHigh ^ HIGH_WORD)
export const angleKey = (radius: number): number => mix(radius, ANGLE_WORD)

/** −2 ln u of a random word, u in (0, 1]. */
export function squaredLength(word: number): number {
  float[0] = f(word >>> 1) + f(0.5)
  const bits = bitsOf[0]!
  const exponent = (bits - 0x3f3504f3) >> 23
  bitsOf[0] = bits - (exponent << 23)
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

/** One random word a pair. */
export const wordOf = (radius: number, counter: number): number => mix(radius, pairOf(counter))

/** Cosine or sine, as the counter says, of the direction that goes with a word. */
export function along(angle: number, word: number, counter: number): number {
  const h = Math.imul(word ^ angle, 0x85ebca6b)
  const direction = Math.imul(h ^ (h >>> 15), 0xc2b2ae35)
  return sineOf((counter & 4) === 0 ? (direction + 2 ** 30) | 0 : direction)
}

/** One standard normal number of the stream `key`, by Box and Muller. */
export function normal(key: number, counterLow: number, counterHigh: number): number {
  const radius = radiusKey(key, counterHigh)
  const word = wordOf(radius, counterLow)
  return f(f(Math.sqrt(squaredLength(word))) * along(angleKey(radius), word, counterLow))
}

export function normals(out: Float32Array, count: number, key: number, counterLow: number, counterHigh: number): void {
  for (let i = 0; i < count; i++) out[i] = normal(key, (counterLow + i) | 0, counterHigh)
}
