import type { Clock } from '../../core/clock.ts'
import { BenchAge } from './drift/bench-age.ts'
import { MeshOptics } from './mesh-optics.ts'
import type { MeshWorldSpec } from './mesh-world-spec.ts'
import { OpticalWorld } from './optical-world.ts'
import { photodiodePlaces } from './world-spec.ts'

export type MeshWorld = OpticalWorld<MeshOptics>

/** The optical world of a bench with a mesh core, `ageS` old: one laser, N modulators and N outputs a lane. */
export function meshWorld(spec: MeshWorldSpec, seed: number, clock: Clock, ageS = 0): MeshWorld {
  const { size, lanes, imperfections } = spec
  const age = new BenchAge(clock, { startS: ageS, holdS: imperfections.driftHoldS })
  const core = new MeshOptics(
    size,
    lanes.map(({ frequencyThz }) => frequencyThz),
    imperfections,
    seed,
    clock,
    spec.design,
    age,
  )
  const wiring = {
    ...spec,
    lasers: lanes.map(({ laser }) => laser),
    firstChannelThz: lanes[0]!.frequencyThz,
    modulators: lanes.flatMap(({ modulators }) => modulators),
    detectors: photodiodePlaces(lanes.flatMap(({ detectors }) => detectors)),
    light: imperfections,
    drift: imperfections,
    taps: spec.taps && { ...spec.taps, amplifier: imperfections },
  }
  return new OpticalWorld(wiring, core, seed, clock, age)
}
