import { SystemClock } from '../core/clock.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { SummedEnergy } from '../orchestrator/ledger/layer-accounts.ts'
import type { CommandContext } from './command-context.ts'
import { percent } from './energy-table.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { energyByLayer } from './layer-energy.ts'
import type { LayersDocument } from './layer-energy.ts'
import { jsonOf } from './matmul-job.ts'
import { counted, measured } from './numbers.ts'
import type { EnergyFlags } from './options.ts'
import { textTable } from './text-table.ts'

/** `fringe energy`: what the layers of a model cost, over all runs of a journal or those that are named. */
export async function energy(
  { output }: Pick<CommandContext, 'output'>,
  runs: readonly string[],
  { journal, layer: layers }: EnergyFlags,
): Promise<ExitCode> {
  await using opened = await Journal.open(journal, { clock: new SystemClock(), mode: 'read' })
  const wish = { ...(runs.length > 0 && { runs }), ...(layers && { layers }) }
  const document = jsonOf(await opened.snapshot(() => energyByLayer(opened, wish)))
  output.say(...layersText(document, journal))
  output.document(document)
  return EXIT.done
}

/** One line a layer and boundary, and what they sum to. */
export function layersText({ layers, total, leftOut }: LayersDocument, journal: string): string[] {
  const left = leftOut.map(({ run, layer, why }) => `left out: run ${run} of ${layer}, ${why} and without an account`)
  if (layers.length === 0) {
    return [`${journal} holds no account of a layer yet: name one, like matmul … --layer fc1`, ...left]
  }
  const runs = layers.reduce((sum, layer) => sum + layer.runs.length, 0)
  const right = { align: 'right' } as const
  const table = textTable(
    [
      { title: 'layer' },
      ...['runs', 'MACs', 's'].map((title) => ({ title, ...right })),
      { title: 'boundary' },
      ...['J', 'mW/TOPS', 'fJ/MAC', 'TOPS/W', 'each ±'].map((title) => ({ title, ...right })),
    ],
    [...layers.flatMap((layer) => rowsOf(layer.layer, layer.runs.length, layer)), ...rowsOf('all', runs, total)],
  )
  return [
    `energy of ${counted(layers.length)} layers in ${counted(runs)} runs of ${journal}: their products alone, 1 MAC = 2 OPS`,
    ...table.map((line) => `  ${line}`),
    ...modelledText(total),
    ...placesText(layers),
    ...left,
  ]
}

function rowsOf(name: string, runs: number, { macs, benchSeconds, boundaries }: SummedEnergy): string[][] {
  return boundaries.map(({ boundary, joules, milliwattPerTops, femtojoulePerMac, topsPerWatt, uncertainty }, index) => [
    ...(index === 0 ? [name, counted(runs), counted(macs), measured(benchSeconds)] : ['', '', '', '']),
    boundary,
    ...[joules, milliwattPerTops, femtojoulePerMac, topsPerWatt].map((value) => measured(value)),
    percent(uncertainty.joules, joules),
  ])
}

/** Runs that kernels computed have no meters at all, others may have lost one for a while. */
function modelledText({ shares }: SummedEnergy): string[] {
  return shares
    .filter(({ boundary, modelledSeconds }) => boundary === 'wall-plug' && modelledSeconds > 0)
    .map(
      ({ component, modelledSeconds }) =>
        `  MODELLED, because no meter told: ${component}, ${measured(modelledSeconds)} s of all`,
    )
}

function placesText(layers: LayersDocument['layers']): string[] {
  const places = new Set(layers.flatMap(({ runs }) => runs.map(({ bench, chip }) => `${bench} (${chip})`)))
  return places.size === 1 ? [] : [`  of several benches: ${[...places].join('; ')}; name runs to tell them apart`]
}
