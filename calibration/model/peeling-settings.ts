import type { RandomStream } from '../../core/random.ts'
import type { PeelingStage } from './peeling-stages.ts'

/** Turns of θ and φ in each setting, for every other interferometer of a column with θ and φ changed over. */
const TURNS: readonly (readonly [theta: number, phi: number])[] = [
  [0.28, 0],
  [0, 0.85],
  [0.75, 0],
  [0, 0.3],
  [0.9, 0.5],
  [0.45, 0.8],
]
/** Settings in which each stage is looked at. */
export const STAGE_SETTINGS = TURNS.length
/** Relative spread of the turns among the interferometers, so that no two move alike. */
const JITTER = 0.12

/**
 * Voltages at which one stage is looked at: both heaters of every interferometer alone and together, all
 * interferometers at once.
 *
 * Shapes: [setting] of [heater].
 */
export function peelingSettings(
  stage: PeelingStage,
  baseV: Float64Array,
  nominalRadPerV2: number,
  maxVoltageV: number,
  random: RandomStream,
): readonly Float64Array[] {
  const turn = (2 * Math.PI) / nominalRadPerV2
  return TURNS.map(([one, other]) => {
    const voltages = baseV.slice()
    for (const [place, { theta, phi }] of stage.blocks.entries()) {
      const [first, second] = place % 2 === 0 ? [theta, phi] : [phi, theta]
      for (const [heater, turns] of [
        [first, one],
        [second, other],
      ] as const) {
        const more = turns * turn * (1 + JITTER * random.uniform(-1, 1))
        voltages[heater] = within(baseV[heater]! ** 2, more, turn, maxVoltageV)
      }
    }
    return voltages
  })
}

/** Up from the base, or a turn less where that is out of reach. */
function within(baseV2: number, more: number, turn: number, maxVoltageV: number): number {
  const up = baseV2 + more
  if (up <= maxVoltageV ** 2) return Math.sqrt(up)
  return Math.min(maxVoltageV, Math.sqrt(Math.max(0, up - turn)))
}
