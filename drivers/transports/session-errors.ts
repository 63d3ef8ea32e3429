import { BenchError } from '../../core/errors.ts'

export function aborted(resource: string, signal: AbortSignal): BenchError {
  return new BenchError('TRANSPORT_ABORTED', `${resource}: given up while waiting`, { cause: signal.reason })
}

export function timedOut(resource: string, timeoutMs: number, context: Readonly<Record<string, unknown>>): BenchError {
  return new BenchError('TRANSPORT_TIMEOUT', `${resource}: no complete reply within ${timeoutMs} ms`, {
    context: { resource, timeoutMs, ...context },
  })
}

export function stalled(resource: string, request: Uint8Array, timeoutMs: number): BenchError {
  const shown = printable(request.subarray(0, 64))
  return new BenchError('TRANSPORT_TIMEOUT', `${resource}: the wire does not take ${shown} within ${timeoutMs} ms`, {
    context: { resource, request: shown, bytes: request.length, timeoutMs },
  })
}

export function cutShort(resource: string, received: Uint8Array): BenchError {
  const shown = printable(received.subarray(0, 64))
  return new BenchError('PROTOCOL_UNEXPECTED_REPLY', `${resource}: the reply ended before it was complete: ${shown}`, {
    context: { resource, received: shown },
  })
}

/** Text where it is text, hex pairs where it is not. */
export function printable(bytes: Uint8Array): string {
  const latin = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  return /^[\x20-\x7e\r\n]*$/.test(latin) ? JSON.stringify(latin) : Buffer.from(bytes).toString('hex')
}
