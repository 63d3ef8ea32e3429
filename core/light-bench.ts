import type { Clock } from './clock.ts'
import type {
  BiasController,
  EnergyMeter,
  Laser,
  MultichannelPowerMeter,
  PhaseShifterBank,
  SymbolGenerator,
  TemperatureController,
} from './instruments.ts'
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

export interface BenchLaser {
  /** What its bench file calls it, for people. */
  readonly name?: string
  readonly laser: Laser
  readonly frequencyThz: number
  readonly laserPower: PowerDbm
}

/** What reads one output: the two sides of a balanced pair, or a single photodiode. */
export interface OutputDetectors {
  readonly plus: MeterPort
  readonly minus?: MeterPort
}

/** Data that passes the core at once: what puts it on the light, and what reads its products. */
export interface DataLane {
  /** [input] */
  readonly modulators: readonly { readonly drive: DriveChannel; readonly bias: BiasController }[]
  /** [output] */
  readonly detectors: readonly OutputDetectors[]
}

export interface FrameTiming {
  readonly symbolPeriodS: number
  /** Meter points a symbol lasts; the first and the last of them see the edges and are thrown away. */
  readonly pointsPerSymbol: number
  readonly maxSymbolsPerFrame: number
}

/**
 * An open bench around any core, instruments by what they do.
 *
 * Calibration and orchestrator see this and no vendor. It says what was wired, never what the chip is like.
 */
export interface LightBench {
  /** One for each wavelength. */
  readonly lasers: readonly BenchLaser[]
  readonly lanes: readonly DataLane[]
  readonly generators: readonly SymbolGenerator[]
  /** Index of the generator whose trigger output starts all others and the meters. */
  readonly triggerGenerator: number
  readonly driveAmplitudeV: number
  readonly meters: readonly MultichannelPowerMeter[]
  /** [meter]: what its bench file calls it, for people. */
  readonly meterNames?: readonly string[]
  readonly meterRangeDbm: number
  readonly heaters: PhaseShifterBank
  /** [heater of the core's layout]: channel of the bank. */
  readonly heaterChannels: readonly number[]
  readonly heaterLimitsV: Range
  /** Wait after a change of heaters before light is measured. */
  readonly heaterSettleMs: number
  readonly ovens: readonly {
    readonly name: string
    readonly controller: TemperatureController
    readonly temperatureC: number
  }[]
  readonly mains: EnergyMeter
  readonly timing: FrameTiming
  readonly clock: Clock
}
