import type { Clock } from './clock.ts'
import type {
  BiasController,
  EnergyMeter,
  Laser,
  MultichannelPowerMeter,
  PhaseShifterBank,
  SymbolGenerator,
  TemperatureController,
  VoltageMonitor,
} from './instruments.ts'
import type { SvdCoreLayout } from './mesh-layout.ts'
import type { PowerDbm } from './quantities.ts'
import type { Range } from './range.ts'

/** Generator `generator`, output `channel`, of the bench's list of generators. */
export interface DriveChannel {
  readonly generator: number
  readonly channel: number
}

/** Meter `meter`, optical input `port`, of the bench's list of meters. */
export interface MeterPort {
  readonly meter: number
  readonly port: number
}

export interface MeshLane {
  readonly laser: Laser
  readonly frequencyThz: number
  readonly laserPower: PowerDbm
  /** [port]: the modulator that puts this lane's data on input `port`. */
  readonly modulators: readonly { readonly drive: DriveChannel; readonly bias: BiasController }[]
  /** [port]: the two outputs of the balanced coupler at output `port`. */
  readonly detectors: readonly { readonly plus: MeterPort; readonly minus: MeterPort }[]
}

export interface FrameTiming {
  readonly symbolPeriodS: number
  /** Meter points a symbol lasts; the first and the last of them see the edges and are thrown away. */
  readonly pointsPerSymbol: number
  readonly maxSymbolsPerFrame: number
}

/**
 * An open bench with a U·Σ·V† mesh core, instruments by what they do.
 *
 * Calibration and orchestrator see this and no vendor. It says what was wired, never what the chip is like.
 */
export interface MeshBench {
  readonly layout: SvdCoreLayout
  readonly lanes: readonly MeshLane[]
  readonly generators: readonly SymbolGenerator[]
  /** Index of the generator whose trigger output starts all others and the meters. */
  readonly triggerGenerator: number
  readonly driveAmplitudeV: number
  readonly meters: readonly MultichannelPowerMeter[]
  readonly meterRangeDbm: number
  readonly heaters: PhaseShifterBank
  /** [heater of the layout]: channel of the bank. */
  readonly heaterChannels: readonly number[]
  readonly heaterLimitsV: Range
  /** Wait after a change of heaters before light is measured. */
  readonly heaterSettleMs: number
  /** Slow detectors between the meshes; large cores have none. */
  readonly taps?: { readonly monitor: VoltageMonitor; readonly firstChannel: number }
  readonly ovens: readonly {
    readonly name: string
    readonly controller: TemperatureController
    readonly temperatureC: number
  }[]
  readonly mains: EnergyMeter
  readonly timing: FrameTiming
  readonly clock: Clock
}
