import type { SvdCoreLayout } from '../../../core/mesh-layout.ts'
import { CounterRandom } from '../../../core/random.ts'
import type { MeshDriftValues } from '../parameters/drift-parameters.ts'
import { OrnsteinUhlenbeck } from './ornstein-uhlenbeck.ts'
import { Room, S_PER_H } from './room.ts'

/**
 * What moves the phases of a mesh core without anybody touching a heater.
 *
 * Every path between two heaters is a little longer than its neighbour and so turns with the temperature of the chip; the
 * local oscillators come over a fibre of their own a lane, and each over a waveguide of its own.
 */
export class MeshDrift {
  readonly #room: Room
  /** [heater] */
  readonly #radPerK: Float64Array
  /** [lane] */
  readonly #lo: readonly {
    readonly fibre: OrnsteinUhlenbeck
    /** [port] */
    readonly ports: readonly { readonly heater: number; readonly phase: OrnsteinUhlenbeck }[]
  }[]

  constructor({ heaters, lo }: SvdCoreLayout, what: MeshDriftValues, seed: number) {
    const slopes = new CounterRandom(seed, 'chip/phase per kelvin')
    this.#room = new Room(what, seed)
    this.#radPerK = Float64Array.from(heaters, (_, heater) => what.meshPhaseRadPerK * slopes.normal(heater))
    const tauS = what.loCorrelationH * S_PER_H
    this.#lo = lo.map((ports, lane) => ({
      fibre: new OrnsteinUhlenbeck(seed, `lane/${lane}/lo drift`, { sigma: what.loPhaseDriftRad, tauS }),
      ports: ports.map((heater, port) => ({
        heater,
        phase: new OrnsteinUhlenbeck(seed, `lane/${lane}/lo/${port} drift`, { sigma: what.loPortDriftRad, tauS }),
      })),
    }))
  }

  /** What is added to the phase of each heater. Shape: [heater]. */
  phasesRad(ageS: number): Float64Array {
    const warmerK = this.#room.throughOvenK(ageS)
    const phasesRad = this.#radPerK.map((radPerK) => radPerK * warmerK)
    for (const { fibre, ports } of this.#lo) {
      const fibreRad = fibre.at(ageS)
      for (const { heater, phase } of ports) phasesRad[heater]! += fibreRad + phase.at(ageS)
    }
    return phasesRad
  }
}
