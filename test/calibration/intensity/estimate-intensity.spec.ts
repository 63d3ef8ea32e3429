import { describe, expect, test } from 'vitest'
import { intensityCalibrationPlan } from '../../../calibration/intensity/calibrate-intensity.ts'
import { planIntensity } from '../../../calibration/intensity/estimate-intensity.ts'
import { guessFrames } from '../../../calibration/intensity/first-guess.ts'
import { openDirectBench } from '../../support/direct-bench.ts'
import { runToEnd } from '../../support/run-plan.ts'

const SIZE = 4
const design = { arrangement: 'clements', mzi: 'plain', form: 'unitary', detection: 'intensity' } as const
const opened = (seed = 3) => openDirectBench({ size: SIZE, lanes: 1, seed, design })

describe('the estimate of a mesh read by photodiodes', () => {
  test('is what it plays to within one setting: arms in doubt cost settings', async () => {
    const { bench } = opened()
    const { vectors } = await runToEnd(intensityCalibrationPlan(bench))
    const said = planIntensity(bench).estimate.vectors
    expect(Math.abs(said - vectors)).toBeLessThan(SIZE)
    expect(vectors).toBeLessThanOrEqual(27.5 * SIZE ** 2)
  })

  test('knows the frames of the columns when no arm is in doubt, and when all are', () => {
    const { layout } = opened().bench
    const vectors = (arms: 'sure' | 'in doubt', bases = 1): number =>
      guessFrames(layout, arms, bases).reduce((sum, { frames, symbols }) => sum + frames * symbols, 0)
    // Eight settings for a base, eight points of one fringe, three of six, and three voltages of the four other arms, with
    // two inputs or all four; the last three around each base.
    expect(vectors('sure')).toBe(8 * 4 + 8 * 2 + 6 * 3 * 4 + 4 * 3 * 2)
    expect(vectors('in doubt')).toBe(8 * 4 + 8 * 2 + 6 * 3 * 4 + 4 * 3 * 4)
    expect(vectors('in doubt', 3)).toBe(8 * 4 + 8 * 2 + 3 * (6 * 3 * 4 + 4 * 3 * 4))
  })

  test('spends a budget on settings for the fit, and never more', async () => {
    const { bench } = opened()
    const budget = { vectors: 601 }
    const columns = { vectors: 0, bases: 1 }
    const { calibration, vectors } = await runToEnd(intensityCalibrationPlan(bench, { budget }))
    expect(vectors).toBeLessThanOrEqual(601)
    expect(calibration.fit.settings + 8).toBe(planIntensity(bench, budget).settingsAfter(columns))
    const seconds = planIntensity(bench, budget).estimate.benchSeconds
    const cut = planIntensity(bench, { benchSeconds: 0.9 * seconds })
    expect(cut.estimate.benchSeconds).toBeLessThanOrEqual(0.9 * seconds)
    expect(cut.settingsAfter(columns)).toBeLessThan(planIntensity(bench, budget).settingsAfter(columns))
  })

  test('tries other bases as far as a budget goes, and keeps the fewest settings for the fit', () => {
    const { bench } = opened()
    const fewest = planIntensity(bench, { vectors: 456 })
    expect(fewest.maxBases).toBe(1)
    expect(fewest.settingsAfter({ vectors: 0, bases: 3 })).toBeGreaterThanOrEqual(40)
    // Another base costs three voltages of six heaters with all inputs, and of four in doubt.
    const room = planIntensity(bench, { vectors: 456 + 2 * (6 * 3 * 4 + 4 * 3 * 4) })
    expect(room.maxBases).toBe(3)
    const each = room.settingsAfter({ vectors: 0, bases: 1 }) - room.settingsAfter({ vectors: 0, bases: 2 })
    expect(each).toBe((6 * 3 * 4 + 4 * 3 * 4) / SIZE)
  })

  test('says what it comes to at most where other bases leave no room for settings', () => {
    const { bench } = opened()
    const { mostVectors, steps } = planIntensity(bench).estimate
    const others = steps.filter(({ name }) => name !== 'columns' && name !== 'settings')
    const fixed = others.reduce((sum, { vectors }) => sum + vectors, 0)
    // Three bases and every arm in doubt, beside forty settings.
    expect(mostVectors).toBe(fixed + 40 * 4 + 8 * 4 + 8 * 2 + 3 * (6 * 3 * 4 + 4 * 3 * 4))
    expect(planIntensity(bench, { vectors: 601 }).estimate.mostVectors).toBeUndefined()
  })

  test('refuses a budget below the least, and says what that is', () => {
    const refused = (): unknown => planIntensity(opened().bench, { vectors: 10 })
    expect(refused).toThrow(expect.objectContaining({ code: 'CALL_INVALID' }))
    expect(refused).toThrow(/^the smallest calibration of this bench takes \d+ vectors, more than --budget/)
  })
})
