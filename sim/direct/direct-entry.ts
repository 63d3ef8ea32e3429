import { BenchError } from '../../core/errors.ts'
import type {
  BiasController,
  EnergyMeter,
  Laser,
  MultichannelPowerMeter,
  PhaseShifterBank,
  SymbolGenerator,
  TemperatureController,
  VoltageMonitor,
} from '../../core/instruments.ts'
import type { Range } from '../../core/range.ts'
import type { SimContext, WorldPorts } from '../sim-entry.ts'

/** What each kind of instrument is to those who use it. */
export interface DirectClasses {
  readonly laser: Laser
  readonly 'symbol-generator': SymbolGenerator
  readonly 'bias-controller': BiasController
  readonly 'phase-shifter-bank': PhaseShifterBank
  readonly 'temperature-controller': TemperatureController
  readonly 'power-meter': MultichannelPowerMeter
  readonly 'voltage-monitor': VoltageMonitor
  readonly 'energy-meter': EnergyMeter
}

/** One line of the registry: driver, wire and simulated instrument of one model in one, without bytes. */
export interface DirectEntry<Kind extends keyof DirectClasses = keyof DirectClasses> {
  readonly kind: Kind
  /** Takes as long as a driver takes to open its simulated instrument, on the clock. */
  open(port: WorldPorts[Kind], context: SimContext, signal: AbortSignal): Promise<DirectClasses[Kind]>
}

/** A setting as the driver's schema parsed it. */
export function numberSetting({ name, settings }: SimContext, key: string): number {
  const value = settings[key]
  if (typeof value === 'number') return value
  throw new BenchError('BENCH_FILE_INVALID', `${name}: ${key} must be a number`, { context: { instrument: name, key } })
}

export function rangeSetting({ settings }: SimContext, key: string): Range | undefined {
  return settings[key] as Range | undefined
}
