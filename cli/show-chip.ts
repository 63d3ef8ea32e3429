import { readBenchFile } from '../bench/bench-file.ts'
import { fabricatedChip } from '../bench/fabricated-chip.ts'
import type { FabricatedChip } from '../bench/fabricated-chip.ts'
import { designText } from '../core/mesh-design.ts'
import { chipTables, wordOf } from './chip-tables.ts'
import type { DeviceTable } from './chip-tables.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { measured } from './numbers.ts'
import { textTable } from './text-table.ts'

/** Over all devices of one kind. Documented by docs/schemas/chip.schema.json. */
interface Statistics {
  readonly quantity: string
  readonly devices: number
  readonly mean: number
  readonly sigma: number
  readonly min: number
  readonly max: number
}

/** `fringe show --chip`: everything that was fabricated for a seed, statistics first. */
export async function showChip(
  { output }: Pick<CommandContext, 'output'>,
  path: string,
  seed: number,
  core: string | undefined,
): Promise<ExitCode> {
  const file = await readBenchFile(path, core)
  const { parameters, truth } = fabricatedChip(file, seed)
  const tables = chipTables(truth)
  const statistics = tables.flatMap(statisticsOf)
  output.say(
    `chip ${seed} of bench ${file.name} (${path}): what its twin hides from every calibration`,
    ...(file.kind === 'mesh' ? [`core: ${designText(file.wiring.design)}, size ${file.wiring.size}`] : []),
    ...parametersText(parameters),
    ...statisticsText(statistics),
    // A core of 256 ports has more lines than a call may have arguments.
    ...tables.map((table) => devicesText(table).join('\n')),
  )
  const bench = { path, name: file.name, hash: file.hash }
  output.document({ bench, seed, parameters, statistics, truth })
  return EXIT.done
}

/** Of each column; single numbers side by side are no population. */
function statisticsOf({ name, columns, rows, isSingles }: DeviceTable): readonly Statistics[] {
  if (isSingles) return []
  return columns.flatMap((column, at) => {
    const values = rows.map(({ values }) => values[at]).filter((value) => typeof value === 'number')
    if (values.length === 0) return []
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
    let [min, max] = [Infinity, -Infinity]
    for (const value of values) [min, max] = [Math.min(min, value), Math.max(max, value)]
    return [{ quantity: `${name} ${column}`, devices: values.length, mean, sigma: Math.sqrt(variance), min, max }]
  })
}

const right = (title: string): { title: string; align: 'right' } => ({ title, align: 'right' })

function parametersText(parameters: FabricatedChip['parameters']): string[] {
  const rows = Object.entries(parameters).map(([name, used]) => [
    name,
    measured(used.value, 6),
    used.value === used.default ? '' : measured(used.default, 6),
    used.source,
  ])
  const columns = [{ title: 'parameter' }, right('as used'), right('default'), { title: 'source' }]
  return ['', ...textTable(columns, rows)]
}

function statisticsText(statistics: readonly Statistics[]): string[] {
  const rows = statistics.map(({ quantity, devices, mean, sigma, min, max }) => [
    quantity,
    String(devices),
    ...[mean, sigma, min, max].map((value) => measured(value)),
  ])
  return ['', ...textTable([{ title: 'quantity' }, ...['devices', 'mean', 'σ', 'least', 'greatest'].map(right)], rows)]
}

function devicesText({ name, columns, rows }: DeviceTable): string[] {
  const lines = rows.map(({ label, values }) => [
    label,
    ...values.map((value) => (typeof value === 'number' ? measured(value, 6) : wordOf(value))),
  ])
  return ['', ...textTable([{ title: name }, ...columns.map(right)], lines)]
}
