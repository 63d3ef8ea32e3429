import { BOUNDARIES } from '../orchestrator/ledger/boundaries.ts'
import type { BoundaryEnergy, PartEnergy, PowerShare, RunEnergy } from '../orchestrator/ledger/energy.ts'
import { PUBLISHED_FIGURES } from '../orchestrator/ledger/published-figures.ts'
import type { EnergyDocument } from './matmul-job.ts'
import { measured } from './numbers.ts'
import { textTable } from './text-table.ts'

/** As it stands in a journal: earlier versions had neither errors nor anything but the whole job. */
export type StoredEnergy = Pick<EnergyDocument, 'benchSeconds' | 'macs' | 'tops' | 'reference'> &
  Partial<Pick<EnergyDocument, 'headings' | 'tiles' | 'lanes' | 'silent'>> & {
    readonly shares: readonly (Omit<PowerShare, AddedToShares> & Partial<Pick<PowerShare, AddedToShares>>)[]
    readonly boundaries: readonly (Omit<BoundaryEnergy, 'uncertainty'> & Partial<Pick<BoundaryEnergy, 'uncertainty'>>)[]
  }

type AddedToShares = 'joules' | 'uncertaintyJ' | 'accuracy' | 'readings' | 'measuredSeconds' | 'modelledSeconds'

const right = { align: 'right' } as const

/** Energy by boundary, what it was added up from, and where in the run it went. */
export function energyTable(energy: StoredEnergy): string[] {
  const { benchSeconds, macs, tops, boundaries, shares, reference } = energy
  const byBoundary = textTable(
    [
      { title: 'boundary' },
      { title: 'J', ...right },
      { title: 'mW/TOPS', ...right },
      { title: 'fJ/MAC', ...right },
      { title: 'TOPS/W', ...right },
      { title: 'each ±', ...right },
    ],
    [
      ...boundaries.map(({ boundary, joules, milliwattPerTops, femtojoulePerMac, topsPerWatt, uncertainty }) => [
        boundary,
        ...[joules, milliwattPerTops, femtojoulePerMac, topsPerWatt].map((value) => measured(value)),
        percent(uncertainty?.joules, joules),
      ]),
      ['paper, not claimed', '–', measured(reference.milliwattPerTops), '–', '–', '–'],
    ],
  )
  const byComponent = textTable(
    [
      { title: 'component' },
      { title: 'W', ...right },
      { title: '±', ...right },
      { title: 'within' },
      { title: 'known' },
      { title: 'from' },
    ],
    shares.map(({ component, powerW, boundary, source, from, joules, uncertaintyJ, readings, accuracy }) => [
      component,
      measured(powerW),
      percent(uncertaintyJ, joules),
      boundary,
      source === 'measured' && readings !== undefined ? `measured, ${readings} readings` : source,
      accuracy === undefined ? from : `${from}; ${accuracy}`,
    ]),
  )
  return [
    `energy: ${macs.toLocaleString('en-US')} multiply-accumulates (1 MAC = 2 OPS) in ${measured(benchSeconds)} s on the bench, ${measured(tops)} TOPS`,
    ...byBoundary.map(indented),
    ...byComponent.map(indented),
    ...partsText('tiles', energy.tiles),
    ...partsText('lanes', energy.lanes),
    ...silentText(energy.silent),
    ...(energy.headings === undefined ? [] : headingsTable(energy.headings).map(indented)),
    `  paper: ${reference.source}`,
  ]
}

/** What the time of a run was for, and its energy: the job's apart from all others. */
export function headingsTable(headings: RunEnergy['headings']): string[] {
  return textTable(
    [
      { title: 'time for' },
      ...['s', ...BOUNDARIES.map((boundary) => `J, ${boundary}`)].map((title) => ({ title, ...right })),
    ],
    headings.map(({ heading, seconds, joules }) => [
      heading,
      measured(seconds),
      ...BOUNDARIES.map((boundary) => measured(joules[boundary])),
    ]),
  )
}

/** The energy of a run that multiplied nothing. */
export function runEnergyText({ headings, shares, silent }: RunEnergy): string[] {
  const wall = shares.find(({ boundary }) => boundary === 'wall-plug')
  const error = wall === undefined ? '' : `, ± ${percent(wall.uncertaintyJ, wall.joules)} at the wall plug`
  return [
    `  energy of the run, by what its time was for${error}:`,
    ...headingsTable(headings).map(indented),
    ...silentText(silent),
  ]
}

/** What others have published, on boundaries of their own. */
export function publishedTable(): string[] {
  return [
    'published figures, each on a boundary of its own and none claimed as ours (1 MAC = 2 OPS)',
    ...textTable(
      [
        { title: 'system' },
        { title: 'mW/TOPS', ...right },
        { title: 'published' },
        { title: 'boundary' },
        { title: 'source' },
      ],
      PUBLISHED_FIGURES.map(({ system, milliwattPerTops, published, boundary, source }) => [
        system,
        measured(milliwattPerTops),
        ...[published, boundary, source],
      ]),
    ).map(indented),
  ]
}

/** Least, most and how many: the list itself is in the JSON document. */
function partsText(what: string, parts: readonly PartEnergy[] | undefined): string[] {
  if (parts === undefined || parts.length < 2) return []
  const joules = parts.map((part) => part.joules['wall-plug'])
  return [
    `  by ${what}: ${parts.length} entries of ${measured(Math.min(...joules))} to ${measured(Math.max(...joules))} J at the wall plug, in all the job's (--json lists them)`,
  ]
}

function silentText(silent: RunEnergy['silent'] | undefined = []): string[] {
  return silent.map(
    ({ component, fromSeconds, toSeconds, powerW }) =>
      `  MODELLED, because the meter did not answer: ${component}, ${measured(toSeconds - fromSeconds)} s from ${measured(fromSeconds, 6)} s on, at its mean of ${measured(powerW)} W`,
  )
}

export const percent = (part: number | undefined, whole: number | undefined): string =>
  part === undefined || whole === undefined || whole === 0 ? '–' : `${measured((100 * part) / Math.abs(whole), 2)} %`

const indented = (line: string): string => `  ${line}`
