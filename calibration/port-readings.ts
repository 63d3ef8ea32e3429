import type { FrameResult } from '../core/optical-core.ts'
import type { PortCorrections } from './model/port-corrections.ts'
import type { PortReading } from './model/port-tracker.ts'

interface OnChip {
  readonly quadrature: Float64Array
  readonly ports: PortCorrections | undefined
}

/** What the known inputs of a frame should have made at every output, and made. */
export function portReadings(
  { frame, lanes }: FrameResult,
  { quadrature, ports }: OnChip,
  inputs: number,
): readonly PortReading[] {
  const { tile, probes = 0 } = frame
  const outputs = tile.weights.length / inputs
  if (ports === undefined || probes === 0) return []
  return lanes.flatMap((products, lane) =>
    Array.from({ length: outputs }, (_, port) => {
      const through = (matrix: Float64Array): Float64Array =>
        Float64Array.from({ length: probes }, (_, probe) => {
          let sum = 0
          for (let i = 0; i < inputs; i++) {
            sum += matrix[port * inputs + i]! * frame.lanes[lane]![probe * inputs + i]!
          }
          return sum
        })
      return {
        lane,
        port,
        expected: through(tile.weights),
        quadrature: through(quadrature),
        measured: Float64Array.from({ length: probes }, (_, probe) => products[probe * outputs + port]!),
        turnRad: ports.turnRad[lane * outputs + port]!,
        logGain: ports.logGain[lane * outputs + port]!,
      }
    }),
  )
}
