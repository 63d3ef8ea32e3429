/** What every service request holds: call, RPC version, program, version, procedure. */
const SERVICE_REQUEST = Buffer.from('00000000 00000002 000607b1 00000001 0000001e'.replaceAll(' ', ''), 'hex')

/**
 * Counts service requests in a byte stream, in any pieces.
 *
 * They say nothing but that they came, and some instruments leave the last four bytes out that they announce: what
 * is between them is not looked at, so that none is missed after one that was cut short.
 */
export class ServiceRequestFinder {
  #rest: Uint8Array = Buffer.alloc(0)

  push(bytes: Uint8Array): number {
    const stream = Buffer.concat([this.#rest, bytes])
    let [found, after] = [0, 0]
    for (let at = stream.indexOf(SERVICE_REQUEST); at >= 0; at = stream.indexOf(SERVICE_REQUEST, after)) {
      found++
      after = at + SERVICE_REQUEST.length
    }
    this.#rest = stream.subarray(Math.max(after, stream.length - SERVICE_REQUEST.length + 1))
    return found
  }
}
