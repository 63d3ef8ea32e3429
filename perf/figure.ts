import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, totalmem } from 'node:os'

/** One measured figure, as it stands in perf/results/. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly better: 'higher' | 'lower'
  /** Null where there is none: a figure that stands beside another. */
  readonly goal: number | null
  readonly met: boolean | null
  /** Peer, limit or formula that the figure is compared with. */
  readonly against: string
  readonly machine: string
  readonly date: string
}

export interface Measured {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly goal?: number
  readonly against: string
}

const machine = (): string =>
  `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${availableParallelism()} threads, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`

export function figure({ goal, ...measured }: Measured): Figure {
  const met = goal === undefined ? null : measured.better === 'higher' ? measured.value >= goal : measured.value <= goal
  return { ...measured, goal: goal ?? null, met, machine: machine(), date: new Date().toISOString().slice(0, 10) }
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
  for (const { name, value, unit, better, goal, met, against } of figures) {
    const wanted =
      goal === null ? '' : `${better === 'higher' ? '≥' : '≤'} ${goal}: ${met === true ? 'met' : 'NOT MET'}`
    console.log(
      `${name.padEnd(width)}  ${value.toPrecision(4).padStart(10)} ${unit.padEnd(12)} ${wanted.padEnd(18)} ${against}`,
    )
  }
}
