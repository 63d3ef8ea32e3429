import type { OpticalCore } from '../../core/optical-core.ts'
import type { TileProduct } from '../tiles/tile-product.ts'
import { ONE_PASS, passCount } from './passes.ts'
import type { Passes } from './passes.ts'
import { PROBES } from './probes.ts'

/** What is done about the errors of a product. */
export interface Remedy extends Passes {
  /** Every tile is measured while it works, and a second one makes what the first missed. */
  readonly isMended: boolean
}

export const NO_REMEDY: Remedy = { ...ONE_PASS, isMended: false }

export const probesOf = (isMended: boolean, inputs: number): number => (isMended ? 2 * inputs : PROBES)

/** Frames and time of the bench that a product will take. */
export function costOf(core: OpticalCore, product: TileProduct, remedy: Remedy): { frames: number; seconds: number } {
  const { tiles, a, shape } = product
  const first = played(core, a.rows, probesOf(remedy.isMended, shape.inputs), passCount(remedy))
  const second = remedy.isMended ? played(core, a.rows, PROBES, 1) : { frames: 0, seconds: 0 }
  return { frames: tiles * (first.frames + second.frames), seconds: tiles * (first.seconds + second.seconds) }
}

/** All rows through one tile. */
function played(core: OpticalCore, rows: number, probes: number, passes: number): { frames: number; seconds: number } {
  const perFrame = rowsPerFrame(core, probes, passes)
  let [frames, seconds] = [0, 0]
  for (let left = rows; left > 0; left -= perFrame, frames++) {
    const symbols = probes + Math.ceil(Math.min(left, perFrame) / core.lanes) * passes
    seconds += core.knowledge?.frameSeconds(symbols, frames === 0) ?? 0
  }
  return { frames, seconds }
}

export const rowsPerFrame = (core: OpticalCore, probes: number, passes: number): number =>
  Math.floor((core.maxSymbolsPerFrame - probes) / passes) * core.lanes
