import type { BenchFile } from '../bench/bench-file.ts'
import type { Connect, TapFor } from '../bench/connect.ts'
import { connectReal } from '../bench/connect-real.ts'
import { startTwin } from '../bench/connect-twin.ts'
import type { Clock } from '../core/clock.ts'

/** Which twin stands in for the hardware: in this process or behind real ports, and which chip it has. */
export interface TwinChoice {
  readonly mode: 'pipe' | 'wire'
  readonly seed: number
}

/** What the drivers are plugged into. */
export interface FarSide extends AsyncDisposable {
  readonly connect: Connect
  /** Where an instrument was found; undefined where the bench file says it. */
  resourceOf(name: string): string | undefined
}

/** The bench's hardware, or a twin that lives as long as this. */
export async function openFarSide(
  file: BenchFile,
  twin: TwinChoice | undefined,
  clock: Clock,
  tapFor: TapFor = () => undefined,
): Promise<FarSide> {
  if (twin === undefined) {
    return {
      connect: connectReal(tapFor),
      resourceOf: () => undefined,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  }
  const started = await startTwin(file, { ...twin, clock, tapFor })
  return {
    connect: started.connect,
    resourceOf: (name) => started.resources.get(name),
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  }
}

/** Which chip is measured: a calibration holds for this one only. */
export function chipOf(twin: TwinChoice | undefined): string {
  return twin === undefined ? 'hardware' : `twin:${twin.seed}`
}
