import { Cleanup } from '../core/cleanup.ts'
import type { Clock } from '../core/clock.ts'
import { BenchError } from '../core/errors.ts'
import { BytePipe } from '../drivers/transports/byte-pipe.ts'
import { MeshWorld } from '../sim/optics/mesh-world.ts'
import type { MeshWorldSpec } from '../sim/optics/mesh-world-spec.ts'
import { servePseudoTerminal } from '../sim/ports/pseudo-terminal.ts'
import { serveTcp } from '../sim/ports/tcp-server.ts'
import type { WireInstrument } from '../sim/ports/wire-instrument.ts'
import { SIMULATED } from '../sim/registry.ts'
import type { BenchFile } from './bench-file.ts'
import { tappedWire } from './connect.ts'
import type { Connect, TapFor } from './connect.ts'
import { connectReal } from './connect-real.ts'
import type { BenchInstrument } from './instrument-list.ts'
import type { MeshWiring } from './mesh-wiring.ts'
import { serialLineText } from './resource.ts'
import type { Resource } from './resource.ts'

export interface TwinOptions {
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
  const { seed, clock, mode, tapFor = () => undefined } = options
  const world = new MeshWorld(worldSpec(file), seed, clock)
  const far = new Map<string, WireInstrument>()
  for (const instrument of file.instruments.values()) far.set(instrument.name, simulate(instrument, world, seed, clock))

  const cleanup = new Cleanup()
  const places = new Map<string, Resource>()
  try {
    for (const { name, resource } of file.instruments.values()) {
      places.set(name, mode === 'pipe' ? resource : await serve(far.get(name)!, resource, cleanup))
    }
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

export interface ServedInstrument {
  readonly name: string
  readonly driver: string
  /** As PyVISA, pymodbus or a terminal program would name it. */
  readonly resource: string
}

/** The twin for other programs: every simulated instrument behind a port of this machine, until disposed. */
export async function serveTwin(
  file: BenchFile,
  options: Omit<TwinOptions, 'mode' | 'tapFor'>,
): Promise<{ readonly instruments: readonly ServedInstrument[] } & AsyncDisposable> {
  const twin = await startTwin(file, { ...options, mode: 'wire' })
  const instruments = [...file.instruments.values()].map(({ name, driver }) => ({
    name,
    driver,
    resource: twin.resources.get(name) ?? '',
  }))
  return { instruments, [Symbol.asyncDispose]: () => twin[Symbol.asyncDispose]() }
}

function simulate(
  { name, driver, entry, resource, settings }: BenchInstrument,
  world: MeshWorld,
  seed: number,
  clock: Clock,
): WireInstrument {
  const simulated = Object.hasOwn(SIMULATED, driver) ? SIMULATED[driver] : undefined
  if (simulated === undefined) throw notInTwin(`${name} (${driver})`)
  return simulated.create(world.port(entry.kind, name), {
    name,
    seed,
    clock,
    settings: settings as Readonly<Record<string, unknown>>,
    ...('unit' in resource ? { unit: resource.unit } : {}),
  })
}

function notInTwin(what: string): BenchError {
  return new BenchError('TRANSPORT_OPEN_FAILED', `the twin has no simulated ${what}`)
}

const pipeEnd = (instrument: WireInstrument) => (send: (bytes: Uint8Array) => void) => instrument.attach(send)

/** Opens a port of the kind that the bench file names, and says under which name a client finds it. */
async function serve(instrument: WireInstrument, resource: Resource, cleanup: Cleanup): Promise<Resource> {
  const host = '127.0.0.1'
  switch (resource.wire) {
    case 'socket': {
      const { port } = cleanup.use(await serveTcp(instrument))
      return { ...resource, host, port, text: `TCPIP::${host}::${port}::SOCKET` }
    }
    case 'modbus-tcp': {
      const { port } = cleanup.use(await serveTcp(instrument))
      return { ...resource, host, port, text: `MODBUS::${host}::${port}::${resource.unit}` }
    }
    case 'http': {
      const { port } = cleanup.use(await serveTcp(instrument))
      return { ...resource, host, port, text: `HTTP::${host}::${port}` }
    }
    case 'serial': {
      const { path } = cleanup.use(await servePseudoTerminal(instrument))
      return { ...resource, path, text: `ASRL${path}::INSTR` }
    }
    case 'modbus-serial': {
      const { path } = cleanup.use(await servePseudoTerminal(instrument))
      return { ...resource, path, text: `MODBUS::${path}::${serialLineText(resource.line)}::${resource.unit}` }
    }
    default:
      throw new BenchError('TRANSPORT_OPEN_FAILED', `${resource.text}: ${resource.wire} is not served yet`)
  }
}

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
    heaters: { bank: wiring.heaters.bank, channels: wiring.heaters.channels },
    taps: { monitor: wiring.taps.monitor, firstChannel: wiring.taps.firstInput },
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
