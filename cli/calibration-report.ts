import type { CalibrateDocument } from './calibrate-job.ts'
import { measured, seconds } from './numbers.ts'

export function calibrationReport({ run, calibration, vectors, seconds: took, ...rest }: CalibrateDocument): string[] {
  return [`calibration ${calibration}, run ${run}: ${vectors} vectors in ${seconds(took)}`, ...calibrationQuality(rest)]
}

export function calibrationQuality({ verification, fit }: Pick<CalibrateDocument, 'verification' | 'fit'>): string[] {
  const { E, F, amplitudeFidelity, tvd, effectiveBits } = verification
  return [
    `  on held-out matrices: ${effectiveBits.toFixed(2)} effective bits, E ${measured(E)}, F ${measured(F, 6)}, amplitude fidelity ${measured(amplitudeFidelity, 6)}, TVD ${measured(tvd)}`,
    `  fit of the chip: residual ${measured(100 * fit.relativeResidual, 2)} %, held out ${measured(100 * fit.heldOutResidual, 2)} %; splitters ${measured(fit.splitterRmsRad, 2)} rad RMS, crosstalk ${measured(100 * fit.crosstalkNeighbour, 2)} % to the neighbour`,
  ]
}
