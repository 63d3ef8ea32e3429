import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { settingsOf } from '../plan-step.ts'
import { everyPort } from './intensity-probe.ts'
import type { IntensityLook } from './intensity-probe.ts'
import { invisibleHeaters } from './intensity-programming.ts'

/** Settings looked at, of which the best becomes the base. */
export const BASE_CANDIDATES = 8
/** Of the heaters' range, in V²: the rest is what each is moved by. */
export const BASE_SHARE = 0.4
/** Powers below this share of the mean are equally dark. */
const DARK = 0.01

export interface BaseSetting {
  readonly voltagesSquared: Float64Array
  /** [input, output] */
  readonly powers: Float64Array
}

/**
 * Cold and some random settings, those first whose light is spread most evenly over all inputs and outputs: a heater under
 * which no light passes tells nothing, and cold chips of few ports often have such ones.
 */
export async function baseSettings(
  layout: SvdCoreLayout,
  coldHeater: number,
  look: IntensityLook,
  maxV2: number,
): Promise<readonly BaseSetting[]> {
  const idle = invisibleHeaters(layout)
  const random = settingsOf('base')
  const anywhere = (): Float64Array =>
    Float64Array.from(layout.heaters, (_, heater) =>
      idle.has(heater) || heater === coldHeater ? 0 : BASE_SHARE * maxV2 * random.uniform(),
    )
  const settings: (BaseSetting & { readonly evenness: number })[] = []
  for (let candidate = 0; candidate < BASE_CANDIDATES; candidate++) {
    const voltagesSquared = candidate === 0 ? new Float64Array(layout.heaters.length) : anywhere()
    const { powers } = await look(voltagesSquared.map(Math.sqrt), everyPort(layout.size))
    settings.push({ voltagesSquared, powers, evenness: evennessOf(powers) })
  }
  return settings.sort((left, right) => right.evenness - left.evenness)
}

/** Mean ln of all powers over their mean; 0 when they are all alike. */
function evennessOf(powers: Float64Array): number {
  const mean = powers.reduce((sum, power) => sum + power, 0) / powers.length
  return powers.reduce((sum, power) => sum + Math.log(Math.max(DARK, power / mean)), 0) / powers.length
}
