import type { AwgrLayout } from './awgr-layout.ts'
import type { LightBench } from './light-bench.ts'

/**
 * A bench with an AWGR core: one laser for each wavelength, all of them on every modulator, one lane.
 *
 * `plus` of a detector pair sees what the rings drop, `minus` what they let through.
 */
export interface AwgrBench extends LightBench {
  readonly kind: 'awgr'
  readonly layout: AwgrLayout
}
