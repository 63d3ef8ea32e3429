import type { AwgrBench } from '../../core/awgr-bench.ts'

/** [wavelength]: as set, relative to the first laser. */
export function laserFrequenciesGhz({ lasers }: AwgrBench): Float64Array {
  const [first] = lasers
  return Float64Array.from(lasers, ({ frequencyThz }) => (frequencyThz - first!.frequencyThz) * 1e3)
}
