import type { PortCorrections } from './port-corrections.ts'

/** Both quadratures of a matrix as it is seen behind the local oscillators. Shapes: [output, input]. */
export interface SeenMatrix {
  /** What is detected. */
  readonly along: Float64Array
  /** What would be with the local oscillators a quarter turn on. */
  readonly across: Float64Array
}

/** How far a port's field may be from what a calibration knew, relative, one standard deviation: a day. Assumption. */
const CHANGE = 0.3

/** What its ports have done to a matrix, and what is left of it without that. */
export interface FoundPorts {
  readonly ports: PortCorrections
  /** [output, input] what is detected once the ports are corrected, mean of all lanes. */
  readonly along: Float64Array
}

/**
 * Turn and gain of each output of each lane: the factor that brings a row as it is expected nearest to what is shown.
 *
 * `shown`: [lane], each element off by `noise`, standard deviation.
 */
export function findPorts(expected: SeenMatrix, shown: readonly SeenMatrix[], noise: number): FoundPorts {
  const size = Math.sqrt(expected.along.length)
  const turnRad = new Float64Array(shown.length * size)
  const logGain = new Float64Array(shown.length * size)
  const along = new Float64Array(expected.along.length)
  for (const [lane, { along: re, across: im }] of shown.entries()) {
    for (let output = 0; output < size; output++) {
      const from = output * size
      // A row that is expected to show nothing tells nothing.
      let [sum, dot, cross] = [(noise / CHANGE) ** 2, (noise / CHANGE) ** 2, 0]
      for (let at = from; at < from + size; at++) {
        const [er, ei] = [expected.along[at]!, expected.across[at]!]
        sum += er * er + ei * ei
        dot += re[at]! * er + im[at]! * ei
        cross += re[at]! * ei - im[at]! * er
      }
      const turn = sum > 0 ? Math.atan2(cross, dot) : 0
      const gain = sum > 0 ? Math.hypot(cross, dot) / sum : 1
      turnRad[lane * size + output] = turn
      logGain[lane * size + output] = Math.log(gain)
      const [c, s] = [Math.cos(turn) / gain, Math.sin(turn) / gain]
      for (let at = from; at < from + size; at++) along[at]! += (c * re[at]! - s * im[at]!) / shown.length
    }
  }
  return { ports: { turnRad, logGain }, along }
}
