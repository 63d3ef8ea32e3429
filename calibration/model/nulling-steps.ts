import type { MeshArrangement } from '../../core/mesh-design.ts'
import { meshPlaces } from '../../core/mesh-layout.ts'

/** One MZI taken off a unitary, from the side of its inputs or of its outputs. */
export interface NullingStep {
  /** In the order of the mesh's places. */
  readonly mzi: number
  readonly side: 'inputs' | 'outputs'
  /** Which element of the unitary it nulls; its partner is right of it, or above. */
  readonly row: number
  readonly column: number
  readonly top: number
}

/**
 * In which order the MZIs of a mesh null the elements of a unitary below its diagonal.
 *
 * A triangle is taken off from its inputs, row by row from the lowest (Reck et al., Phys. Rev. Lett. 73, 58 (1994)); a
 * rectangle in diagonals from its lower left corner, from inputs and outputs in turn (Clements et al., Optica 3, 1460 (2016)).
 */
export function nullingSteps(size: number, arrangement: MeshArrangement): readonly NullingStep[] {
  const steps = arrangement === 'reck' ? triangle(size) : rectangle(size)
  const found = new Map(meshPlaces(size, arrangement).map(({ column, top }, mzi) => [column * size + top, mzi]))
  const columns = columnsOf(size, steps)
  return steps.map((step, at) => ({ ...step, mzi: found.get(columns[at]! * size + step.top)! }))
}

type Bare = Omit<NullingStep, 'mzi'>

function triangle(size: number): Bare[] {
  const steps: Bare[] = []
  for (let row = size - 1; row > 0; row--) {
    for (let column = 0; column < row; column++) steps.push({ side: 'inputs', row, column, top: column })
  }
  return steps
}

function rectangle(size: number): Bare[] {
  const steps: Bare[] = []
  for (let diagonal = 1; diagonal < size; diagonal++) {
    for (let j = 0; j < diagonal; j++) {
      if (diagonal % 2 === 1) {
        const column = diagonal - 1 - j
        steps.push({ side: 'inputs', row: size - 1 - j, column, top: column })
      } else {
        const row = size + j - diagonal
        steps.push({ side: 'outputs', row, column: j, top: row - 1 })
      }
    }
  }
  return steps
}

/** Column of the mesh of each step: as early as the light of both its waveguides allows. */
function columnsOf(size: number, steps: readonly Bare[]): Int32Array {
  const columns = new Int32Array(steps.length)
  const next = new Int32Array(size)
  const order = [...steps.keys()]
  const along = [
    ...order.filter((at) => steps[at]!.side === 'inputs'),
    ...order.filter((at) => steps[at]!.side === 'outputs').reverse(),
  ]
  for (const at of along) {
    const { top } = steps[at]!
    const first = Math.max(next[top]!, next[top + 1]!)
    // Modes top and top + 1 meet in columns of the parity of top.
    columns[at] = first + ((first + top) % 2)
    next[top] = next[top + 1] = columns[at] + 1
  }
  return columns
}
