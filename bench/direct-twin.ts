import { BenchError } from '../core/errors.ts'
import { DIRECT } from '../sim/direct/registry.ts'
import type { BenchFile } from './bench-file.ts'
import type { OpenDirect } from './open-instruments.ts'
import { chipSeed, portOf, twinWorld } from './twin-world.ts'
import type { TwinMaking, WorldOf } from './twin-world.ts'

/** A twin without wires: instruments that touch the optical world themselves. */
export interface DirectTwin<File extends BenchFile = BenchFile> {
  readonly direct: OpenDirect
  /** The optical world, truth included: for tests and the oracle, never for a calibration. */
  readonly world: WorldOf<File>
}

/**
 * The twin of a bench by its second way: the same optical world, the same converters and the same time as behind
 * wires, and no bytes. With one seed both ways read the same numbers.
 */
export function startDirectTwin<File extends BenchFile>(file: File, options: TwinMaking): DirectTwin<File> {
  const { clock } = options
  const seed = chipSeed(file, options.seed)
  const world = twinWorld(file, options)
  return {
    world,
    direct: async ({ name, driver, settings }, signal) => {
      const instrument = Object.hasOwn(DIRECT, driver) ? DIRECT[driver] : undefined
      if (instrument === undefined) {
        const what = `there is no ${driver} without its wire; use --sim or --sim=wire for this bench`
        throw new BenchError('TRANSPORT_OPEN_FAILED', what, { context: { instrument: name, driver } })
      }
      const context = { name, seed, clock, settings: settings as Readonly<Record<string, unknown>> }
      const port = portOf(world, { kind: instrument.kind, name }, file.wiring.heaters.banks)
      return instrument.open(port, context, signal)
    },
  }
}
