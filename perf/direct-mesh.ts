import type { MeshBenchFile } from '../bench/bench-file.ts'
import { startDirectTwin } from '../bench/direct-twin.ts'
import { openMeshBench } from '../bench/open-bench.ts'
import type { OpenBench } from '../bench/open-bench.ts'
import { VirtualClock } from '../core/clock.ts'
import type { MeshBench } from '../core/mesh-bench.ts'
import type { MeshWorld } from '../sim/optics/mesh-world.ts'

export interface DirectMesh extends Pick<OpenBench, typeof Symbol.asyncDispose> {
  readonly bench: MeshBench
  readonly world: MeshWorld
  readonly clock: VirtualClock
  readonly signal: AbortSignal
}

/** The twin of a bench with a mesh, without wires, with the chip of one seed. */
export async function openDirectMesh(file: MeshBenchFile, seed: number): Promise<DirectMesh> {
  const clock = new VirtualClock()
  const { signal } = new AbortController()
  const { direct, world } = startDirectTwin(file, { seed, clock })
  const open = await openMeshBench(file, { direct, clock, signal })
  return { bench: open.bench, world, clock, signal, [Symbol.asyncDispose]: () => open[Symbol.asyncDispose]() }
}
