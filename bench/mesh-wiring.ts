import type { LaserWiring, LightWiring, PortWiring } from './light-wiring.ts'

export type LaneWiring = LaserWiring & PortWiring

/** How the instruments of a bench are wired to its mesh core. */
export interface MeshWiring extends LightWiring {
  readonly lanes: readonly LaneWiring[]
  /** Large cores may have none. */
  readonly taps: { readonly monitor: string; readonly firstInput: number } | undefined
}
