import type { BenchFile } from '../bench/bench-file.ts'
import { planMesh } from '../calibration/estimate-mesh.ts'
import type { CalibrationBudget, MeshPlanned } from '../calibration/estimate-mesh.ts'
import { BenchError } from '../core/errors.ts'
import { meshCoreLayout } from '../core/mesh-layout.ts'
import type { AgedResult } from './earlier-results.ts'
import { counted, seconds } from './numbers.ts'
import { ageText } from './options.ts'
import { textTable } from './text-table.ts'

/** Steps of a calibration whose results another one may take over, in their order. */
export const STEPS = {
  mesh: [
    'dark',
    'lasers',
    'local oscillators',
    'modulators',
    'attenuators',
    'port shifters',
    'columns',
    'settings',
    'chip',
  ],
  awgr: ['modulators', 'lines', 'rings', 'weights, round 1', 'weights, round 2'],
} as const satisfies Readonly<Record<BenchFile['kind'], readonly string[]>>

/** What the calibration of a mesh will play; undefined for cores whose steps depend on what they find. */
export function plannedOf(file: BenchFile, budget: CalibrationBudget | undefined): MeshPlanned | undefined {
  if (file.kind !== 'mesh') {
    if (budget === undefined) return undefined
    throw new BenchError('CALL_INVALID', '--budget is for mesh cores: what an AWGR core needs depends on its rings')
  }
  const { size, lanes, design, frame, heaters } = file.wiring
  const timing = { ...frame, maxSymbolsPerFrame: frame.maxSymbols }
  return planMesh(
    { layout: meshCoreLayout(size, lanes.length, design), timing, heaterSettleMs: heaters.settleMs },
    budget,
  )
}

/** The plan of a calibration, for people, before anything is opened. */
export function planText(planned: MeshPlanned | undefined, taken: readonly AgedResult[]): string[] {
  const known = new Map(taken.map((result) => [result.of, result]))
  const origin = ({ ageS, origin }: AgedResult): string => `from run ${origin.run}, ${ageText(Math.round(ageS))} old`
  if (planned === undefined) {
    return [...known.values()].map((result) => `  ${result.of}: ${origin(result)}`)
  }
  const { estimate } = planned
  const made = estimate.steps.filter(({ name }) => !known.has(name))
  const vectors = made.reduce((sum, step) => sum + step.vectors, 0)
  const frames = made.reduce((sum, step) => sum + step.frames, 0)
  const share = estimate.vectors === 0 ? 0 : vectors / estimate.vectors
  return [
    `plan: ${counted(vectors)} vectors in ${counted(frames)} frames, ${seconds(share * estimate.benchSeconds)} of settling and symbols`,
    ...textTable(
      [{ title: '  step' }, { title: 'frames', align: 'right' }, { title: 'vectors', align: 'right' }, { title: '' }],
      estimate.steps.map((step) => {
        const result = known.get(step.name)
        if (result !== undefined) return [`  ${step.name}`, '', '', origin(result)]
        return [`  ${step.name}`, counted(step.frames), counted(step.vectors), '']
      }),
    ),
  ]
}

/**
 * Names as a user writes them: any case, hyphens for blanks.
 *
 * Throws: CALL_INVALID with the names that there are.
 */
export function stepNames(kind: BenchFile['kind'], wanted: readonly string[]): readonly string[] {
  const known: readonly string[] = STEPS[kind]
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
