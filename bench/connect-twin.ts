import { Cleanup } from '../core/cleanup.ts'
import type { Clock } from '../core/clock.ts'
import { BenchError } from '../core/errors.ts'
import { BytePipe } from '../drivers/transports/byte-pipe.ts'
import type { WireInstrument } from '../sim/ports/wire-instrument.ts'
import { SIMULATED } from '../sim/registry.ts'
import { announceTwin } from './announce-twin.ts'
import type { BenchFile } from './bench-file.ts'
import { tappedWire } from './connect.ts'
import type { Connect, TapFor } from './connect.ts'
import { connectReal } from './connect-real.ts'
import type { BenchInstrument } from './instrument-list.ts'
import { parseResource } from './resource.ts'
import type { Resource } from './resource.ts'
import { serveWires } from './serve-wires.ts'
import type { Served } from './serve-wires.ts'
import { chipSeed, portOf, twinWorld } from './twin-world.ts'
import type { TwinMaking, WorldOf } from './twin-world.ts'

export interface TwinOptions extends TwinMaking {
  /** Serial ports carry bytes no faster than their baud rate. Default: as fast as this machine. */
  readonly paced?: boolean
  /** `pipe`: the bytes stay in this process. `wire`: real sockets and pseudo-terminals. */
  readonly mode: 'pipe' | 'wire'
  readonly tapFor?: TapFor
}

/** The simulated far side of every wire of a bench, up and answering. */
export interface Twin<File extends BenchFile = BenchFile> extends AsyncDisposable {
  readonly connect: Connect
  /** By instrument: where a client finds it. In `pipe` mode the names of the bench file, which lead nowhere. */
  readonly resources: ReadonlyMap<string, string>
  /** The optical world, truth included: for tests and the oracle, never for a calibration. */
  readonly world: WorldOf<File>
  /** The simulated instruments, for tests that pull a plug. */
  readonly far: ReadonlyMap<string, WireInstrument>
}

/**
 * Builds the twin of a bench: one optical world and a simulated instrument for each line of the file.
 *
 * Throws: TRANSPORT_OPEN_FAILED when a port cannot be opened; what was opened until then is closed.
 */
export async function startTwin<File extends BenchFile>(file: File, options: TwinOptions): Promise<Twin<File>> {
  const { clock, mode, paced = false, tapFor = () => undefined } = options
  const seed = chipSeed(file, options.seed)
  const world = twinWorld(file, options)
  const far = new Map<string, WireInstrument>()
  for (const instrument of file.instruments.values()) {
    far.set(instrument.name, simulate(instrument, world, file, seed, clock))
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
  { name, driver, entry, resource, settings }: BenchInstrument,
  world: WorldOf<BenchFile>,
  file: BenchFile,
  seed: number,
  clock: Clock,
): WireInstrument {
  const simulated = Object.hasOwn(SIMULATED, driver) ? SIMULATED[driver] : undefined
  if (simulated === undefined) throw notInTwin(`${name} (${driver})`)
  return simulated.create(portOf(world, { kind: entry.kind, name }, file.wiring.heaters.banks), {
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

const asWritten = ({ instruments }: BenchFile): ReadonlyMap<string, Resource> =>
  new Map([...instruments.values()].map(({ name, resource }) => [name, resource]))

const served = ({ instruments }: BenchFile, far: ReadonlyMap<string, WireInstrument>): readonly Served[] =>
  [...instruments.values()].map(({ name, resource, entry: { serialLine: line } }) => {
    return { name, instrument: far.get(name)!, resource, ...(line === undefined ? {} : { line }) }
  })
