const FULL_SCALE_CODE = 127
/** Samples of extended memory come at a quarter of the converters' rate when all four channels use it. */
const RATE_DIVIDER = 4
/** A new sample rate recalibrates the converters for seconds. Assumption: two of them. */
export const RECALIBRATION_MS = 2_000
/** As it comes. */
export const FACTORY_RATE_HZ = 64e9

/** The amplitude is peak to peak on one connector. */
export const voltsPerCode = (amplitudeVpp: number): number => amplitudeVpp / 2 / FULL_SCALE_CODE

export const durationS = (samples: number, rateHz: number): number => (samples * RATE_DIVIDER) / rateHz
