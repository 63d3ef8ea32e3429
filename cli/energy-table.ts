import type { EnergyDocument } from './matmul-job.ts'
import { measured } from './numbers.ts'
import { textTable } from './text-table.ts'

/** Energy by boundary, and what it was added up from. */
export function energyTable({ benchSeconds, macs, tops, boundaries, shares, reference }: EnergyDocument): string[] {
  const right = { align: 'right' } as const
  const byBoundary = textTable(
    [
      { title: 'boundary' },
      { title: 'J', ...right },
      { title: 'mW/TOPS', ...right },
      { title: 'fJ/MAC', ...right },
      { title: 'TOPS/W', ...right },
    ],
    [
      ...boundaries.map(({ boundary, joules, milliwattPerTops, femtojoulePerMac, topsPerWatt }) => [
        boundary,
        ...[joules, milliwattPerTops, femtojoulePerMac, topsPerWatt].map((value) => measured(value)),
      ]),
      ['paper, not claimed', '–', measured(reference.milliwattPerTops), '–', '–'],
    ],
  )
  const byComponent = textTable(
    [{ title: 'component' }, { title: 'W', ...right }, { title: 'within' }, { title: 'known' }, { title: 'from' }],
    shares.map(({ component, powerW, boundary, source, from }) => [
      component,
      measured(powerW),
      boundary,
      source,
      from,
    ]),
  )
  return [
    `energy: ${macs.toLocaleString('en-US')} multiply-accumulates (1 MAC = 2 OPS) in ${measured(benchSeconds)} s on the bench, ${measured(tops)} TOPS`,
    ...byBoundary.map(indented),
    ...byComponent.map(indented),
    `  paper: ${reference.source}`,
  ]
}

const indented = (line: string): string => `  ${line}`
