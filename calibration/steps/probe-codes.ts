import type { MeshBench } from '../../core/mesh-bench.ts'
import type { FrameCodes, FrameReading } from '../../orchestrator/frames/frame-runner.ts'
import type { MeshCalibration } from '../calibration-record.ts'
import { balancedSignal } from '../calibration-record.ts'

/** Near full field on any modulator that fits the generator, calibrated or not. */
export const PROBE_CODE = 110

/**
 * A frame that shows every input alone: one symbol of silence, then each port at +code and at −code, all lanes at
 * once. Differences of the two cancel leaks and offsets.
 */
export function probeCodes(bench: MeshBench, code: (lane: number, port: number) => number): FrameCodes {
  const { size } = bench.layout
  return bench.lanes.map((_, lane) =>
    Array.from({ length: size }, (_, port) => {
      const symbols = new Int8Array(1 + 2 * size)
      symbols[1 + 2 * port] = code(lane, port)
      symbols[2 + 2 * port] = -code(lane, port)
      return symbols
    }),
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
    const matrix = new Float64Array(size * size)
    for (let output = 0; output < size; output++) {
      const at = (symbol: number): number =>
        balancedSignal(
          detectors,
          lane,
          output,
          reading.plusMw[lane]![output]![symbol]!,
          reading.minusMw[lane]![output]![symbol]!,
        )
      for (let input = 0; input < size; input++) {
        matrix[output * size + input] = (at(1 + 2 * input) - at(2 + 2 * input)) / fieldStep(lane, input)
      }
    }
    return matrix
  })
}
