import type { PowerDbm } from './quantities.ts'
import type { Range } from './range.ts'

/** What an instrument says of itself. Empty strings where it says nothing. */
export interface Identity {
  readonly maker: string
  readonly model: string
  readonly serial: string
  readonly firmware: string
}

/**
 * Anything with a wire.
 *
 * Every call that waits takes an AbortSignal, last. Throws: RANGE_EXCEEDED before a byte is sent;
 * TRANSPORT_* when the wire fails; PROTOCOL_UNEXPECTED_REPLY with the raw reply; INSTRUMENT_REFUSED with the
 * instrument's own error.
 *
 * Disposing makes safe first (with a deadline of its own), then lets go of the wire even if that failed.
 */
export interface Instrument extends AsyncDisposable {
  readonly identity: Identity
  /** Dark, cold, parked: commands the safe state and reads it back. Throws SAFE_STATE_UNVERIFIED. Idempotent. */
  makeSafe(signal: AbortSignal): Promise<void>
}

/** A laser on a frequency grid. Frequencies are optical, in vacuum. */
export interface Laser extends Instrument {
  readonly frequencyRangeThz: Range
  readonly powerRangeDbm: Range
  /** Only while dark on most modules; switches emission off first when it must. */
  setFrequencyThz(frequencyThz: number, signal: AbortSignal): Promise<void>
  readFrequencyThz(signal: AbortSignal): Promise<number>
  setPowerDbm(power: PowerDbm, signal: AbortSignal): Promise<void>
  /** Measured output power. */
  readPowerDbm(signal: AbortSignal): Promise<PowerDbm>
  /** Resolves once the light is on and settled, or off. */
  setEmission(on: boolean, signal: AbortSignal): Promise<void>
  readEmission(signal: AbortSignal): Promise<boolean>
}

export interface SymbolFormat {
  /** Time one symbol stays on the output. */
  readonly symbolPeriodS: number
  /** Output voltage of code +127, before any driver amplifier. */
  readonly amplitudeV: number
}

/** Plays symbols on several channels at once, as int8 codes: −127…127 of full scale. */
export interface SymbolGenerator extends Instrument {
  readonly channelCount: number
  readonly maxSymbolsPerFrame: number
  configure(format: SymbolFormat, signal: AbortSignal): Promise<void>
  /**
   * Stops, uploads one frame and arms: it plays once at the next trigger, then rests at code 0.
   *
   * Shapes: `codes[channel]` is [symbol], one array a channel, all of one length.
   */
  loadFrame(codes: readonly Int8Array[], signal: AbortSignal): Promise<void>
  /**
   * What `loadFrame` of the same arrays need not do any more: to be called while the frame before plays, which goes on.
   * The arrays must stay as they are until then. Generators without a second place for a frame leave it out.
   */
  prepareFrame?(codes: readonly Int8Array[], signal: AbortSignal): Promise<void>
  /** Arms the frame that is already loaded, again. */
  rearm(signal: AbortSignal): Promise<void>
  /** Software trigger: plays the frame and sends a pulse out of the trigger output. */
  trigger(signal: AbortSignal): Promise<void>
  /** Rests at these codes, one a channel, until the next load or stop. */
  hold(codes: Int8Array, signal: AbortSignal): Promise<void>
  stop(signal: AbortSignal): Promise<void>
}

/** Keeps one Mach–Zehnder modulator at a point of its transfer curve. */
export interface BiasController extends Instrument {
  /** Finds the null of the transmission and holds it; resolves when locked. Throws INSTRUMENT_NOT_SETTLED. */
  lockNull(signal: AbortSignal): Promise<void>
  readLocked(signal: AbortSignal): Promise<boolean>
  readBiasV(signal: AbortSignal): Promise<number>
}

/** Many heaters, one voltage each. */
export interface PhaseShifterBank extends Instrument {
  readonly channelCount: number
  readonly voltageRangeV: Range
  /** Sets `voltagesV.length` neighbouring channels, starting at `first`, module by module. */
  setVoltagesV(first: number, voltagesV: Float64Array, signal: AbortSignal): Promise<void>
  /** Measured, not the set points. Shape: [channelCount]. */
  readVoltagesV(signal: AbortSignal): Promise<Float64Array>
  /** Measured electrical power of each channel. Shape: [channelCount]. */
  readPowersMw(signal: AbortSignal): Promise<Float64Array>
}

export interface TemperatureController extends Instrument {
  readonly temperatureRangeC: Range
  setTemperatureC(temperatureC: number, signal: AbortSignal): Promise<void>
  readTemperatureC(signal: AbortSignal): Promise<number>
  setRunning(on: boolean, signal: AbortSignal): Promise<void>
}

export interface PowerLog {
  readonly points: number
  /** Averaging time of one point; points follow each other without a gap. */
  readonly averagingS: number
}

/** An optical power meter with several ports that log together. */
export interface MultichannelPowerMeter extends Instrument {
  readonly channelCount: number
  readonly maxLogPoints: number
  /** Fixed ranges from the most sensitive one to the widest, in steps of 10 dB. */
  readonly rangesDbm: Range
  /** A complete record can be read until the next but one is triggered, not only until the next one is armed. */
  readonly keepsRecords?: boolean
  /** Same wavelength and fixed range on every port. */
  configure(setup: { readonly wavelengthNm: number; readonly rangeDbm: number }, signal: AbortSignal): Promise<void>
  /** Every port waits for one external trigger, then logs the whole record. */
  armLog(log: PowerLog, signal: AbortSignal): Promise<void>
  /** Resolves when the last armed record is complete. */
  waitLog(signal: AbortSignal): Promise<void>
  /**
   * Shape: [port][point], in mW; the next call but one may fill the same arrays again.
   *
   * Throws: PROTOCOL_UNEXPECTED_REPLY on a wrong length, RANGE_EXCEEDED on over-range.
   */
  readLogMw(signal: AbortSignal): Promise<Float64Array[]>
  readPowerMw(port: number, signal: AbortSignal): Promise<number>
}

/** Slow analog inputs. */
export interface VoltageMonitor extends Instrument {
  readonly channelCount: number
  /** Shape: [count], starting at channel `first`. */
  readVoltagesV(first: number, count: number, signal: AbortSignal): Promise<Float64Array>
}

/** What one output forces, and how far the other quantity may go: beyond the limit, the limit is what is forced. */
export type SourceLevel =
  | { readonly force: 'voltage'; readonly voltageV: number; readonly limitA: number }
  | { readonly force: 'current'; readonly currentA: number; readonly limitV: number }

/** Levels that one output steps through. */
export type SourceSweep =
  | { readonly force: 'voltage'; readonly voltagesV: Float64Array; readonly limitA: number }
  | { readonly force: 'current'; readonly currentsA: Float64Array; readonly limitV: number }

/** Largest values that ranges must hold; left out, the instrument chooses its ranges by itself. */
export interface SourceRanges {
  readonly voltageV?: number
  readonly currentA?: number
}

export interface SourceReading {
  readonly voltageV: number
  readonly currentA: number
  /** The limit was what was forced, not the level. */
  readonly limited: boolean
}

/** Shape of each array: [level of the sweep]. */
export interface SourceSweepReadings {
  readonly voltagesV: Float64Array
  readonly currentsA: Float64Array
  /** 1 where the limit was what was forced. */
  readonly limited: Uint8Array
}

/** A source meter: every channel forces a voltage or a current, and measures both. Channels count from 0. */
export interface SourceMeter extends Instrument {
  readonly channelCount: number
  /** What can be forced at all; level and limit together are bounded more tightly. */
  readonly voltageRangeV: Range
  readonly currentRangeA: Range
  readonly maxSweepLevels: number
  /** Ranges of source and meter, for all that follows. */
  setRanges(channel: number, ranges: SourceRanges, signal: AbortSignal): Promise<void>
  /** At once when the output is on. Takes level and limit together. */
  setLevel(channel: number, level: SourceLevel, signal: AbortSignal): Promise<void>
  /** Only once a level was set. Resolves when the instrument says that the output is on, or off. */
  setOutput(channel: number, on: boolean, signal: AbortSignal): Promise<void>
  readOutput(channel: number, signal: AbortSignal): Promise<boolean>
  /** Throws CALL_INVALID while the output is off, RANGE_EXCEEDED on over-range. */
  measure(channel: number, signal: AbortSignal): Promise<SourceReading>
  /**
   * Steps through all levels, and measures at each after it has settled. Throws as `measure` does.
   *
   * Leaves: the output on, back at the level that was set before; also when it fails, as far as the wire allows.
   */
  measureSweep(channel: number, sweep: SourceSweep, signal: AbortSignal): Promise<SourceSweepReadings>
}

/**
 * What a programmable filter does to each slice of the spectrum, 1 GHz wide.
 *
 * Shapes: each array is [slice], in ascending frequency without a gap.
 */
export interface FilterProfile {
  readonly frequenciesThz: Float64Array
  readonly attenuationsDb: Float64Array
  readonly phasesRad: Float64Array
  /** Output port as on the front panel, from 1; 0 blocks. */
  readonly ports: Uint8Array
}

export interface BandPass {
  /** As on the front panel, from 1. */
  readonly port: number
  readonly centreThz: number
  readonly bandwidthThz: number
  readonly attenuationDb: number
}

/** A programmable optical filter. Every load replaces all that was set before; slices that it does not name are blocked. */
export interface OpticalFilter extends Instrument {
  readonly frequencyRangeThz: Range
  readonly portCount: number
  /** Resolves, as the other loads do, when the light has settled. */
  loadProfile(profile: FilterProfile, signal: AbortSignal): Promise<void>
  loadBandPass(bandPass: BandPass, signal: AbortSignal): Promise<void>
  blockAll(signal: AbortSignal): Promise<void>
  readProfile(signal: AbortSignal): Promise<FilterProfile>
}

/** How far a reading may be off, as a share of it, and who says so. */
export interface ReadingAccuracy {
  readonly relative: number
  readonly from: string
}

/** A mains energy meter. */
export interface EnergyMeter extends Instrument {
  /** Of power. */
  readonly accuracy: ReadingAccuracy
  readPowerW(signal: AbortSignal): Promise<number>
  /** Counter since the meter was built. */
  readEnergyKwh(signal: AbortSignal): Promise<number>
}
