import type { Clock } from '../../core/clock.ts'
import { AwgrOptics } from './awgr-optics.ts'
import type { AwgrGrid } from './awgr-optics.ts'
import { BenchAge } from './drift/bench-age.ts'
import { OpticalWorld } from './optical-world.ts'
import type { AwgrImperfections } from './parameters/awgr-parameters.ts'
import { photodiodePlaces } from './world-spec.ts'
import type { OutputPorts, WorldSpec } from './world-spec.ts'

/** How the twin's instruments are wired to an AWGR core. Names are those of the bench file. */
export interface AwgrWorldSpec extends Pick<WorldSpec, 'modulators' | 'heaters' | 'ovens' | 'mains' | 'trigger'> {
  readonly grid: AwgrGrid
  /** [wavelength] */
  readonly lasers: readonly string[]
  /** [output]: behind the drop and the through router. */
  readonly detectors: readonly OutputPorts[]
  readonly imperfections: AwgrImperfections
}

export type AwgrWorld = OpticalWorld<AwgrOptics>

/** The optical world of a bench with an AWGR core: N lasers on N shared modulators, N pairs of detectors; `ageS` old. */
export function awgrWorld(spec: AwgrWorldSpec, seed: number, clock: Clock, ageS = 0): AwgrWorld {
  const { grid, imperfections } = spec
  const age = new BenchAge(clock, { startS: ageS, holdS: imperfections.driftHoldS })
  const wiring: WorldSpec = {
    ...spec,
    detectors: photodiodePlaces(spec.detectors),
    firstChannelThz: grid.firstThz,
    taps: undefined,
    light: imperfections,
    drift: imperfections,
  }
  return new OpticalWorld(wiring, new AwgrOptics(grid, imperfections, seed, clock, age), seed, clock, age)
}
