import type { CalibrateDocument } from './calibrate-job.ts'
import type { WatchDocument } from './watch-job.ts'
import { runEnergyText } from './energy-table.ts'
import { fitText } from './core-kind.ts'
import type { AnyVerification } from './core-kind.ts'
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
export function verificationReport(document: CalibrateDocument, was: AnyVerification): string[] {
  const { run, calibration, vectors, verification } = document
  return [
    `calibration ${calibration} verified by run ${run}: ${vectors} vectors in ${seconds(document.seconds)}`,
    ...calibrationQuality(document),
    ...runEnergyText(document.energy),
    `  when it was made: ${sinceThen(verification, was)}`,
  ]
}

function sinceThen(now: AnyVerification, was: AnyVerification): string {
  if ('verdict' in now && 'verdict' in was) {
    const advice = now.verdict === 'refused' ? '; calibrate again' : ''
    return `TVD ${percent(was.tvd)} from them, ${percent(was.modelTvd)} from the fitted chip${advice}`
  }
  if ('verdict' in now || 'verdict' in was) return 'measured in another way'
  const lost = was.effectiveBits - now.effectiveBits
  return `${was.effectiveBits.toFixed(2)} effective bits${lost > MAY_LOSE_BITS ? '; calibrate again' : ''}`
}

const percent = (share: number): string => `${measured(100 * share, 3)} %`

/** What a watch has kept true. */
export function watchReport({ run, calibration, looks, vectors, verification, ...rest }: WatchDocument): string[] {
  return [
    `watched by run ${run}: ${looks.length} looks, ${counted(vectors)} vectors in ${seconds(rest.seconds)}`,
    `  calibration ${calibration}: ${verification.effectiveBits.toFixed(2)} effective bits at the end`,
    ...runEnergyText(rest.energy),
  ]
}

export function calibrationQuality({ verification, fit }: Pick<CalibrateDocument, 'verification' | 'fit'>): string[] {
  if ('verdict' in verification) {
    const { targets, verdict, amplitudeFidelity, tvd, modelTvd } = verification
    return [
      `  ${verdict}: on ${targets} held-out unitaries amplitude fidelity ${measured(amplitudeFidelity, 6)}, TVD ${percent(tvd)} from them, ${percent(modelTvd)} from what the fitted chip should show`,
      fitText(fit),
    ]
  }
  const { E, F, amplitudeFidelity, tvd, effectiveBits } = verification
  return [
    `  on held-out matrices: ${effectiveBits.toFixed(2)} effective bits, E ${measured(E)}, F ${measured(F, 6)}, amplitude fidelity ${measured(amplitudeFidelity, 6)}, TVD ${measured(tvd)}`,
    fitText(fit),
  ]
}
