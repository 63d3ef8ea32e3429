import type { AwgrForm } from '../core/awgr-layout.ts'
import type { LaserWiring, LightWiring, PortWiring } from './light-wiring.ts'

/** How the instruments of a bench are wired to its AWGR core. */
export interface AwgrWiring extends LightWiring {
  readonly form: AwgrForm
  readonly channelSpacingGhz: number
  /** [wavelength] */
  readonly wavelengths: readonly LaserWiring[]
  readonly ports: PortWiring
}
