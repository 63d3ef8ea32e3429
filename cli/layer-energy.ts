import { BenchError } from '../core/errors.ts'
import type { JournalReader } from '../orchestrator/journal/reader.ts'
import type { RunRecord } from '../orchestrator/journal/records.ts'
import { accountLayers } from '../orchestrator/ledger/layer-accounts.ts'
import type { LayerAccount, LayerEnergy, LayerRun, RunOfLayer } from '../orchestrator/ledger/layer-accounts.ts'
import { requireLayerName } from './layer-name.ts'
import type { MatmulArguments, MatmulRecord } from './matmul-job.ts'

/** Whose energy is asked for; all of the journal where nothing is said. */
export interface LayersWish {
  readonly layers?: readonly string[]
  /** Ids of runs, or what stands for them. */
  readonly runs?: readonly string[]
}

/** A run that names a layer and has no account: what it cost nobody knows. */
export interface LeftOut {
  readonly run: string
  readonly layer: string
  readonly why: 'failed' | 'interrupted' | 'running'
}

/** Where a run of a layer was done: benches and chips differ in what they draw. */
export interface PlacedRun extends RunOfLayer {
  readonly bench: string
  readonly chip: string
}

/** What `fringe energy --json` says. Documented by docs/schemas/energy.schema.json. */
export interface LayersDocument extends Omit<LayerAccount, 'layers'> {
  readonly layers: readonly (Omit<LayerEnergy, 'runs'> & { readonly runs: readonly PlacedRun[] })[]
  readonly leftOut: readonly LeftOut[]
}

/**
 * The energy of the products of a journal, summed by the layers that they name.
 *
 * Throws: CALL_INVALID for a layer that no run names, and for a named run that has no layer or no account; RUN_UNKNOWN.
 */
export async function energyByLayer(journal: JournalReader, wish: LayersWish = {}): Promise<LayersDocument> {
  for (const name of wish.layers ?? []) requireLayerName(name)
  const records = await recordsOf(journal, wish.runs)
  const named = records.map((record) => ({ record, layer: layerOf(record)! }))
  requireKnown(
    wish.layers ?? [],
    named.map(({ layer }) => layer),
  )
  const wanted = named.filter(({ layer }) => wish.layers?.includes(layer) ?? true)
  const leftOut = wanted.flatMap(({ record: { id, status }, layer }): LeftOut[] =>
    status === 'done' ? [] : [{ run: id, layer, why: status }],
  )
  const done = wanted.filter(({ record: { status } }) => status === 'done')
  const { layers, total } = accountLayers(
    done.map(({ record: { id, result }, layer }): LayerRun => ({ layer, run: id, ...(result as MatmulRecord) })),
  )
  const places = new Map(done.map(({ record }) => [record.id, placeOf(record)]))
  return {
    layers: layers.map((layer) => ({ ...layer, runs: layer.runs.map((run) => ({ ...run, ...places.get(run.run)! })) })),
    ...{ total, leftOut },
  }
}

/** Oldest first, each once. */
async function recordsOf(journal: JournalReader, names: readonly string[] | undefined): Promise<readonly RunRecord[]> {
  const ids = names ?? (await journal.listRuns()).flatMap(({ id, layer }) => (layer === null ? [] : [id])).toReversed()
  const records = await Promise.all(ids.map((id) => journal.readRun(id)))
  if (names === undefined) return records
  for (const record of records) requireAccount(record)
  return [...new Map(records.map((record) => [record.id, record])).values()]
}

const layerOf = ({ header: { arguments: asked } }: RunRecord): string | undefined =>
  (asked as Partial<MatmulArguments> | null)?.layer

function placeOf({ header: { bench, seed } }: RunRecord): Pick<PlacedRun, 'bench' | 'chip'> {
  const core = bench.core === undefined ? '' : `, core ${bench.core}`
  return { bench: `${bench.path}${core}`, chip: seed === null ? 'hardware' : `twin, chip ${seed}` }
}

function requireAccount(record: RunRecord): void {
  const { id, kind, status } = record
  const refused = (why: string): BenchError => new BenchError('CALL_INVALID', why, { context: { run: id } })
  if (layerOf(record) === undefined) {
    const what = kind === 'matmul' ? 'a product without a layer' : `a "${kind}"`
    throw refused(`run ${id} is ${what}: name runs that were made with --layer, or none for all of them`)
  }
  if (status !== 'done') throw refused(`run ${id} is ${status}, and has no account of its energy: leave it out`)
}

function requireKnown(asked: readonly string[], known: readonly string[]): void {
  const unknown = asked.find((name) => !known.includes(name))
  if (unknown === undefined) return
  const names = [...new Set(known)].map((name) => JSON.stringify(name))
  const there =
    names.length === 0
      ? 'none of them names any, with matmul --layer NAME for example'
      : `there are ${names.join(', ')}`
  throw new BenchError('CALL_INVALID', `no run is of layer ${JSON.stringify(unknown)}: ${there}`, {
    context: { layer: unknown, layers: [...new Set(known)] },
  })
}
