import type { Verification } from '../calibration/calibration-record.ts'
import type { CalibrateDocument } from './calibrate-job.ts'
import type { WatchDocument } from './watch-job.ts'
import { runEnergyText } from './energy-table.ts'
import { fitText } from './core-kind.ts'
import { counted, measured, seconds } from './numbers.ts'

/** A calibration that has lost more than this is no longer what it was. */
const MAY_LOSE_BITS = 0.5

export function calibrationReport({ run, calibration, vectors, seconds: took, ...rest }: CalibrateDocument): string[] {
  return [
    `calibration ${calibration}, run ${run}: ${vectors} vectors in ${seconds(took)}`,
    ...calibrationQuality(rest),
    ...runEnergyText(rest.energy),
  ]
}

/** What a calibration is worth now, beside what it was worth when it was made. */
export function verificationReport(document: CalibrateDocument, was: Verification): string[] {
  const { run, calibration, vectors, verification } = document
  const lost = was.effectiveBits - verification.effectiveBits
  return [
    `calibration ${calibration} verified by run ${run}: ${vectors} vectors in ${seconds(document.seconds)}`,
    ...calibrationQuality(document),
    ...runEnergyText(document.energy),
    `  when it was made: ${was.effectiveBits.toFixed(2)} effective bits${lost > MAY_LOSE_BITS ? '; calibrate again' : ''}`,
  ]
}

/** What a watch has kept true. */
export function watchReport({ run, calibration, looks, vectors, verification, ...rest }: WatchDocument): string[] {
  return [
    `watched by run ${run}: ${looks.length} looks, ${counted(vectors)} vectors in ${seconds(rest.seconds)}`,
    `  calibration ${calibration}: ${verification.effectiveBits.toFixed(2)} effective bits at the end`,
    ...runEnergyText(rest.energy),
  ]
}

export function calibrationQuality({ verification, fit }: Pick<CalibrateDocument, 'verification' | 'fit'>): string[] {
  const { E, F, amplitudeFidelity, tvd, effectiveBits } = verification
  return [
    `  on held-out matrices: ${effectiveBits.toFixed(2)} effective bits, E ${measured(E)}, F ${measured(F, 6)}, amplitude fidelity ${measured(amplitudeFidelity, 6)}, TVD ${measured(tvd)}`,
    fitText(fit),
  ]
}
