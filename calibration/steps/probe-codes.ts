import type { MeshBench } from '../../core/mesh-bench.ts'
import type { FrameCodes, FrameReading } from '../../orchestrator/frames/frame-runner.ts'
import type { MeshCalibration } from '../calibration-record.ts'
import { balancedSignals } from '../calibration-record.ts'
import { probePatterns } from './probe-patterns.ts'

/** Near full field on any modulator that fits the generator, calibrated or not. */
export const PROBE_CODE = 110

/**
 * A frame that shows every input: all of them lit in every symbol, at +code or −code by the rows of a Hadamard matrix.
 *
 * One more column of the matrix is all +1 and no input's: what every symbol carries alike, dark, leaks and offsets,
 * falls out. Against one input after the other each element is read from all symbols at once, with √N less noise.
 *
 * Source: Hadamard multiplexing, Harwit and Sloane, Hadamard Transform Optics (1979).
 */
export function probeCodes(bench: MeshBench, code: (lane: number, port: number) => number): FrameCodes {
  const { size } = bench.layout
  const patterns = probePatterns(size)
  return bench.lanes.map((_, lane) =>
    Array.from({ length: size }, (_, port) => Int8Array.from(patterns[port]!, (sign) => sign * code(lane, port))),
  )
}

/**
 * One quadrature of the transfer matrix of each lane, from a reading of `probeCodes`.
 *
 * Shape: [lane] of [output, input], row-major. Units: mW of balanced signal for a full field.
 */
export function probedMatrix(
  reading: FrameReading,
  detectors: MeshCalibration['detectors'],
  fieldStep: (lane: number, port: number) => number,
): Float64Array[] {
  return reading.plusMw.map((outputs, lane) => {
    const size = outputs.length
    const patterns = probePatterns(size)
    const matrix = new Float64Array(size * size)
    for (let output = 0; output < size; output++) {
      const signals = balancedSignals(detectors, lane, output, reading)
      for (let input = 0; input < size; input++) {
        const pattern = patterns[input]!
        let sum = 0
        for (let symbol = 0; symbol < signals.length; symbol++) sum += pattern[symbol]! * signals[symbol]!
        matrix[output * size + input] = (2 * sum) / (signals.length * fieldStep(lane, input))
      }
    }
    return matrix
  })
}
