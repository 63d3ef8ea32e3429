import type { ModulatorTruth } from '../optics/modulator.ts'

/** Largest code of a generator, of either sign. */
export const MAX_CODE = 127

/** Half the phase difference of a modulator's arms is radPerCode · code + biasRad, its bias held where the controller has it. */
export function modulatorAngles(
  { vpiV, driverGain, lockBiasV, nullBiasV }: ModulatorTruth,
  voltsPerCode: number,
): { readonly radPerCode: number; readonly biasRad: number } {
  const radPerV = Math.PI / (2 * vpiV)
  return { radPerCode: radPerV * driverGain * voltsPerCode, biasRad: radPerV * (lockBiasV - nullBiasV) }
}
