import type { BenchFile } from '../bench/bench-file.ts'
import type { TapFor } from '../bench/connect.ts'
import { connectReal } from '../bench/connect-real.ts'
import { startTwin } from '../bench/connect-twin.ts'
import { startDirectTwin } from '../bench/direct-twin.ts'
import type { Plug } from '../bench/open-instruments.ts'
import type { Clock } from '../core/clock.ts'

/** Which twin stands in for the hardware: in this process, behind real ports or without wires, and which chip it has. */
export interface TwinChoice {
  readonly mode: 'pipe' | 'wire' | 'direct'
  readonly seed: number
  /** How old its world is when the run begins. */
  readonly ageS: number
}

/** Where the instruments of a bench come from. */
export interface FarSide extends AsyncDisposable {
  readonly plug: Plug
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
      plug: { connect: connectReal(tapFor) },
      resourceOf: () => undefined,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  }
  const { mode, seed, ageS } = twin
  if (mode === 'direct') {
    return {
      plug: { direct: startDirectTwin(file, { seed, ageS, clock }).direct },
      resourceOf: () => undefined,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  }
  const started = await startTwin(file, { mode, seed, ageS, clock, tapFor })
  return {
    plug: { connect: started.connect },
    resourceOf: (name) => started.resources.get(name),
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  }
}

/** Which chip is measured: a calibration holds for this one only. */
export function chipOf(twin: TwinChoice | undefined): string {
  return twin === undefined ? 'hardware' : `twin:${twin.seed}`
}
