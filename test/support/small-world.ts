import { VirtualClock } from '../../core/clock.ts'
import type { MeshDesign } from '../../core/mesh-design.ts'
import type { MeshImperfections } from '../../sim/optics/parameters/mesh-parameters.ts'
import { meshWorld } from '../../sim/optics/mesh-world.ts'
import type { MeshWorld } from '../../sim/optics/mesh-world.ts'
import { defaultImperfections, directWorldSpec } from './direct-bench.ts'

/** Ports of the small world. */
export const SIZE = 4
export const LASER_MW = 20

/** No noise that a reading of one second would show, and filters that pass all light of their lane. */
export const noiseless = {
  laserRinDbPerHz: -200,
  thermalNoisePaPerRtHz: 0,
  darkCurrentNa: 0,
  tapNoiseMv: 0,
  muxCentreErrorGhz: 0,
}

/** A bench whose power does not drift. */
export const steady = { ambientCycleK: 0, ambientDriftK: 0, heaterResistanceDrift: 0, heaterAgeingPerKh: 0 }

export interface SmallWorld {
  readonly world: MeshWorld
  readonly clock: VirtualClock
  readonly light: (lane?: number, powerMw?: number) => void
  readonly lockBiases: () => void
}

interface SmallWorldChoice {
  readonly lanes?: number
  readonly seed?: number
  readonly ageS?: number
  readonly design?: MeshDesign | undefined
}

/** An optical world of 4 ports with an oven, and what an operator would do with it. */
export function smallWorld(
  changes: Partial<MeshImperfections> = {},
  { lanes = 1, seed = 1, ageS = 0, design }: SmallWorldChoice = {},
): SmallWorld {
  const clock = new VirtualClock()
  const spec = { ...directWorldSpec(SIZE, lanes, defaultImperfections(changes), design), ovens: ['oven'] }
  const world = meshWorld(spec, seed, clock, ageS)
  return {
    world,
    clock,
    light: (lane = 0, powerMw = LASER_MW) =>
      world.port('laser', `laser-${lane}`).setOutput({ powerMw, frequencyThz: 193.1 + 0.1 * lane }),
    lockBiases: () => {
      for (let i = 0; i < SIZE * lanes; i++) {
        const port = world.port('bias-controller', `bias-${i}`)
        port.setBiasV(port.nullBiasV())
      }
    },
  }
}
