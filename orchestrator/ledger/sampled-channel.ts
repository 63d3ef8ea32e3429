import type { LightBench } from '../../core/light-bench.ts'
import type { PowerSeries } from './power-series.ts'

/** One slow quantity that an instrument can be asked for while a plan runs. */
export interface SampledChannel {
  /** What it is of, and the instrument where several make one. */
  readonly quantity: string
  readonly unit: 'W' | '°C'
  readonly source: string
  /** Where its readings are added up; temperatures are not. */
  readonly series?: PowerSeries
  /** Only while there is light; dark before. */
  readonly needsLight: boolean
  /** In `unit`. */
  read(signal: AbortSignal): Promise<number>
}

/** How warm each oven of a bench is, by what its controller measures. */
export function benchTemperatures({ ovens }: LightBench): readonly SampledChannel[] {
  return ovens.map(({ name, controller }) => ({
    quantity: `temperature of ${name}`,
    unit: '°C',
    source: `temperature controller of ${name}`,
    needsLight: false,
    read: (signal) => controller.readTemperatureC(signal),
  }))
}
