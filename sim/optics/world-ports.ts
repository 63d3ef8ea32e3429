/**
 * What a simulated instrument touches of the optical world, one interface a kind of instrument.
 *
 * The world implements them; an instrument never sees more of the world than its own port.
 */

export interface LaserPort {
  /** `powerMw` is what leaves the fibre; 0 when dark. */
  setOutput(output: { readonly powerMw: number; readonly frequencyThz: number }): void
}

/** The electrical outputs of one symbol generator, and its trigger connectors. */
export interface DrivePort {
  /** Output at rest, in volts, one value a channel. */
  rest(levelsV: readonly number[]): void
  /** Voltages of the frame that the next start plays: `levelsV[channel]` is [symbol]. */
  load(levelsV: readonly Float64Array[], symbolPeriodS: number): void
  /** The frame begins now; a pulse leaves the trigger output. */
  start(): void
  /** `listener` runs when a pulse arrives at this instrument's trigger input. */
  onTrigger(listener: () => void): void
}

export interface BiasPort {
  /** Electrode voltage in manual operation. */
  setBiasV(biasV: number): void
  /** Holds the electrode where the dither finds the null, wherever that goes, until the next `setBiasV`. */
  followNull(): void
  /** Where the controller's dither settles when it looks for the null: the true null plus its locking error. */
  nullBiasV(): number
  /** Optical power on the controller's tap; near 0 without light. */
  tapMw(): number
}

export interface HeaterPort {
  setVoltageV(channel: number, voltageV: number): void
  /** Current that the heater draws now. */
  currentMa(channel: number): number
}

export interface OvenPort {
  /** Drive of the heating element or TEC, 0…1. */
  setSetPointC(setPointC: number, running: boolean): void
  temperatureC(): number
}

/** The optical inputs of one power meter. */
export interface DetectorPort {
  /** Power that falls on a port now, in mW as this port's photodiode reports it: responsivity error, dark and noise included. */
  powerMw(channel: number): number
  /** A record that began with the pulse just received. Shape: [point]. Same contents as `powerMw`. */
  captureMw(channel: number, points: number, averagingS: number): Float64Array
  /** `listener` runs when a pulse arrives at this instrument's trigger input. */
  onTrigger(listener: () => void): void
}

export interface AnalogPort {
  /** Voltage at an analog input now, noise of the source included, noise of the converter not. */
  voltageV(channel: number): number
}

/** What hangs on the terminals of one source meter: force the one quantity and get the other. */
export interface SourceMeterPort {
  /** The voltage that lies at the load from now on; returns the current that it draws, in A. */
  forceV(channel: number, voltageV: number): number
  /** The current that flows through the load from now on; returns the voltage, in V: ±Infinity when it would not stop rising. */
  forceA(channel: number, currentA: number): number
}

/** What one slice of the spectrum, 1 GHz wide, meets in a programmable filter. */
export interface FilterSetting {
  readonly frequencyThz: number
  readonly attenuationDb: number
  readonly phaseRad: number
  /** 1 and up; slices without a setting are blocked. */
  readonly port: number
}

export interface FilterPort {
  /** Replaces all settings. */
  set(settings: readonly FilterSetting[]): void
}

export interface MainsPort {
  powerW(): number
  energyKwh(): number
}
