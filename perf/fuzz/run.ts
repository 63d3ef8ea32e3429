import { readFile } from 'node:fs/promises'
import { isBenchError } from '../../core/errors.ts'
import { RandomStream } from '../../core/random.ts'
import type { FuzzedCodec } from './codec.ts'
import { mutated } from './mutate.ts'

/** More than any message that these inputs can begin; a decoder that holds back more grows without bound. */
const MOST_HELD_BYTES = 131_072
/** A piece is 512 bytes at most: whoever thinks about it for this long does not end. */
const LONGEST_MS = 5_000
/** Pieces that one decoder gets before a fresh one takes over. */
const PIECES_A_DECODER = 64

interface Vector {
  readonly sentHex?: string
  readonly sentText?: string
  readonly replyHex?: string
  readonly replyText?: string
}

export interface FuzzOutcome {
  readonly inputs: number
  /** Inputs refused with a typed error. */
  readonly refused: number
  /** Each with the seed and the number of its input. */
  readonly crashes: readonly string[]
  readonly stalls: readonly string[]
  readonly mostHeldBytes: number
}

/** Feeds one codec so many damaged messages. The same seed gives the same bytes. Throws where there are none to damage. */
export async function fuzz(codec: FuzzedCodec, seed: number, inputs: number): Promise<FuzzOutcome> {
  const random = new RandomStream(seed, `fuzz/${codec.name}`)
  const valid = (await Promise.all(codec.vectors.map((name) => validBytes(name, codec.direction)))).flat()
  if (valid.length === 0) throw new Error(`${codec.name}: its vectors hold nothing ${codec.direction} to damage`)
  let feed = codec.begin()
  let [refused, mostHeldBytes] = [0, 0]
  const crashes: string[] = []
  const stalls: string[] = []
  for (let input = 0; input < inputs; input++) {
    if (input % PIECES_A_DECODER === 0) {
      feed = codec.begin()
      // Asynchronous answers of the one before come to their end.
      await new Promise((resolve) => setImmediate(resolve))
    }
    const piece = mutated(valid, random)
    const where = `${codec.name}, seed ${seed}, input ${input}: ${Buffer.from(piece).toString('hex')}`
    const startMs = performance.now()
    try {
      mostHeldBytes = Math.max(mostHeldBytes, feed(piece))
    } catch (error) {
      if (isBenchError(error)) refused++
      else crashes.push(`${where}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
    if (performance.now() - startMs > LONGEST_MS || mostHeldBytes > MOST_HELD_BYTES) stalls.push(where)
  }
  return { inputs, refused, crashes, stalls, mostHeldBytes }
}

async function validBytes(name: string, direction: FuzzedCodec['direction']): Promise<readonly Uint8Array[]> {
  const vectors = JSON.parse(await readFile(`test/vectors/${name}.json`, 'utf8')) as readonly Vector[]
  return vectors
    .map((vector) => {
      const hex = direction === 'sent' ? vector.sentHex : vector.replyHex
      const text = direction === 'sent' ? vector.sentText : vector.replyText
      return Buffer.from(hex?.replaceAll(' ', '') ?? text ?? '', hex === undefined ? 'latin1' : 'hex')
    })
    .filter(({ length }) => length > 0)
}
