import { BenchError } from '../../core/errors.ts'
import { ModbusClient, withChecksum } from './modbus-client.ts'
import type { RawWire } from './session-options.ts'

/** A line with this much on it that nobody asked for is not a Modbus line. */
const MAX_STRAY_CHUNKS = 256
/** Exceptions with which a unit may answer a loopback: function, address, value, failure. */
const REFUSALS = [1, 2, 3, 4]

/**
 * How a serial line gets rid of the reply to a question that was given up. RTU frames carry no number, so silence
 * alone does not tell: a reply that comes after the silence would answer the next question.
 *
 * Waits until the line is quiet, then sends a loopback (function 08) with a word not used before on this link and
 * drops everything until it comes back. A unit answers in order: what was asked earlier cannot follow. A unit that
 * refuses function 08 has answered, too.
 *
 * Throws: TRANSPORT_TIMEOUT when the loopback does not come back; the line stays suspect.
 */
export function resynchroniseRtu(
  unit: number,
  timeoutMs: number,
  silenceMs: number,
): (raw: RawWire, signal: AbortSignal) => Promise<void> {
  // A client of its own: the exchange that waits for the line to be clear is already begun on the other.
  const client = new ModbusClient(unit)
  const refusals = REFUSALS.map((code) => Buffer.from(withChecksum(Uint8Array.of(unit, 0x88, code))))
  let word = 0
  return async (raw, signal) => {
    await waitForSilence(raw, silenceMs, signal)
    word = (word + 1) % 0x1_0000
    const loopback = Buffer.from(client.loopbackRequest(word))
    const answers = [loopback, ...refusals]
    await raw.write(loopback, signal)
    let received = Buffer.alloc(0)
    for (let chunk = 0; !answers.some((answer) => received.includes(answer)); chunk++) {
      const bytes = chunk < MAX_STRAY_CHUNKS ? await raw.nextBytes(timeoutMs, signal) : undefined
      if (bytes === undefined) throw noEcho(raw, loopback, received, timeoutMs)
      received = Buffer.concat([received, bytes])
    }
    // The next request must not follow the echo more closely than any other reply.
    await waitForSilence(raw, silenceMs, signal)
  }
}

async function waitForSilence(raw: RawWire, silenceMs: number, signal: AbortSignal): Promise<void> {
  for (let chunk = 0; chunk < MAX_STRAY_CHUNKS; chunk++) {
    if ((await raw.nextBytes(silenceMs, signal)) === undefined) return
  }
  throw new BenchError('TRANSPORT_TIMEOUT', `${raw.transport.resource}: the line is never quiet for ${silenceMs} ms`)
}

function noEcho(raw: RawWire, loopback: Buffer, received: Buffer, timeoutMs: number): BenchError {
  const { resource } = raw.transport
  return new BenchError(
    'TRANSPORT_TIMEOUT',
    `${resource}: no loopback within ${timeoutMs} ms, the line stays suspect`,
    {
      context: {
        resource,
        request: loopback.toString('hex'),
        received: received.subarray(0, 64).toString('hex'),
        timeoutMs,
      },
    },
  )
}
