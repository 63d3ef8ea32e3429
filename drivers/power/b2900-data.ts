import { BenchError } from '../../core/errors.ts'
import type { SourceSweepReadings } from '../../core/instruments.ts'
import { unexpected } from '../protocols/scpi.ts'

export const BYTES_PER_POINT = 24
/** Stand-ins for infinity and for what is no number begin here. */
const NO_READING = 9.9e37
/** Either bit: one for each quantity that can be held at its limit. */
const LIMITED = 0b110
const OVER_RANGE = 1 << 13
const MOST_STATUS = 0x1f_ffff

/**
 * Voltage, current and status of each point, as big-endian 64-bit floats.
 *
 * Throws: PROTOCOL_UNEXPECTED_REPLY on another length, on what is no number and on a status that is none;
 * RANGE_EXCEEDED for a point beyond its range.
 */
export function decodeB2900(
  payload: Uint8Array,
  points: number,
  at: { readonly instrument: string; readonly channel: number },
): SourceSweepReadings {
  if (payload.length !== points * BYTES_PER_POINT) {
    throw unexpected(`${points * BYTES_PER_POINT} bytes (${payload.length} came)`, payload)
  }
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  const voltagesV = new Float64Array(points)
  const currentsA = new Float64Array(points)
  const limited = new Uint8Array(points)
  for (let point = 0; point < points; point++) {
    const offset = point * BYTES_PER_POINT
    const [voltageV, currentA, status] = [0, 8, 16].map((from) => view.getFloat64(offset + from)) as [
      number,
      number,
      number,
    ]
    const isStatus = Number.isInteger(status) && status >= 0 && status <= MOST_STATUS
    if (Number.isNaN(voltageV) || Number.isNaN(currentA) || !isStatus) {
      throw unexpected('voltage, current and status', payload.subarray(offset, offset + BYTES_PER_POINT))
    }
    const outside = Math.abs(voltageV) >= NO_READING || Math.abs(currentA) >= NO_READING
    if (outside || (status & OVER_RANGE) !== 0) {
      throw new BenchError(
        'RANGE_EXCEEDED',
        `${at.instrument} channel ${at.channel + 1}, point ${point}: the reading is beyond its range; choose a larger one`,
        { context: { ...at, point, voltageV: String(voltageV), currentA: String(currentA), status } },
      )
    }
    voltagesV[point] = voltageV
    currentsA[point] = currentA
    limited[point] = (status & LIMITED) === 0 ? 0 : 1
  }
  return { voltagesV, currentsA, limited }
}
