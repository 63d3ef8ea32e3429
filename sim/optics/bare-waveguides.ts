import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import type { HeaterPosition } from './crosstalk.ts'

/** Waveguides of one mesh without heaters: by number in `BareWaveguides.places`, beside φ; beside θ it is the next one. */
export interface BareMesh {
  /** [mzi]: its lower waveguide. */
  readonly lower: readonly number[]
  /** [column]: waveguides that meet no interferometer there. */
  readonly passing: readonly (readonly { readonly row: number; readonly bare: number }[])[]
}

/**
 * Pieces of waveguide that no heater stands on, in the columns of the meshes: what warms up there turns light as it does
 * under a heater (Quandela 2025, arXiv 2506.05988).
 */
export interface BareWaveguides {
  readonly places: readonly HeaterPosition[]
  readonly first: BareMesh
  readonly second: BareMesh
}

const known = new WeakMap<SvdCoreLayout, BareWaveguides>()

/** Every waveguide of every column of a mesh's heaters has either a heater or a place here. One plan a layout. */
export function bareWaveguides(layout: SvdCoreLayout): BareWaveguides {
  const plan = known.get(layout) ?? planOf(layout)
  known.set(layout, plan)
  return plan
}

function planOf(layout: SvdCoreLayout): BareWaveguides {
  const places: HeaterPosition[] = []
  const mesh = ({ phi }: SvdCoreLayout['first']): BareMesh => {
    const start = phi.length === 0 ? undefined : layout.heaters[phi[0]!]!.x - 2 * layout.mzis[0]!.column
    if (start === undefined) return { lower: [], passing: [] }
    const place = (column: number, row: number): number => {
      const x = start + 2 * column
      return places.push({ x, y: row }, { x: x + 1, y: row }) - 2
    }
    const meets = layout.mzis.map(({ column, top }) => [`${column} ${top}`, `${column} ${top + 1}`]).flat()
    const met = new Set(meets)
    return {
      lower: layout.mzis.map(({ column, top }) => place(column, top + 1)),
      passing: Array.from({ length: layout.columns }, (_, column) =>
        Array.from({ length: layout.size }, (_, row) => row)
          .filter((row) => !met.has(`${column} ${row}`))
          .map((row) => ({ row, bare: place(column, row) })),
      ),
    }
  }
  const [first, second] = [mesh(layout.first), mesh(layout.second)]
  return { places, first, second }
}
