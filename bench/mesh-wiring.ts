import type { MeshDesign } from '../core/mesh-design.ts'
import type { LaserWiring, LightWiring, PortWiring } from './light-wiring.ts'

export type LaneWiring = LaserWiring & PortWiring

/** How the instruments of a bench are wired to its mesh core. */
export interface MeshWiring extends LightWiring {
  readonly design: MeshDesign
  readonly lanes: readonly LaneWiring[]
  /** Large cores may have none, unitary ones never have. */
  readonly taps: { readonly monitor: string; readonly firstInput: number } | undefined
}
