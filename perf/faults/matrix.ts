import { FAULTS } from '../../sim/faults/fault-script.ts'
import type { Fault } from '../../sim/faults/fault-script.ts'
import { runSchedule } from './schedule.ts'
import type { Verdict } from './schedule.ts'
import { SUBJECTS } from './subjects.ts'

/** One cell of the fault matrix, over all its schedules. Complaints name the seed that gives them again. */
export interface Cell {
  readonly driver: string
  readonly fault: Fault
  readonly schedules: number
  /** Schedules in which the fault struck at least once. */
  readonly struck: number
  readonly right: number
  readonly refused: number
  /** Wrong values that this protocol cannot tell from right ones. */
  readonly undetectable: number
  readonly wrong: readonly string[]
  readonly crashes: readonly string[]
  readonly hangs: readonly string[]
  readonly stuck: readonly string[]
}

/** Every driver with every fault, in the order of the registry. */
export function matrixPairs(): readonly (readonly [driver: string, fault: Fault])[] {
  return Object.keys(SUBJECTS).flatMap((driver) => FAULTS.map((fault) => [driver, fault] as const))
}

export async function runCell(driver: string, fault: Fault, firstSeed: number, schedules: number): Promise<Cell> {
  const subject = SUBJECTS[driver]
  if (subject === undefined) throw new Error(`the fault matrix has no row for ${driver}`)
  const verdicts: (readonly [seed: number, verdict: Verdict])[] = []
  for (let seed = firstSeed; seed < firstSeed + schedules; seed++) {
    verdicts.push([seed, await runSchedule(subject, fault, seed)])
  }
  const sum = (count: (verdict: Verdict) => number): number =>
    verdicts.reduce((total, [, verdict]) => total + count(verdict), 0)
  const all = (kind: 'wrong' | 'crashes' | 'hangs' | 'stuck'): readonly string[] =>
    verdicts.flatMap(([seed, verdict]) => verdict[kind].map((what) => `${driver}, ${fault}, seed ${seed}: ${what}`))
  return {
    driver,
    fault,
    schedules,
    struck: sum(({ struck }) => Math.min(struck, 1)),
    right: sum(({ right }) => right),
    refused: sum(({ refused }) => refused),
    undetectable: sum(({ undetectable }) => undetectable.length),
    wrong: all('wrong'),
    crashes: all('crashes'),
    hangs: all('hangs'),
    stuck: all('stuck'),
  }
}
