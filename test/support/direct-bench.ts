import { VirtualClock } from '../../core/clock.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import type { MeshDesign } from '../../core/mesh-design.ts'
import { meshCoreLayout } from '../../core/mesh-layout.ts'
import type { TwinDefects } from '../../sim/optics/defects.ts'
import { MESH_PARAMETERS } from '../../sim/optics/parameters/mesh-parameters.ts'
import type { MeshImperfections } from '../../sim/optics/parameters/mesh-parameters.ts'
import { valuesOf } from '../../sim/optics/parameters/parameter.ts'
import type { MeshWorldSpec } from '../../sim/optics/mesh-world-spec.ts'
import { meshWorld } from '../../sim/optics/mesh-world.ts'
import type { MeshWorld } from '../../sim/optics/mesh-world.ts'
import { detectorPlaces, directLightBench, modulatorPlaces, photodiodePlaces, triggerOf } from './direct-light-bench.ts'

const ADC_STEPS = 4096

export const defaultImperfections = (changes: Partial<MeshImperfections> = {}): MeshImperfections =>
  valuesOf(MESH_PARAMETERS, changes)

export function directWorldSpec(
  size: number,
  lanes: number,
  imperfections: MeshImperfections,
  design?: MeshDesign,
): MeshWorldSpec {
  const layout = meshCoreLayout(size, lanes, design)
  const isSingle = layout.design.detection === 'intensity'
  const places = isSingle ? photodiodePlaces : detectorPlaces
  return {
    size,
    design: layout.design,
    lanes: Array.from({ length: lanes }, (_, lane) => ({
      laser: `laser-${lane}`,
      frequencyThz: 193.1 + 0.1 * lane,
      modulators: modulatorPlaces(lane * size, size),
      detectors: places(lane * size, size),
    })),
    heaters: { bank: 'heaters', channels: layout.heaters.map((_, heater) => heater) },
    taps: layout.design.form === 'svd' ? { monitor: 'taps', firstChannel: 0 } : undefined,
    ovens: [],
    mains: 'mains',
    trigger: triggerOf(size * lanes, size * lanes, isSingle ? 1 : 2),
    imperfections,
  }
}

/**
 * A bench whose instruments are the optical world itself: no wires, no bytes, the same converters.
 *
 * For tests of what lies above the wire. Quantisation as on the wire: 8-bit codes, 12-bit readings, 16-bit heaters.
 */
export function openDirectBench(
  options: {
    size?: number
    lanes?: number
    seed?: number
    imperfections?: MeshImperfections
    design?: MeshDesign
    defects?: TwinDefects
  } = {},
): { bench: MeshBench; world: MeshWorld } {
  const { size = 8, lanes = 2, seed = 1, imperfections = defaultImperfections(), design, defects } = options
  const spec = { ...directWorldSpec(size, lanes, imperfections, design), ...(defects && { defects }) }
  const clock = new VirtualClock()
  const world = meshWorld(spec, seed, clock)
  const layout = meshCoreLayout(size, lanes, design)
  const { instrument, ...light } = directLightBench(
    world,
    {
      ...spec,
      lasers: spec.lanes.map(({ laser, frequencyThz }) => ({ name: laser, frequencyThz })),
      heaters: layout.heaters.length,
      adcSteps: ADC_STEPS,
    },
    clock,
  )
  const bench: MeshBench = {
    ...light,
    kind: 'mesh',
    layout,
    ...(spec.taps && {
      taps: {
        firstChannel: 0,
        monitor: {
          ...instrument,
          channelCount: size,
          readVoltagesV: async (first: number, count: number) =>
            Float64Array.from({ length: count }, (_, i) => world.port('voltage-monitor', 'taps').voltageV(first + i)),
        },
      },
    }),
  }
  return { bench, world }
}
