import { mix } from '../../../core/random.ts'

const HIGH_WORD = 0x9e3779b9
const ANGLE_WORD = 0x85157af5
const f = Math.fround
const LOG = [-4.0000005, -1.3330438, -0.8259495].map(f) as [number, number, number]
const TWO_LN_2 = f(1.3862944)
const SINE = [0.5553576, -0.057073414, 0.0017162231].map(f) as [number, number, number]
const COSINE = [0.70710677, -0.21808888, 0.011207582, -0.00022548255].map(f) as [number, number, number, number]
const EIGHTH = 2 ** -31

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
  const m = float[0]
  const x = f(f(m - 1) / f(m + 1))
  const z = f(x * x)
  const log = f(f(z * f(f(z * LOG[2]) + LOG[1])) + LOG[0])
  return f(f((31 - exponent) * TWO_LN_2) + f(x * log))
}

/**
 * Cosine and sine of a direction: its lowest two bits say which quarter turn, all of it where from the middle of that one,
 * as far as 2^31 to either end.
 */
export function cosineAndSine(direction: number): readonly [cosine: number, sine: number] {
  const t = f(f(direction) * EIGHTH)
  const z = f(t * t)
  const s = f(t * f(f(z * f(f(z * SINE[2]) + SINE[1])) + SINE[0]))
  const inner = f(f(z * f(f(z * COSINE[3]) + COSINE[2])) + COSINE[1])
  const c = f(f(z * inner) + COSINE[0])
  return [(direction & 1) === 0 ? f(c - s) : -f(c - s), (direction & 2) === 0 ? f(c + s) : -f(c + s)]
}

/** Which pair a counter belongs to: groups of eight hold four pairs, their cosines before their sines. */
export const pairOf = (counter: number): number => ((counter >>> 1) & ~3) | (counter & 3)

/** One random word a pair. */
export const wordOf = (radius: number, counter: number): number => mix(radius, pairOf(counter))

/** Cosine or sine, as the counter says, of the direction that goes with a word. */
export function along(angle: number, word: number, counter: number): number {
  const h = Math.imul(word ^ angle, 0x85ebca6b)
  const direction = Math.imul(h ^ (h >>> 15), 0xc2b2ae35)
  const [cosine, sine] = cosineAndSine(direction)
  return (counter & 4) === 0 ? cosine : sine
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
