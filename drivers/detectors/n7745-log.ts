import { unexpected } from '../protocols/scpi.ts'

/** Bytes of one point on the wire. */
export const BYTES_PER_POINT = 4

/** Little-endian 32-bit floats, as many as the log has points. Small negative ones around dark are readings too. */
export function decodeW(n: number, payload: Uint8Array, log: Float64Array): void {
  const bytes = log.length * BYTES_PER_POINT
  if (payload.length !== bytes) throw unexpected(`${bytes} bytes from port ${n} (${payload.length} came)`, payload)
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  for (let point = 0; point < log.length; point++) log[point] = view.getFloat32(point * BYTES_PER_POINT, true)
}

/** Records take turns, the first one in A. */
export const bufferOf = (record: number): string => (record % 2 === 1 ? 'RES:BUFA' : 'RES:BUFB')
