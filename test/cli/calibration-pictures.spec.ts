import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { benchFromText, requireKind } from '../../bench/bench-file.ts'
import type { AwgrCalibration } from '../../calibration/awgr/awgr-record.ts'
import { withoutLeaks } from '../../calibration/awgr/leaks.ts'
import type { OutputReading } from '../../calibration/awgr/steps/ring-probe.ts'
import type { MeshCalibration } from '../../calibration/calibration-record.ts'
import type { ChipSettings } from '../../calibration/steps/chip.ts'
import { AWGR_DRAWN_STEPS, ringResidualsPercent, sceneOf } from '../../cli/awgr-calibration-pictures.ts'
import { residualsPercent } from '../../cli/mesh-calibration-pictures.ts'
import { readFindings } from '../../cli/step-findings.ts'
import type { StepFindings } from '../../cli/step-findings.ts'
import { SystemClock } from '../../core/clock.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import { query, smallAwgrJournal, smallJournal } from './fringe-process.ts'

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

  test('are those that the record of an AWGR core sums up', async () => {
    const folder = await smallAwgrJournal()
    const [row] = await query(join(folder, 'fringe.db'), 'SELECT id, run FROM calibrations')
    await using journal = await Journal.open(join(folder, 'fringe.db'), { clock: new SystemClock(), mode: 'read' })
    const record = (await journal.readCalibration(String(row!['id']))).record as AwgrCalibration
    const run = await journal.readRun(String(row!['run']))
    const steps = await readFindings(journal, run, AWGR_DRAWN_STEPS)
    const { wiring } = requireKind(benchFromText(run.header.bench.text, 'small-awgr.yaml'), 'awgr')
    const scene = sceneOf(
      record,
      wiring.wavelengths.map(({ frequencyThz }) => frequencyThz),
    )
    const [sweep, ...rounds] = AWGR_DRAWN_STEPS.map((name) => steps.of(name) as readonly OutputReading[])
    // Of each round eight are kept out; see HELD_OUT of the plan.
    const fitted = [...sweep!, ...rounds.flatMap((round) => round.slice(8))]
    expect(fitted).toHaveLength(record.fit.settings)
    const of = (readings: readonly OutputReading[]): number =>
      rms(ringResidualsPercent(record, scene, withoutLeaks(readings, record.leaks)))
    expect(of(fitted)).toBeCloseTo(100 * record.fit.relativeResidual, 2)
    expect(of(rounds.at(-1)!.slice(0, 8))).toBeCloseTo(100 * record.fit.heldOutResidual, 9)
  }, 240_000)

  test('are known of the steps that were asked for only', () => {
    expect(findings.of('local oscillators')).toBeUndefined()
  })
})
