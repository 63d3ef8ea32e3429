import type { Clock } from '../core/clock.ts'
import { streamKey } from '../core/random.ts'
import { awgrWorld } from '../sim/optics/awgr-world.ts'
import type { AwgrWorld, AwgrWorldSpec } from '../sim/optics/awgr-world.ts'
import type { MeshWorldSpec } from '../sim/optics/mesh-world-spec.ts'
import { meshWorld } from '../sim/optics/mesh-world.ts'
import type { MeshWorld } from '../sim/optics/mesh-world.ts'
import type { OpticalWorld } from '../sim/optics/optical-world.ts'
import type { HeaterPort } from '../sim/optics/world-ports.ts'
import type { WorldPorts } from '../sim/sim-entry.ts'
import type { AwgrBenchFile, BenchFile, MeshBenchFile } from './bench-file.ts'
import type { Connector } from './connector.ts'
import type { BankPart } from './heater-banks.ts'
import type { LightWiring, PortWiring } from './light-wiring.ts'

interface Worlds {
  readonly mesh: MeshWorld
  readonly awgr: AwgrWorld
}

/** The optical world of a bench, by its core. */
export type WorldOf<File extends BenchFile> = Worlds[File['kind']]

/** Which twin of a bench. */
export interface TwinMaking {
  /** Which chip was fabricated, and all noise. */
  readonly seed: number
  readonly clock: Clock
  /** How old it is when it starts: what drifts has drifted that long. 0 by default, and no less. */
  readonly ageS?: number
}

/** Who computes the light of a twin, in words for a run's header; the same for every way to it, so that bits agree. */
export const TWIN_ENGINE = 'plain JavaScript, float64, 1 thread'

/** Of the chip of one core: several on a bench are different ones. */
export const chipSeed = ({ core }: BenchFile, seed: number): number =>
  core === undefined ? seed : streamKey(seed, `core/${core}`) >>> 0

/** The optical world in which the twin of a bench lives, with its own copy of the wiring. */
export function twinWorld<File extends BenchFile>(file: File, made: TwinMaking): WorldOf<File>
export function twinWorld(file: BenchFile, { seed: given, clock, ageS = 0 }: TwinMaking): WorldOf<BenchFile> {
  const seed = chipSeed(file, given)
  return file.kind === 'mesh'
    ? meshWorld(meshSpecOf(file), seed, clock, ageS)
    : awgrWorld(awgrSpecOf(file), seed, clock, ageS)
}

/** The twin's copy of a bench file's wiring, by its core. */
export function meshSpecOf(file: MeshBenchFile): MeshWorldSpec {
  const { size, lanes, design, taps } = file.wiring
  return {
    ...surroundings(file.wiring),
    size,
    design,
    lanes: lanes.map((lane) => ({ laser: lane.laser, frequencyThz: lane.frequencyThz, ...ports(lane) })),
    taps: taps && { monitor: taps.monitor, firstChannel: taps.firstInput },
    imperfections: file.twin,
    defects: file.defects,
  }
}

export function awgrSpecOf(file: AwgrBenchFile): AwgrWorldSpec {
  const { size, form, channelSpacingGhz, wavelengths } = file.wiring
  return {
    ...surroundings(file.wiring),
    grid: { size, form, firstThz: wavelengths[0]!.frequencyThz, spacingThz: channelSpacingGhz / 1e3 },
    lasers: wavelengths.map(({ laser }) => laser),
    ...ports(file.wiring.ports),
    imperfections: file.twin,
  }
}

/** Where an instrument is connected to the optical world: of several heater banks, each at its place in the row. */
export function portOf<Kind extends keyof WorldPorts>(
  world: OpticalWorld,
  { kind, name }: { readonly kind: Kind; readonly name: string },
  banks: readonly BankPart[],
): WorldPorts[Kind] {
  const index = banks.findIndex(({ instrument }) => instrument === name)
  const { first, count } = banks[index] ?? {}
  if (kind !== 'phase-shifter-bank' || first === undefined || count === undefined) return world.port(kind, name)
  const row = world.port('phase-shifter-bank', banks[0]!.instrument)
  const before = banks.slice(0, index).reduce((sum, part) => sum + (part.count ?? 0), 0)
  const place = (channel: number): number =>
    channel < first || channel >= first + count ? -1 : before + channel - first
  const part: HeaterPort = {
    setVoltageV: (channel, voltageV) => row.setVoltageV(place(channel), voltageV),
    currentMa: (channel) => row.currentMa(place(channel)),
  }
  return part as WorldPorts[Kind]
}

function surroundings({ heaters, ovens, mains, trigger }: LightWiring) {
  return {
    // The world knows one bank; `portOf` finds the others behind it.
    heaters: { bank: heaters.banks[0]!.instrument, channels: heaters.channels },
    ovens: ovens.map(({ controller }) => controller),
    mains,
    trigger,
  }
}

function ports({ drive, bias, plus, minus }: PortWiring) {
  return {
    modulators: drive.map(({ instrument, index }, port) => ({
      generator: instrument,
      channel: index,
      bias: bias[port]!,
    })),
    detectors: plus.map((side, port) => ({
      plus: meterPort(side),
      ...(minus[port] && { minus: meterPort(minus[port]) }),
    })),
  }
}

const meterPort = ({ instrument, index }: Connector) => ({ meter: instrument, port: index })
