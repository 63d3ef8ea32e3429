import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, totalmem } from 'node:os'
import type { Range } from '../core/range.ts'

/** One measured figure, as it stands in perf/results/. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly better: 'higher' | 'lower' | 'between'
  /** Null where there is none: a figure that stands beside another. */
  readonly goal: number | Range | null
  readonly met: boolean | null
  /** Peer, limit or formula that the figure is compared with. */
  readonly against: string
  readonly machine: string
  readonly date: string
}

/** With a limit for a goal. */
export interface Measured extends Pick<Figure, 'name' | 'value' | 'unit' | 'against'> {
  readonly better: 'higher' | 'lower'
  readonly goal?: number
}

/** With a range for a goal: neither smaller nor larger than a law says. */
export interface MeasuredLaw extends Pick<Figure, 'name' | 'value' | 'unit' | 'against'> {
  readonly better: 'between'
  readonly goal: Range
}

const machine = (): string =>
  `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${availableParallelism()} threads, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`

export function figure(measured: Measured | MeasuredLaw): Figure {
  const { name, value, unit, better, goal = null, against } = measured
  const met = isMet(measured)
  return {
    name,
    value,
    unit,
    better,
    goal,
    met,
    against,
    machine: machine(),
    date: new Date().toISOString().slice(0, 10),
  }
}

function isMet({ value, better, goal }: Measured | MeasuredLaw): boolean | null {
  if (goal === undefined) return null
  if (better === 'between') return value >= goal.min && value <= goal.max
  return better === 'higher' ? value >= goal : value <= goal
}

/** What is wanted of a figure, in a few letters. */
export function goalText({ better, goal }: Figure): string {
  if (goal === null) return ''
  if (typeof goal === 'object') return `${goal.min} to ${goal.max}`
  return `${better === 'higher' ? '≥' : '≤'} ${goal}`
}

/** Writes perf/results/NAME.json below the folder where the bench runs. */
export async function writeFigures(name: string, figures: readonly Figure[]): Promise<void> {
  await mkdir('perf/results', { recursive: true })
  await writeFile(`perf/results/${name}.json`, `${JSON.stringify(figures, null, 2)}\n`)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function printFigures(figures: readonly Figure[]): void {
  const width = Math.max(...figures.map(({ name }) => name.length))
  for (const each of figures) {
    const { name, value, unit, met, against } = each
    const wanted = met === null ? '' : `${goalText(each)}: ${met ? 'met' : 'NOT MET'}`
    console.log(
      `${name.padEnd(width)}  ${value.toPrecision(4).padStart(10)} ${unit.padEnd(12)} ${wanted.padEnd(18)} ${against}`,
    )
  }
}
