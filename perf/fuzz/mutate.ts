import type { RandomStream } from '../../core/random.ts'

const LONGEST = 512
/** Bytes at which decoders turn: signs, separators, ends, lengths. */
const TURNING_POINTS = [
  0x00, 0x01, 0x06, 0x0a, 0x0d, 0x20, 0x22, 0x23, 0x2c, 0x30, 0x39, 0x3a, 0x3b, 0x3f, 0x7f, 0x80, 0xff,
]

/** Valid bytes, damaged one to four times over. */
export function mutated(valid: readonly Uint8Array[], random: RandomStream): Uint8Array {
  const below = (limit: number): number => Math.floor(random.uniform(0, limit))
  const one = (): Uint8Array => valid[below(valid.length)] ?? new Uint8Array(0)
  let bytes = one().slice()
  for (let times = 1 + below(4); times > 0; times--) bytes = damaged(bytes, one(), below)
  return bytes.subarray(0, LONGEST)
}

function damaged(bytes: Uint8Array, other: Uint8Array, below: (limit: number) => number): Uint8Array<ArrayBuffer> {
  const at = below(bytes.length + 1)
  const [before, behind] = [bytes.subarray(0, at), bytes.subarray(at)]
  const joined = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.concat(parts))
  switch (below(7)) {
    case 0: {
      const copy = bytes.slice()
      if (copy.length > 0) copy[at % copy.length]! ^= 1 << below(8)
      return copy
    }
    case 1:
      return joined(before)
    case 2:
      return joined(before, behind.subarray(below(behind.length + 1)))
    case 3:
      return joined(before, Uint8Array.of(TURNING_POINTS[below(TURNING_POINTS.length)]!), behind)
    case 4:
      return joined(
        before,
        Uint8Array.from({ length: 1 + below(16) }, () => below(256)),
        behind,
      )
    case 5:
      return joined(before, other, behind)
    default:
      return joined(bytes, bytes)
  }
}
