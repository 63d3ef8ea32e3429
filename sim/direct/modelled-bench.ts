import type { ModelledBench } from '../../core/product-core.ts'
import type { LightValues } from '../optics/parameters/light-parameters.ts'
import type { BenchSetup } from './product-tables.ts'

interface Counts extends Pick<ModelledBench, 'modulators' | 'photodiodes' | 'lanes' | 'symbolsPerRow'> {
  readonly heatersMw: number
}

/** What a bench draws while it multiplies, by the twin's own laws. */
export function modelledBench(
  { lasers, symbolPeriodS, settleS }: BenchSetup,
  { laserWallEfficiency, instrumentsIdleW }: LightValues,
  { heatersMw, ...counts }: Counts,
): ModelledBench {
  return {
    ...counts,
    lightW: lasers.reduce((sum, { powerMw }) => sum + powerMw, 0) / 1e3,
    laserWallEfficiency,
    heatersW: heatersMw / 1e3,
    restW: instrumentsIdleW,
    symbolPeriodS,
    settleS,
  }
}
