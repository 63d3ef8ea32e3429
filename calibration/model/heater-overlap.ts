import type { HeaterRole, SvdCoreLayout } from '../../core/mesh-layout.ts'

/** From which side the light of a heater is compared: as it comes from the inputs, or as it goes to the outputs. */
export type View = 'inputs' | 'outputs'

/**
 * What the floor plan says of how alike the light under two heaters is, seen from one side of the core: the squared
 * overlap of the two patterns, 0 where no way leads from one to the other, a half for each splitter where one way does.
 *
 * Shape: [heater][heater]; NaN where several ways interfere, and for heaters that this view does not see.
 * From the inputs: trimmers of lane 0, the first mesh, the attenuators. From the outputs: attenuators, second mesh,
 * local oscillators of lane 0. Waveguides between must pass light without mixing losses: nearly unitary.
 */
export function expectedOverlaps(layout: SvdCoreLayout, view: View): Float64Array[] {
  const count = layout.heaters.length
  const table = Array.from({ length: count }, () => new Float64Array(count).fill(NaN))
  const points = pointsOf(layout, view)
  for (const from of points) {
    table[from.heater]![from.heater] = 1
    const light = new Ways(layout, from)
    for (const to of points) {
      if (to === from || to.depth < from.depth) continue
      if (to.depth === from.depth && to.stage <= from.stage && to.waveguide === from.waveguide) continue
      const overlap = light.at(to)
      table[from.heater]![to.heater] = overlap
      table[to.heater]![from.heater] = overlap
    }
  }
  return table
}

/** Heaters that a view sees. */
export const heatersIn = (layout: SvdCoreLayout, view: View): number[] =>
  pointsOf(layout, view).map(({ heater }) => heater)

interface Point {
  readonly heater: number
  /** Column of its mesh; −1 and `columns` for what stands before and behind it. */
  readonly depth: number
  /** Within its column: 0 on a waveguide, 1 between the splitters. */
  readonly stage: 0 | 1
  readonly waveguide: number
}

function pointsOf(layout: SvdCoreLayout, view: View): Point[] {
  const mesh = view === 'inputs' || layout.second.phi.length === 0 ? 'first' : 'second'
  return layout.heaters.flatMap(({ role }, heater): Point[] => {
    const place = placeIn(layout, role, view, mesh)
    return place === undefined ? [] : [{ heater, ...place }]
  })
}

function placeIn(
  { columns, mzis }: SvdCoreLayout,
  role: HeaterRole,
  view: View,
  mesh: 'first' | 'second',
): Omit<Point, 'heater'> | undefined {
  switch (role.kind) {
    case 'input':
      return view === 'inputs' && role.lane === 0 ? { depth: -1, stage: 0, waveguide: role.port } : undefined
    case 'lo':
      return view === 'outputs' && role.lane === 0 ? { depth: columns, stage: 0, waveguide: role.port } : undefined
    case 'sigma-phi':
    case 'sigma-theta':
      return { depth: view === 'inputs' ? columns : -1, stage: 0, waveguide: role.channel }
    case 'phi':
    case 'theta': {
      const { column, top } = mzis[role.mzi]!
      if (role.mesh !== mesh) return undefined
      return { depth: column, stage: role.kind === 'phi' ? 0 : 1, waveguide: top }
    }
  }
}

/** Ways that light takes from one point of a mesh onwards: how many, and through how many splitters. */
class Ways {
  readonly #layout: SvdCoreLayout
  readonly #from: Point
  /** [column]: ways to each waveguide before it, and splitters on them. */
  readonly #before: { readonly ways: Float64Array; readonly splitters: Float64Array }[] = []

  constructor(layout: SvdCoreLayout, from: Point) {
    this.#layout = layout
    this.#from = from
    const ways = new Float64Array(layout.size)
    const splitters = new Float64Array(layout.size)
    if (from.stage === 0) ways[from.waveguide] = 1
    for (let column = 0; column <= layout.columns; column++) {
      this.#before[column] = { ways: ways.slice(), splitters: splitters.slice() }
      if (column < from.depth) continue
      for (const { column: own, top } of layout.mzis) {
        if (own !== column) continue
        if (from.stage === 1 && column === from.depth && top === from.waveguide) {
          ways.fill(1, top, top + 2)
          splitters.fill(1, top, top + 2)
          continue
        }
        // Either arm leads from either input to either output.
        const through = 2 * (ways[top]! + ways[top + 1]!)
        ways.fill(through, top, top + 2)
      }
    }
  }

  at({ depth, stage, waveguide }: Point): number {
    if (depth === this.#from.depth && depth >= 0 && depth < this.#layout.columns) {
      // Of one column: the phase before the first splitter, and the one behind it.
      return waveguide === this.#from.waveguide && stage > this.#from.stage ? 0.5 : 0
    }
    if (depth === this.#from.depth) return waveguide === this.#from.waveguide ? 1 : 0
    const { ways, splitters } = this.#before[depth]!
    const arms = stage === 0 ? [waveguide] : [waveguide, waveguide + 1]
    const lit = arms.filter((w) => ways[w]! > 0)
    if (lit.length === 0) return 0
    if (lit.length > 1 || ways[lit[0]!]! > 1) return NaN
    return 0.5 ** (splitters[lit[0]!]! + stage)
  }
}
