import { BenchError } from '../../core/errors.ts'
import type { HeaterRole } from '../../core/mesh-layout.ts'
import type { Pair } from '../model/swapped-heaters.ts'
import type { CalibrationContext } from './calibration-context.ts'
import { heaterText } from './sweep-fringe.ts'

/** CALIBRATION_FAILED that names two heaters whose cables are exchanged. */
export function swappedHeaters({ bench }: Pick<CalibrationContext, 'bench'>, pair: Pair, cause?: unknown): BenchError {
  const [a, b] = pair.toSorted((left, right) => left - right)
  const roles = (heaters: readonly number[]): HeaterRole[] =>
    heaters.map((heater) => bench.layout.heaters[heater]!.role)
  return new BenchError(
    'CALIBRATION_FAILED',
    `${heaterText(bench, a!)} and ${heaterText(bench, b!)} act as if exchanged: swap their cables, or their channels in the bench file`,
    {
      cause,
      context: {
        heaters: [a!, b!],
        channels: [bench.heaterChannels[a!]!, bench.heaterChannels[b!]!],
        roles: roles([a!, b!]),
      },
    },
  )
}
