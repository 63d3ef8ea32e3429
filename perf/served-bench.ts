import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { BenchFile } from '../bench/bench-file.ts'
import type { TapFor } from '../bench/connect.ts'
import { connectReal } from '../bench/connect-real.ts'
import { parseResource } from '../bench/resource.ts'
import type { Cleanup } from '../core/cleanup.ts'
import { SystemClock } from '../core/clock.ts'
import type { Instrument, MultichannelPowerMeter, PhaseShifterBank, SymbolGenerator } from '../core/instruments.ts'
import type { MeshBench } from '../core/mesh-bench.ts'
import type { PlayedLight, PlayedPlaces } from './serve-played-light.ts'

export type MeshFile = Extract<BenchFile, { kind: 'mesh' }>

/** What the played light needs to know of its bench. */
export function instrumentsOf({ wiring, instruments }: MeshFile): Pick<PlayedLight, 'generators' | 'heaterModules'> {
  const { modules } = instruments.get('shifters')!.settings as { readonly modules: number }
  return { generators: wiring.generators.length, heaterModules: modules }
}

/** The generators, meters and heaters of a bench behind sockets and a serial line; `tapFor` hears each wire. */
export async function openServed(
  file: MeshFile,
  bench: MeshBench,
  places: PlayedPlaces,
  tapFor: TapFor,
  cleanup: Cleanup,
  signal: AbortSignal,
): Promise<MeshBench> {
  const clock = new SystemClock()
  const connect = connectReal(tapFor)
  const open = async <T extends Instrument>(name: string, place: string): Promise<T> => {
    const { entry, settings } = file.instruments.get(name)!
    const wire = await connect(name, parseResource(place), entry.serialLine, signal)
    return cleanup.use((await entry.open(wire, settings, clock, signal)) as T)
  }
  const socket = (port: number): string => `TCPIP::127.0.0.1::${port}::SOCKET`
  const all = <T extends Instrument>(names: readonly string[], ports: readonly number[]): Promise<T[]> =>
    Promise.all(names.map((name, index) => open<T>(name, socket(ports[index]!))))
  return {
    ...bench,
    clock,
    generators: await all<SymbolGenerator>(file.wiring.generators, places.generators),
    meters: await all<MultichannelPowerMeter>(file.wiring.meters, places.meters),
    heaters: await open<PhaseShifterBank>('shifters', `ASRL${places.heaters}::INSTR`),
  }
}

/** In a process of their own, until disposed of. */
export async function serve(light: PlayedLight): Promise<{ readonly places: PlayedPlaces } & Disposable> {
  const server = fork(join(import.meta.dirname, 'serve-played-light.js'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  const places = await new Promise<PlayedPlaces>((resolve, reject) => {
    server.once('message', (message) => resolve(message as PlayedPlaces))
    server.once('exit', (code) => reject(new Error(`the simulated instruments ended with code ${String(code)}`)))
    server.send(light)
  })
  return { places, [Symbol.dispose]: () => void server.kill() }
}
