import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import type { Priors } from '../model/chip-fit-input.ts'
import { intensityBlocks } from './intensity-parameters.ts'
import { invisibleHeaters } from './intensity-programming.ts'

/**
 * How sure we are before the fit: wide where a measurement decides, narrow where the design does. σ = 0 holds a parameter.
 *
 * Phases that no power shows, of whole inputs and of interferometers' light as a whole, stay where the guess put them.
 * Heaters of inputs alone are cold throughout: nothing of them is seen.
 */
export function intensityPriors(layout: SvdCoreLayout, guess: Float64Array): Priors {
  const blocks = intensityBlocks(layout)
  const { size } = layout
  const idle = invisibleHeaters(layout)
  const mean = Float64Array.from(guess)
  const sigma = new Float64Array(blocks.count)
  for (const heater of layout.heaters.keys()) {
    if (idle.has(heater)) continue
    sigma[blocks.offset + heater] = 1
    // Foundries hold heaters to a few percent; the guess may be off by as much.
    sigma[blocks.radPerV2 + heater] = 0.05 * guess[blocks.radPerV2 + heater]!
  }
  // Splitters: alike to a few hundredths of a radian, around a mean that the process may shift further.
  sigma.fill(0.03, blocks.alpha, blocks.splitterMean)
  sigma[blocks.splitterMean] = 0.15
  sigma[blocks.logNeighbour] = 2
  sigma[blocks.logDecay] = 1
  sigma[blocks.logMziField] = 0.02
  // 0.09 dB.
  sigma.fill(0.01, blocks.logOwnField, blocks.logIn)
  sigma.fill(0.2, blocks.logIn, blocks.strayRe)
  // 25 dB of extinction.
  sigma.fill(0.06, blocks.strayRe, blocks.count)
  for (let port = 0; port < size; port++) {
    sigma[blocks.strayRe + port * size + port] = 0
    sigma[blocks.strayIm + port * size + port] = 0
  }
  return { mean, sigma }
}
