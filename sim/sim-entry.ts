import type { Clock } from '../core/clock.ts'
import type {
  AnalogPort,
  BiasPort,
  DetectorPort,
  DrivePort,
  FilterPort,
  HeaterPort,
  LaserPort,
  MainsPort,
  OvenPort,
  SourceMeterPort,
} from './optics/world-ports.ts'
import type { WireInstrument } from './ports/wire-instrument.ts'

/** Where an instrument touches the world, by kind. */
export interface WorldPorts {
  readonly laser: LaserPort
  readonly 'symbol-generator': DrivePort
  readonly 'bias-controller': BiasPort
  readonly 'phase-shifter-bank': HeaterPort
  readonly 'temperature-controller': OvenPort
  readonly 'power-meter': DetectorPort
  readonly 'voltage-monitor': AnalogPort
  readonly 'energy-meter': MainsPort
  readonly 'source-meter': SourceMeterPort
  readonly 'optical-filter': FilterPort
}

export interface SimContext {
  /** Name of the instrument in the bench file; seeds its noise and serial number. */
  readonly name: string
  readonly seed: number
  readonly clock: Clock
  /** The instrument's settings in the bench file, as the driver's schema parsed them. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Modbus unit of the resource, where there is one. */
  readonly unit?: number
}

/** One line of the registry: the simulated twin of one driver. */
export interface SimEntry<Kind extends keyof WorldPorts = keyof WorldPorts> {
  readonly kind: Kind
  create(port: WorldPorts[Kind], context: SimContext): WireInstrument
}
