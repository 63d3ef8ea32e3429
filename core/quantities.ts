declare const unit: unique symbol

/** Optical power, logarithmic: 0 dBm is 1 mW. Two of these are never added. */
export type PowerDbm = number & { readonly [unit]: 'dBm' }
/** Optical power, linear. Averages and fits happen on this scale. */
export type PowerMw = number & { readonly [unit]: 'mW' }

export const powerDbm = (value: number): PowerDbm => value as PowerDbm
export const powerMw = (value: number): PowerMw => value as PowerMw
export const mwToDbm = (power: PowerMw): PowerDbm => powerDbm(10 * Math.log10(power))
export const dbmToMw = (power: PowerDbm): PowerMw => powerMw(10 ** (power / 10))

/** Power ratio of a loss: 3 dB is about one half. */
export const lossDbToPowerRatio = (lossDb: number): number => 10 ** (-lossDb / 10)
/** Field ratio of a loss: 6 dB is about one half. */
export const lossDbToFieldRatio = (lossDb: number): number => 10 ** (-lossDb / 20)

/** Speed of light in vacuum. Source: SI definition, 299 792 458 m/s. */
export const LIGHT_NM_THZ = 299_792.458
export const thzToNm = (frequencyThz: number): number => LIGHT_NM_THZ / frequencyThz
