import type { Framer } from '../../drivers/protocols/framer.ts'

/** One side of one protocol. */
export interface FuzzedCodec {
  readonly name: string
  /** Files of test/vectors that hold valid bytes for it. */
  readonly vectors: readonly string[]
  readonly direction: 'sent' | 'reply'
  /** A fresh decoder; it may throw BenchErrors, and nothing else. Returns how many bytes it holds back. */
  begin(): (piece: Uint8Array) => number
}

/** As a session does it: what is left over waits for the next piece, and an error throws it all away. */
export function framed(name: string, vectors: readonly string[], framer: () => Framer<unknown>): FuzzedCodec {
  return {
    name,
    vectors,
    direction: 'reply',
    begin: () => {
      let waiting = Buffer.alloc(0)
      const frame = framer()
      return (piece) => {
        waiting = Buffer.concat([waiting, piece])
        try {
          for (let cut = frame(waiting); cut !== undefined && cut.used > 0; cut = frame(waiting)) {
            waiting = waiting.subarray(cut.used)
          }
        } catch (error) {
          waiting = Buffer.alloc(0)
          throw error
        }
        return waiting.length
      }
    },
  }
}

/** Datagrams and transfers one by one, or a stream to a reader, which ends with an error as its connection does. */
export function fed(
  name: string,
  vectors: readonly string[],
  direction: FuzzedCodec['direction'],
  begin: () => (piece: Buffer) => void,
): FuzzedCodec {
  return {
    name,
    vectors,
    direction,
    begin: () => {
      let take = begin()
      return (piece) => {
        try {
          take(Buffer.from(piece))
        } catch (error) {
          take = begin()
          throw error
        }
        return 0
      }
    },
  }
}
