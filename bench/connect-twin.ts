import { Cleanup } from '../core/cleanup.ts'
import type { Clock } from '../core/clock.ts'
import { BenchError } from '../core/errors.ts'
import type { DriverEntry } from '../drivers/driver-entry.ts'
import { BytePipe } from '../drivers/transports/byte-pipe.ts'
import { MeshWorld } from '../sim/optics/mesh-world.ts'
import type { MeshWorldSpec } from '../sim/optics/mesh-world-spec.ts'
import type { WireInstrument } from '../sim/ports/wire-instrument.ts'
import type { WorldPorts } from '../sim/sim-entry.ts'
import { SIMULATED } from '../sim/registry.ts'
import { announceTwin } from './announce-twin.ts'
import type { BenchFile } from './bench-file.ts'
import { tappedWire } from './connect.ts'
import type { Connect, TapFor } from './connect.ts'
import { connectReal } from './connect-real.ts'
import type { BenchInstrument } from './instrument-list.ts'
import type { MeshWiring } from './mesh-wiring.ts'
import { parseResource } from './resource.ts'
import type { Resource } from './resource.ts'
import { serveWires } from './serve-wires.ts'
import type { Served } from './serve-wires.ts'

export interface TwinOptions {
  /** Serial ports carry bytes no faster than their baud rate. Default: as fast as this machine. */
  readonly paced?: boolean
  /** Which chip was fabricated, and all noise. */
  readonly seed: number
  readonly clock: Clock
  /** `pipe`: the bytes stay in this process. `wire`: real sockets and pseudo-terminals. */
  readonly mode: 'pipe' | 'wire'
  readonly tapFor?: TapFor
}

/** The simulated far side of every wire of a bench, up and answering. */
export interface Twin extends AsyncDisposable {
  readonly connect: Connect
  /** By instrument: where a client finds it. In `pipe` mode the names of the bench file, which lead nowhere. */
  readonly resources: ReadonlyMap<string, string>
  /** The optical world, truth included: for tests and the oracle, never for a calibration. */
  readonly world: MeshWorld
  /** The simulated instruments, for tests that pull a plug. */
  readonly far: ReadonlyMap<string, WireInstrument>
}

/**
 * Builds the twin of a bench: one optical world and a simulated instrument for each line of the file.
 *
 * Throws: TRANSPORT_OPEN_FAILED when a port cannot be opened; what was opened until then is closed.
 */
export async function startTwin(file: BenchFile, options: TwinOptions): Promise<Twin> {
  const { seed, clock, mode, paced = false, tapFor = () => undefined } = options
  const world = new MeshWorld(worldSpec(file), seed, clock)
  const far = new Map<string, WireInstrument>()
  for (const instrument of file.instruments.values()) {
    far.set(instrument.name, simulate(instrument, portOf(instrument, world, file.wiring), seed, clock))
  }

  const cleanup = new Cleanup()
  let places: ReadonlyMap<string, Resource>
  try {
    places = mode === 'pipe' ? asWritten(file) : await serveWires(served(file, far), paced ? clock : undefined, cleanup)
  } catch (error) {
    await cleanup[Symbol.asyncDispose]()
    throw error
  }
  const connectWire = connectReal(tapFor)
  return {
    connect: async (name, _resource, line, signal) => {
      const instrument = far.get(name)
      const place = places.get(name)
      if (instrument === undefined || place === undefined) throw notInTwin(name)
      if (mode === 'wire') return connectWire(name, place, line, signal)
      return tappedWire(name, new BytePipe(place.text, pipeEnd(instrument)), tapFor)
    },
    resources: new Map([...places].map(([name, { text }]) => [name, text])),
    world,
    far,
    [Symbol.asyncDispose]: () => cleanup[Symbol.asyncDispose](),
  }
}

export interface ServedTwin extends AsyncDisposable {
  readonly instruments: readonly ServedInstrument[]
  /** Whether those on network ports can be found by asking on the loopback interface. */
  readonly announced: boolean
}

export interface ServedInstrument {
  readonly name: string
  readonly driver: string
  /** As PyVISA, pymodbus or a terminal program would name it. */
  readonly resource: string
}

/** The twin for other programs: every simulated instrument behind a port of this machine, until disposed. */
export async function serveTwin(file: BenchFile, options: Omit<TwinOptions, 'mode' | 'tapFor'>): Promise<ServedTwin> {
  const twin = await startTwin(file, { ...options, mode: 'wire' })
  const places = [...twin.resources].map(([name, text]) => [name, parseResource(text)] as const)
  const announced = await announceTwin(new Map(places), twin.far)
  const instruments = [...file.instruments.values()].map(({ name, driver }) => ({
    name,
    driver,
    resource: twin.resources.get(name) ?? '',
  }))
  return {
    instruments,
    announced: announced !== undefined,
    [Symbol.asyncDispose]: async () => {
      await announced?.[Symbol.asyncDispose]()
      await twin[Symbol.asyncDispose]()
    },
  }
}

function simulate(
  { name, driver, resource, settings }: BenchInstrument,
  port: WorldPorts[DriverEntry['kind']],
  seed: number,
  clock: Clock,
): WireInstrument {
  const simulated = Object.hasOwn(SIMULATED, driver) ? SIMULATED[driver] : undefined
  if (simulated === undefined) throw notInTwin(`${name} (${driver})`)
  return simulated.create(port, {
    name,
    seed,
    clock,
    settings: settings as Readonly<Record<string, unknown>>,
    ...('unit' in resource ? { unit: resource.unit } : {}),
  })
}

/** Where an instrument is connected to the optical world: of several heater banks, each at its place in the row. */
function portOf(
  { name, entry }: BenchInstrument,
  world: MeshWorld,
  { heaters: { banks } }: MeshWiring,
): WorldPorts[DriverEntry['kind']] {
  const index = banks.findIndex(({ instrument }) => instrument === name)
  if (entry.kind !== 'phase-shifter-bank' || index < 0) return world.port(entry.kind, name)
  const row = world.port('phase-shifter-bank', banks[0]!.instrument)
  const before = banks.slice(0, index).reduce((sum, { count = 0 }) => sum + count, 0)
  const { first, count } = banks[index]!
  if (count === undefined) return row
  const place = (channel: number): number =>
    channel < first || channel >= first + count ? -1 : before + channel - first
  return {
    setVoltageV: (channel, voltageV) => row.setVoltageV(place(channel), voltageV),
    currentMa: (channel) => row.currentMa(place(channel)),
  }
}

function notInTwin(what: string): BenchError {
  return new BenchError('TRANSPORT_OPEN_FAILED', `the twin has no simulated ${what}`)
}

const pipeEnd = (instrument: WireInstrument) => (send: (bytes: Uint8Array) => void) => instrument.attach(send)

const asWritten = ({ instruments }: BenchFile): ReadonlyMap<string, Resource> =>
  new Map([...instruments.values()].map(({ name, resource }) => [name, resource]))

const served = ({ instruments }: BenchFile, far: ReadonlyMap<string, WireInstrument>): readonly Served[] =>
  [...instruments.values()].map(({ name, resource, entry: { serialLine: line } }) => {
    return { name, instrument: far.get(name)!, resource, ...(line === undefined ? {} : { line }) }
  })

/** The twin's copy of the wiring. */
export function worldSpec(file: BenchFile): MeshWorldSpec {
  const { wiring } = file
  return {
    size: wiring.size,
    lanes: wiring.lanes.map((lane) => ({
      laser: lane.laser,
      frequencyThz: lane.frequencyThz,
      modulators: lane.drive.map(({ instrument, index }, port) => ({
        generator: instrument,
        channel: index,
        bias: lane.bias[port]!,
      })),
      detectors: lane.plus.map((plus, port) => ({ plus: meterPort(plus), minus: meterPort(lane.minus[port]!) })),
    })),
    // The world knows one bank; `portOf` shifts the others behind it.
    heaters: { bank: wiring.heaters.banks[0]!.instrument, channels: wiring.heaters.channels },
    taps: { monitor: wiring.taps?.monitor ?? '', firstChannel: wiring.taps?.firstInput ?? 0 },
    ovens: wiring.ovens.map(({ controller }) => controller),
    mains: wiring.mains,
    trigger: wiring.trigger,
    imperfections: file.twin,
  }
}

const meterPort = ({ instrument, index }: MeshWiring['lanes'][number]['plus'][number]) => ({
  meter: instrument,
  port: index,
})
