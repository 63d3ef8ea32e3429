import type { AwgrBench } from '../../core/awgr-bench.ts'
import { awgrLayout } from '../../core/awgr-layout.ts'
import type { AwgrForm } from '../../core/awgr-layout.ts'
import { VirtualClock } from '../../core/clock.ts'
import { awgrWorld } from '../../sim/optics/awgr-world.ts'
import type { AwgrWorld } from '../../sim/optics/awgr-world.ts'
import { AWGR_PARAMETERS } from '../../sim/optics/parameters/awgr-parameters.ts'
import type { AwgrImperfections } from '../../sim/optics/parameters/awgr-parameters.ts'
import { valuesOf } from '../../sim/optics/parameters/parameter.ts'
import { detectorPlaces, directLightBench, modulatorPlaces, triggerOf } from './direct-light-bench.ts'

/** A bench with an AWGR core whose instruments are the optical world itself. */
export function openDirectAwgrBench(
  options: { size?: number; form?: AwgrForm; seed?: number; imperfections?: Partial<AwgrImperfections> } = {},
): { bench: AwgrBench; world: AwgrWorld } {
  const { size = 4, form = 'per-port', seed = 1, imperfections = {} } = options
  const layout = awgrLayout(size, form)
  const grid = { size, form, firstThz: 193.1, spacingThz: 0.1 }
  const lasers = Array.from({ length: size }, (_, k) => ({ name: `laser-${k}`, frequencyThz: 193.1 + 0.1 * k }))
  const wiring = {
    modulators: modulatorPlaces(0, size),
    detectors: detectorPlaces(0, size),
    trigger: triggerOf(size, size),
  }
  const clock = new VirtualClock()
  const world = awgrWorld(
    {
      ...wiring,
      grid,
      lasers: lasers.map(({ name }) => name),
      heaters: { bank: 'heaters', channels: layout.heaters.map((_, heater) => heater) },
      ovens: [],
      mains: 'mains',
      imperfections: valuesOf(AWGR_PARAMETERS, imperfections),
    },
    seed,
    clock,
  )
  const { instrument: _, ...light } = directLightBench(
    world,
    { lasers, lanes: [wiring], trigger: wiring.trigger, heaters: layout.heaters.length, adcSteps: 2 ** 16 },
    clock,
  )
  return { bench: { ...light, kind: 'awgr', layout }, world }
}
