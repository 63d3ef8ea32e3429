import type { BenchFile } from '../bench/bench-file.ts'
import { estimateAwgr } from '../calibration/awgr/estimate-awgr.ts'
import { sumOf } from '../calibration/estimate.ts'
import type { CalibrationEstimate } from '../calibration/estimate.ts'
import { planIntensity } from '../calibration/intensity/estimate-intensity.ts'
import { planMesh } from '../calibration/estimate-mesh.ts'
import type { CalibrationBudget } from '../calibration/estimate-mesh.ts'
import { BenchError } from '../core/errors.ts'
import { meshCoreLayout } from '../core/mesh-layout.ts'
import { readsIntensity } from './core-limits.ts'
import type { AgedResult } from './earlier-results.ts'
import { counted, seconds } from './numbers.ts'
import { ageText } from './options.ts'
import { textTable } from './text-table.ts'

/** What is never taken from an earlier run: it says how good the calibration is. */
const ALWAYS_MADE: readonly string[] = ['quality of weights', 'verification']

/** What the calibration of a bench will play, before it is opened; of an AWGR core at most. */
export function estimateFor(file: BenchFile, budget: CalibrationBudget | undefined): CalibrationEstimate {
  const { size, frame, heaters } = file.wiring
  const timing = { ...frame, maxSymbolsPerFrame: frame.maxSymbols }
  const bench = { timing, heaterSettleMs: heaters.settleMs }
  if (file.kind === 'mesh') {
    const { lanes, design } = file.wiring
    const plan = design.detection === 'intensity' ? planIntensity : planMesh
    return plan({ ...bench, layout: meshCoreLayout(size, lanes.length, design) }, budget).estimate
  }
  if (budget === undefined) return estimateAwgr({ ...bench, layout: { size, form: file.wiring.form } })
  throw new BenchError('CALL_INVALID', '--budget is for mesh cores: what an AWGR core needs depends on its rings')
}

/** The plan of a calibration, for people, before anything is opened. */
export function planText(file: BenchFile, estimate: CalibrationEstimate, taken: readonly AgedResult[]): string[] {
  const known = new Map(taken.map((result) => [result.of, result]))
  const { vectors, frames, benchSeconds } = sumOf(estimate.steps.filter(({ name }) => !known.has(name)))
  const most = file.kind === 'awgr' ? ' at most' : ''
  // Arms in doubt are looked at in more frames of fewer vectors.
  const about = readsIntensity(file) ? 'about ' : ''
  const isTaken = known.has('columns')
  const orMore =
    estimate.mostVectors === undefined || isTaken
      ? ''
      : ` (${counted(estimate.mostVectors)} at most, where first guesses go astray)`
  return [
    `plan: ${counted(vectors)} vectors${orMore} in ${about}${counted(frames)} frames${most}, ${seconds(benchSeconds)} of settling and symbols`,
    ...textTable(
      [{ title: '  step' }, { title: 'frames', align: 'right' }, { title: 'vectors', align: 'right' }, { title: '' }],
      estimate.steps.map((step) => {
        const result = known.get(step.name)
        if (result === undefined) return [`  ${step.name}`, counted(step.frames), counted(step.vectors), '']
        const { ageS, origin } = result
        return [`  ${step.name}`, '', '', `from run ${origin.run}, ${ageText(Math.round(ageS))} old`]
      }),
    ),
  ]
}

/**
 * Names as a user writes them: any case, hyphens for blanks.
 *
 * Throws: CALL_INVALID with the names that there are.
 */
export function stepNames({ steps }: CalibrationEstimate, wanted: readonly string[]): readonly string[] {
  const known = steps.map(({ name }) => name).filter((name) => !ALWAYS_MADE.includes(name))
  const plain = (name: string): string => name.toLowerCase().replaceAll(/[-,\s]+/g, ' ')
  return wanted.map((name) => {
    const found = known.find((step) => plain(step) === plain(name))
    if (found !== undefined) return found
    const names = known.map((step) => (step.includes(' ') ? `"${step}"` : step)).join(', ')
    throw new BenchError('CALL_INVALID', `a calibration of this core has no step "${name}": there are ${names}`, {
      context: { step: name },
    })
  })
}
