import { DRIVERS } from '../drivers/registry.ts'
import { FAULTS } from '../sim/faults/fault-script.ts'
import { matrixPairs, runCell } from './faults/matrix.ts'
import type { Cell } from './faults/matrix.ts'
import type { Figure } from './figure.ts'
import { figure } from './figure.ts'

const SCHEDULES = 1_000
const AGAINST = 'the world behind the simulated instrument; docs/wires-faults.md'

/** Every driver with every fault, a thousand seeded bad days each. */
export async function faults(): Promise<readonly Figure[]> {
  const cells: Cell[] = []
  for (const [driver, fault] of matrixPairs()) {
    const cell = await runCell(driver, fault, 1, SCHEDULES)
    cells.push(cell)
    const { right, refused, undetectable } = cell
    console.log(`${driver} × ${fault}: ${right} right, ${refused} refused, ${undetectable} undetectable`)
    for (const what of [...cell.wrong, ...cell.crashes, ...cell.hangs, ...cell.stuck]) console.error(what)
  }
  const covered = cells.filter(({ driver, struck }) => Object.hasOwn(DRIVERS, driver) && struck > 0).length
  const total = (count: (cell: Cell) => number): number => cells.reduce((sum, cell) => sum + count(cell), 0)
  const none = (name: string, value: number): Figure =>
    figure({ name, value, unit: '1', better: 'lower', goal: 0, against: AGAINST })
  return [
    figure({
      name: 'pairs covered',
      value: (100 * covered) / (Object.keys(DRIVERS).length * FAULTS.length),
      unit: '%',
      better: 'higher',
      goal: 100,
      against: 'drivers of the registry × faults, each struck',
    }),
    figure({
      name: 'schedules',
      value: total(({ schedules }) => schedules),
      unit: '1',
      better: 'higher',
      goal: SCHEDULES * Object.keys(DRIVERS).length * FAULTS.length,
      against: `${SCHEDULES} seeds a pair`,
    }),
    none(
      'wrong values',
      total(({ wrong }) => wrong.length),
    ),
    none(
      'errors without a code',
      total(({ crashes }) => crashes.length),
    ),
    none(
      'hangs',
      total(({ hangs }) => hangs.length),
    ),
    none(
      'wires that did not work again',
      total(({ stuck }) => stuck.length),
    ),
    ...shares(cells),
  ]
}

/** What flipped bits and invented bytes did to protocols without a check sum, of the calls that they met. */
function shares(cells: readonly Cell[]): readonly Figure[] {
  return cells
    .filter(({ undetectable }) => undetectable > 0)
    .map(({ driver, fault, right, refused, undetectable }) =>
      figure({
        name: `${driver}, ${fault}: undetectable`,
        value: (100 * undetectable) / (right + refused + undetectable),
        unit: '% of calls',
        better: 'lower',
        against: 'no check sum, or a weak one, on this wire',
      }),
    )
}
