import { readFileSync } from 'node:fs'
import { z } from 'zod'

const exchange = z.strictObject({
  meaning: z.string(),
  /** Document, section or public code where these bytes were read. */
  source: z.string(),
  /** Bytes as hex pairs, or as text with \n and \r written out. Exactly one of each pair of fields. */
  sentHex: z.string().optional(),
  sentText: z.string().optional(),
  replyHex: z.string().optional(),
  replyText: z.string().optional(),
})

export interface VectorExchange {
  readonly meaning: string
  readonly sent: Uint8Array
  /** Empty when the instrument stays silent. */
  readonly reply: Uint8Array
}

/** Byte sequences that driver and simulated instrument share: `test/vectors/<name>.json`, each with its source. */
export function readVectors(name: string): readonly VectorExchange[] {
  const path = new URL(`../vectors/${name}.json`, import.meta.url)
  return z
    .array(exchange)
    .parse(JSON.parse(readFileSync(path, 'utf8')))
    .map(({ meaning, sentHex, sentText, replyHex, replyText }) => ({
      meaning,
      sent: bytes(sentHex, sentText),
      reply: bytes(replyHex, replyText),
    }))
}

function bytes(hex: string | undefined, text: string | undefined): Uint8Array {
  if (hex !== undefined) return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
  return Uint8Array.from(Buffer.from(text ?? '', 'latin1'))
}
