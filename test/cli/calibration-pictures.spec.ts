import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { MeshCalibration } from '../../calibration/calibration-record.ts'
import type { ChipSettings } from '../../calibration/steps/chip.ts'
import { residualsPercent } from '../../cli/mesh-calibration-pictures.ts'
import { readFindings } from '../../cli/step-findings.ts'
import type { StepFindings } from '../../cli/step-findings.ts'
import { SystemClock } from '../../core/clock.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import { query, smallJournal } from './fringe-process.ts'

const rms = (values: Float64Array): number => Math.hypot(...values) / Math.sqrt(values.length)

describe('residuals of a calibration in the journal', () => {
  let calibration: MeshCalibration
  let findings: StepFindings

  beforeAll(async () => {
    const file = join(await smallJournal(), 'fringe.db')
    const [row] = await query(file, 'SELECT id, run FROM calibrations')
    await using journal = await Journal.open(file, { clock: new SystemClock(), mode: 'read' })
    calibration = (await journal.readCalibration(String(row!['id']))).record as MeshCalibration
    findings = await readFindings(journal, await journal.readRun(String(row!['run'])), ['settings'])
  }, 240_000)

  test('are those that the record sums up, fitted and kept out alike', () => {
    const { readings } = findings.of('settings') as ChipSettings
    const { settings, relativeResidual, heldOutResidual } = calibration.fit
    const [fitted, kept] = [readings.slice(0, settings), readings.slice(settings)]
    expect(kept.length).toBeGreaterThan(0)
    // The small bench has one lane, which is its worst.
    expect(rms(residualsPercent(calibration, fitted))).toBeCloseTo(100 * relativeResidual, 9)
    expect(rms(residualsPercent(calibration, kept))).toBeCloseTo(100 * heldOutResidual, 9)
  })

  test('are known of the steps that were asked for only', () => {
    expect(findings.of('local oscillators')).toBeUndefined()
  })
})
