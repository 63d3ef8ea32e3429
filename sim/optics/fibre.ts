import { LIGHT_NM_THZ, lossDbToPowerRatio, thzToNm } from '../../core/quantities.ts'
import type { SpanValues } from './parameters/span-parameters.ts'

const LIGHT_KM_PER_S = LIGHT_NM_THZ
/** Where the group index is given. */
const REFERENCE_NM = 1550
const S_PER_PS = 1e-12

/**
 * Delay of a span: L·n_g/c at 1550 nm, longer by its temperature coefficient, and D·L·(λ − 1550 nm) on top.
 *
 * Source: docs/physics.md; within a lane symbols do not broaden.
 */
export function fibreDelayS(lengthKm: number, frequencyThz: number, what: SpanValues): number {
  const stretched = 1 + what.fibreDelayPpmPerK * 1e-6 * what.fibreTemperatureErrorK
  const latencyS = ((lengthKm * what.fibreGroupIndex) / LIGHT_KM_PER_S) * stretched
  const besideNm = thzToNm(frequencyThz) - REFERENCE_NM
  return latencyS + what.fibreDispersionPsPerNmKm * lengthKm * besideNm * S_PER_PS
}

/** How many symbols light of one frequency arrives behind that of another, D·L·Δλ/T: negative where it comes first. */
export function walkOffSymbols(
  lengthKm: number,
  [frequencyThz, otherThz]: readonly [number, number],
  symbolPeriodS: number,
  what: SpanValues,
): number {
  return (fibreDelayS(lengthKm, frequencyThz, what) - fibreDelayS(lengthKm, otherThz, what)) / symbolPeriodS
}

/** The spans of a bench: from the modulators to the core, and from the core to the detectors. */
export class Fibres {
  /** Power that each span leaves over. */
  readonly toCore: number
  readonly toDetectors: number
  readonly #what: SpanValues

  constructor(what: SpanValues) {
    this.#what = what
    this.toCore = lossDbToPowerRatio(what.fibreLossDbPerKm * what.modulatorFibreKm)
    this.toDetectors = lossDbToPowerRatio(what.fibreLossDbPerKm * what.detectorFibreKm)
  }

  /**
   * How long after their trigger meters see what modulators did at theirs, [laser]. A delayed trigger takes its share off.
   *
   * A dark laser has no frequency and no delay.
   */
  delaysS(frequenciesThz: Float64Array): Float64Array {
    const lengthKm = this.#what.modulatorFibreKm + this.#what.detectorFibreKm
    const triggerS = this.#what.meterTriggerDelayUs * 1e-6
    return frequenciesThz.map(
      (thz) => (thz === 0 || lengthKm === 0 ? 0 : fibreDelayS(lengthKm, thz, this.#what)) - triggerS,
    )
  }
}
