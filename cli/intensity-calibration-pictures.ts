import { HELD_OUT } from '../calibration/intensity/estimate-intensity.ts'
import { IntensityModel } from '../calibration/intensity/intensity-model.ts'
import type { IntensityReading } from '../calibration/intensity/intensity-model.ts'
import type { IntensityCalibration } from '../calibration/intensity/intensity-record.ts'
import { meshCoreLayout } from '../core/mesh-layout.ts'
import { residualHistogram } from '../pictures/residual-histogram.ts'
import { measured } from './numbers.ts'
import type { RunPicture } from './run-picture.ts'
import type { StepFindings } from './step-findings.ts'

/** What the fitted chip leaves of the powers at random settings; nothing where the run has not come so far. */
export function intensityResidualPictures(
  { size, lanes, design, chip, fit }: IntensityCalibration,
  findings: StepFindings,
  subject: string,
): readonly RunPicture[] {
  const readings = findings.of('settings') as readonly IntensityReading[] | undefined
  if (readings === undefined || readings.length <= HELD_OUT) return []
  const model = new IntensityModel(meshCoreLayout(size, lanes, design))
  const parameters = Float64Array.from(chip)
  const made = model.made(parameters)
  const left = (some: readonly IntensityReading[]): Float64Array => {
    const residuals: number[] = []
    let squares = 0
    for (const { voltagesV, lit, powers } of some) {
      const predicted = model.predict(parameters, made, voltagesV, lit)
      for (const [at, power] of powers.entries()) {
        residuals.push(predicted[at]! - power)
        squares += power * power
      }
    }
    const rms = Math.sqrt(squares / residuals.length)
    return Float64Array.from(residuals, (residual) => (100 * residual) / rms)
  }
  const [unseen, seen] = [readings.slice(0, HELD_OUT), readings.slice(HELD_OUT)]
  const says = `What the fitted chip leaves of its readings: RMS ${measured(100 * fit.relativeResidual, 3)} % on the ${seen.length} settings that it was fitted to, ${measured(100 * fit.heldOutResidual, 3)} % on ${unseen.length} kept out.`
  const svg = residualHistogram({
    caption: { heading: 'Residuals of the whole-chip fit', lines: [subject, says] },
    xName: 'fitted less measured power, % of the RMS reading',
    fitted: left(seen),
    heldOut: left(unseen),
  })
  return [{ kind: 'residuals', says, svg }]
}
