import { lossDbToPowerRatio } from '../../core/quantities.ts'
import type { EamValues } from './parameters/eam-parameters.ts'

/** What was built of one electro-absorption modulator. */
export interface EamTruth {
  readonly extinctionDb: number
  readonly swingV: number
  readonly order: number
  readonly insertionLossDb: number
  readonly chirp: number
}

/** Undefined where the bench has Mach–Zehnders. */
export function eamOf(what: EamValues): EamTruth | undefined {
  if (what.eamExtinctionDb === 0) return undefined
  return {
    extinctionDb: what.eamExtinctionDb,
    swingV: what.eamSwingV,
    order: what.eamOrder,
    insertionLossDb: what.eamInsertionLossDb,
    chirp: what.eamChirp,
  }
}

/**
 * Field behind an electro-absorption modulator under a reverse voltage, for 1 before it.
 *
 * Power in dB: −IL − ER·(V/swing)^order; forward voltage absorbs no less than none. Phase: α/2 · ln P, relative to 0 V.
 * Source: chirp of Koyama and Iga, J. Lightwave Technol. 6, 87 (1988); the power law is the usual empirical fit.
 */
export function eamField(eam: EamTruth, reverseV: number): { re: number; im: number } {
  const absorbedDb = eam.extinctionDb * (Math.max(0, reverseV) / eam.swingV) ** eam.order
  const field = Math.sqrt(lossDbToPowerRatio(eam.insertionLossDb + absorbedDb))
  const phaseRad = (eam.chirp / 2) * Math.log(lossDbToPowerRatio(absorbedDb))
  return { re: field * Math.cos(phaseRad), im: field * Math.sin(phaseRad) }
}
