import { DEFAULT_DESIGN } from './mesh-design.ts'
import type { MeshArrangement, MeshDesign } from './mesh-design.ts'

/** One Mach–Zehnder interferometer: modes `top` and `top + 1` meet in `column`; light passes column 0 first. */
export interface MziPlace {
  readonly column: number
  readonly top: number
}

/**
 * Rectangular mesh of Clements et al., Optica 3, 1460 (2016): N columns, even ones start at mode 0, odd ones at 1.
 *
 * ```
 * 0 ─╳───╳───╳───╳──      columns 0 2 4 6: modes 0-1, 2-3, …
 * 1 ─╳─╳─╳─╳─╳─╳─╳─╳      columns 1 3 5 7: modes 1-2, 3-4, …
 * 2 ─╳─╳─ …
 * ```
 *
 * Shapes: N(N−1)/2 places, column by column, top to bottom.
 */
export function clementsPlaces(size: number): readonly MziPlace[] {
  const places: MziPlace[] = []
  for (let column = 0; column < size; column++) {
    for (let top = column % 2; top + 1 < size; top += 2) places.push({ column, top })
  }
  return places
}

/**
 * Triangular mesh of Reck et al., Phys. Rev. Lett. 73, 58 (1994): 2N−3 columns, modes top and top + 1 meet in the columns
 * top, top + 2, … of one diagonal each.
 *
 * ```
 * 0 ─╳───╳───╳──
 * 1 ─╳─╳─╳─╳─╳──      mode 0 meets mode 1 in each second column,
 * 2 ───╳─╳─╳────      the last two modes meet once, in the middle
 * 3 ─────╳──────
 * ```
 *
 * Shapes: N(N−1)/2 places, column by column, top to bottom.
 */
export function reckPlaces(size: number): readonly MziPlace[] {
  const places: MziPlace[] = []
  for (let column = 0; column < 2 * size - 3; column++) {
    const last = Math.min(column, 2 * size - 4 - column)
    for (let top = column % 2; top <= last; top += 2) places.push({ column, top })
  }
  return places
}

const ARRANGEMENTS = {
  clements: { places: clementsPlaces, columnsOf: (size: number) => size },
  reck: { places: reckPlaces, columnsOf: (size: number) => 2 * size - 3 },
} as const

/** The MZIs of a mesh, column by column, top to bottom. */
export const meshPlaces = (size: number, arrangement: MeshArrangement): readonly MziPlace[] =>
  ARRANGEMENTS[arrangement].places(size)

/** Index of a place in the list of `clementsPlaces`. */
export function clementsIndex(size: number, column: number, top: number): number {
  const [even, odd] = [Math.floor(size / 2), Math.floor((size - 1) / 2)]
  return Math.ceil(column / 2) * even + Math.floor(column / 2) * odd + (top - (column % 2)) / 2
}

/** What one heater does on the chip. */
export type HeaterRole =
  | { readonly kind: 'input'; readonly lane: number; readonly port: number }
  | { readonly kind: 'phi' | 'theta'; readonly mesh: 'first' | 'second'; readonly mzi: number }
  | { readonly kind: 'sigma-phi' | 'sigma-theta'; readonly channel: number }
  | { readonly kind: 'lo'; readonly lane: number; readonly port: number }

export interface HeaterPlace {
  readonly role: HeaterRole
  /** Position on the chip in units of the heater pitch, light travels towards +x. */
  readonly x: number
  readonly y: number
}

/** Index of each heater in the list of places, by what it does. A unitary core has nothing in `sigma` and in `second`. */
export interface SvdCoreLayout {
  readonly size: number
  readonly lanes: number
  readonly design: MeshDesign
  /** How many columns of MZIs either mesh has. */
  readonly columns: number
  /** The MZIs of either mesh. */
  readonly mzis: readonly MziPlace[]
  readonly heaters: readonly HeaterPlace[]
  /** [lane][port]: phase trimmers behind the modulators, before the lanes are multiplexed. */
  readonly input: readonly (readonly number[])[]
  /** [mzi]: the meshes V†, or the only one (`first`, light meets it first), and U (`second`). */
  readonly first: { readonly phi: readonly number[]; readonly theta: readonly number[] }
  readonly second: { readonly phi: readonly number[]; readonly theta: readonly number[] }
  /** [channel]: between the meshes, a phase shifter and an attenuating MZI on each waveguide. */
  readonly sigma: { readonly phi: readonly number[]; readonly theta: readonly number[] }
  /** [lane][port]: phase shifters on the local-oscillator paths; no ports where intensities are read. */
  readonly lo: readonly (readonly number[])[]
}

/**
 * Floor plan of a mesh core with `lanes` wavelengths, left to right:
 *
 * input trimmers │ V† mesh: φ, θ a column │ Σ: φ, θ │ U mesh: φ, θ a column │ local-oscillator shifters
 *
 * The list of heaters follows it: input [lane, port], φ of V† [mzi], θ of V† [mzi], Σ φ, Σ θ, φ of U, θ of U, lo [lane, port].
 * In a unitary core the local oscillators follow its only mesh; a core whose intensities are read has none.
 */
export function meshCoreLayout(size: number, lanes: number, design: MeshDesign = DEFAULT_DESIGN): SvdCoreLayout {
  const { places, columnsOf } = ARRANGEMENTS[design.arrangement]
  const [mzis, columns] = [places(size), columnsOf(size)]
  const heaters: HeaterPlace[] = []
  const place = (role: HeaterRole, x: number, y: number): number => heaters.push({ role, x, y }) - 1
  const ports = Array.from({ length: size }, (_, port) => port)
  const laneNumbers = Array.from({ length: lanes }, (_, lane) => lane)

  let x = 0
  const perLane = (kind: 'input' | 'lo'): number[][] =>
    laneNumbers.map((lane) => {
      const column = ports.map((port) => place({ kind, lane, port }, x, port))
      x++
      return column
    })
  const mesh = (name: 'first' | 'second'): { phi: number[]; theta: number[] } => {
    const phi = mzis.map(({ column, top }, mzi) => place({ kind: 'phi', mesh: name, mzi }, x + 2 * column, top))
    const theta = mzis.map(({ column, top }, mzi) => place({ kind: 'theta', mesh: name, mzi }, x + 2 * column + 1, top))
    x += 2 * columns
    return { phi, theta }
  }
  const attenuators = (): { phi: number[]; theta: number[] } => {
    const phi = ports.map((channel) => place({ kind: 'sigma-phi', channel }, x, channel))
    const theta = ports.map((channel) => place({ kind: 'sigma-theta', channel }, x + 1, channel))
    x += 2
    return { phi, theta }
  }
  const nothing = { phi: [], theta: [] }

  const input = perLane('input')
  const first = mesh('first')
  const sigma = design.form === 'svd' ? attenuators() : nothing
  const second = design.form === 'svd' ? mesh('second') : nothing
  const lo = design.detection === 'intensity' ? laneNumbers.map(() => []) : perLane('lo')
  return { size, lanes, design, columns, mzis, heaters, input, first, second, sigma, lo }
}

/** Floor plan of a core U·Σ·V† of plain MZIs. */
export const svdCoreLayout = (
  size: number,
  lanes: number,
  arrangement: MeshDesign['arrangement'] = 'clements',
): SvdCoreLayout => meshCoreLayout(size, lanes, { ...DEFAULT_DESIGN, arrangement })
