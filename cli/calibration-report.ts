import type { CalibrateDocument } from './calibrate-job.ts'
import { fitText } from './core-kind.ts'
import { measured, seconds } from './numbers.ts'

export function calibrationReport({ run, calibration, vectors, seconds: took, ...rest }: CalibrateDocument): string[] {
  return [`calibration ${calibration}, run ${run}: ${vectors} vectors in ${seconds(took)}`, ...calibrationQuality(rest)]
}

export function calibrationQuality({ verification, fit }: Pick<CalibrateDocument, 'verification' | 'fit'>): string[] {
  const { E, F, amplitudeFidelity, tvd, effectiveBits } = verification
  return [
    `  on held-out matrices: ${effectiveBits.toFixed(2)} effective bits, E ${measured(E)}, F ${measured(F, 6)}, amplitude fidelity ${measured(amplitudeFidelity, 6)}, TVD ${measured(tvd)}`,
    fitText(fit),
  ]
}
