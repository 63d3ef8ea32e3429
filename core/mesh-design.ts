/** How the MZIs of a mesh are arranged: in a rectangle or in a triangle. */
export type MeshArrangement = 'clements' | 'reck'

/**
 * How the MZIs of a mesh are drawn: with two splitters; with a third one in front of φ, which keeps what splitter errors
 * make unreachable away from the cross state; or with a crossing there, which makes it the bar state.
 */
export type MziKind = 'plain' | 'three-splitter' | 'crossing'

/** What the meshes make together: any matrix as U·Σ·V†, or a unitary one in a single mesh. */
export type CoreForm = 'svd' | 'unitary'

/** How a mesh core is drawn, before anything is fabricated. */
export interface MeshDesign {
  readonly arrangement: MeshArrangement
  readonly mzi: MziKind
  readonly form: CoreForm
  /**
   * How light is read behind the core. Absent, as in records from before there was a choice: balanced homodyne, which needs
   * local oscillators and their heaters. Intensity is one photodiode an output, and nothing beside the light.
   */
  readonly detection?: 'intensity'
}

export const DEFAULT_DESIGN: MeshDesign = { arrangement: 'clements', mzi: 'plain', form: 'svd' }

/** In the words of a bench file. */
export const designText = ({ arrangement, mzi, form, detection }: MeshDesign): string =>
  `layout ${arrangement}, mzi ${mzi}, form ${form}${detection === undefined ? '' : `, detection ${detection}`}`

/** Share of the transmission through the whole mesh that a tile's largest singular value uses; the rest is room for corrections. */
export const WEIGHT_HEADROOM = 0.9
