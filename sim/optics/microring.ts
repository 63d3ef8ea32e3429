/** What the foundry made of one add-drop microring. */
export interface RingTruth {
  /** Resonance without heat, at the temperature of calibration. */
  readonly coldThz: number
  readonly freeSpectralRangeThz: number
  readonly fwhmThz: number
  /** Power dropped on resonance. */
  readonly dropPeak: number
  /** Power let through on resonance, and far from it. */
  readonly throughFloor: number
  readonly throughFar: number
}

export interface RingOutputs {
  readonly drop: number
  readonly through: number
}

/**
 * Power of the light at the two outputs of a ring for 1 at its input: a Lorentzian in the detuning d from the nearest
 * resonance of its comb, L = 1/(1 + (2d/FWHM)²); drop = peak·L, through = far − (far − floor)·L.
 *
 * Source: weight-bank model of docs/physics.md. `shiftThz` > 0 moves the resonance to lower frequency: heat does.
 */
export function ringOutputs(ring: RingTruth, frequencyThz: number, shiftThz: number): RingOutputs {
  const beside = (frequencyThz - (ring.coldThz - shiftThz)) / ring.freeSpectralRangeThz
  const detuningThz = (beside - Math.round(beside)) * ring.freeSpectralRangeThz
  const line = 1 / (1 + ((2 * detuningThz) / ring.fwhmThz) ** 2)
  return { drop: ring.dropPeak * line, through: ring.throughFar - (ring.throughFar - ring.throughFloor) * line }
}

/**
 * Rings in series on one bus, in the order of the light: what each drops is taken from what the next ones see.
 *
 * Light on the drop bus is not taken up again by other rings. `shiftsThz[ring]` as above.
 */
export function bankOutputs(
  rings: readonly RingTruth[],
  frequencyThz: number,
  shiftsThz: ArrayLike<number>,
): RingOutputs {
  let [drop, through] = [0, 1]
  for (const [index, ring] of rings.entries()) {
    const outputs = ringOutputs(ring, frequencyThz, shiftsThz[index]!)
    drop += through * outputs.drop
    through *= outputs.through
  }
  return { drop, through }
}
