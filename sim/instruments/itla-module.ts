import type { Identity } from '../../core/instruments.ts'
import { dbmToMw, powerDbm } from '../../core/quantities.ts'
import { RandomStream } from '../../core/random.ts'
import type { SimContext } from '../sim-entry.ts'

/** From a new channel to a frequency that stands. Assumption: modules take up to some seconds. */
export const TUNE_MS = 500
/** From the command to light that stands. Assumption: modules take seconds to tens of seconds. */
export const ENABLE_MS = 1500
/** A new power or a fine-tuning step, while lit. Assumption. */
export const TRIM_MS = 200
export const POWER_RANGE_DBM = { min: 6, max: 13.5 }
export const FREQUENCY_MIN_MHZ = 191_500_000
export const FREQUENCY_MAX_MHZ = 196_250_000
/** What the monitor photodiode reports in the dark, dBm·100. Assumption. */
export const DARK_POWER = -4000
/** Largest difference between set point and light, in hundredths of a dB. Assumption. */
const MAX_POWER_ERROR = 5

/** What was made: hundredths of a dB between set point and light, which the reading shares, and a serial number. */
export function fabricateItla({ seed, name, settings: { serial } }: SimContext): {
  readonly powerError: number
  readonly serial: string
} {
  const stream = new RandomStream(seed, `${name}/itla`)
  const powerError = Math.round(stream.uniform(-MAX_POWER_ERROR, MAX_POWER_ERROR))
  return { powerError, serial: typeof serial === 'string' ? serial : `SIM${Math.floor(stream.uniform(1e5, 1e6))}` }
}

export const ITLA_IDENTITY: Omit<Identity, 'serial'> = { maker: 'FRINGE', model: 'SIM-ITLA', firmware: 'SIM:1.0' }

/** Light of a power in hundredths of dBm. */
export const lightMw = (power: number): number => dbmToMw(powerDbm(power / 100))
