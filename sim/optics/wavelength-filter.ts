import { lossDbToPowerRatio } from '../../core/quantities.ts'
import type { FilterPort, FilterSetting } from './world-ports.ts'

/** Source: WaveShaper data sheets, typical insertion loss. */
const INSERTION_LOSS_DB = 5
const GHZ_PER_THZ = 1000

/**
 * The optics of one programmable filter: keeps what it was set to, and says what passes to which port.
 *
 * Dark before it is set for the first time. Beside the mesh: no core sends its light through it.
 */
export class WavelengthFilter implements FilterPort {
  readonly #settings = new Map<number, FilterSetting>()

  set(settings: readonly FilterSetting[]): void {
    this.#settings.clear()
    for (const setting of settings) this.#settings.set(slice(setting.frequencyThz), setting)
  }

  /** Power that leaves `port` for 1 that comes in at this frequency. */
  powerRatio(port: number, frequencyThz: number): number {
    const setting = this.#settings.get(slice(frequencyThz))
    if (setting === undefined || setting.port !== port) return 0
    return lossDbToPowerRatio(INSERTION_LOSS_DB + setting.attenuationDb)
  }
}

const slice = (frequencyThz: number): number => Math.round(frequencyThz * GHZ_PER_THZ)
