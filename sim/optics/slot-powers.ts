/** Light on each detector from each laser in one time slot. Shapes: [laser, detector]. */
export interface SlotPowers {
  readonly mw: Float64Array
  /**
   * Only where phase noise acts: the power without the beat with the local oscillator, and the beat that a local oscillator
   * turned by a quarter would give.
   */
  readonly beat?: { readonly sumMw: Float64Array; readonly quadratureMw: Float64Array }
}

/**
 * A slot from the powers at three phases of the local oscillator: 0, a quarter turn, half a turn.
 *
 * P(δ) = S + I·cos δ + Q·sin δ.
 */
export function slotWithBeat(powersAt: (loTurnRad: number) => Float64Array): SlotPowers {
  const [mw, quarter, half] = [powersAt(0), powersAt(Math.PI / 2), powersAt(Math.PI)]
  const sumMw = mw.map((power, at) => (power + half[at]!) / 2)
  return { mw, beat: { sumMw, quadratureMw: quarter.map((power, at) => power - sumMw[at]!) } }
}
