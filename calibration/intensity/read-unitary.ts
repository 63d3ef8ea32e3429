import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { shares } from './fit-chip.ts'
import type { IntensityModel, MadeOnce } from './intensity-model.ts'
import { everyPort } from './intensity-probe.ts'
import type { IntensityProbe } from './intensity-probe.ts'
import { programUnitary } from './intensity-programming.ts'

/** A chip as it is known, and what looks at it. */
export interface KnownChip {
  readonly model: IntensityModel
  readonly parameters: Float64Array
  readonly made: MadeOnce
  readonly probe: IntensityProbe
  readonly maxVoltageV: number
}

/** A unitary as the programmed chip shows it. */
export interface ReadUnitary {
  readonly amplitudeFidelity: number
  /** Total variation distance from the target, and from what the fitted chip should show; mean over the inputs. */
  readonly tvd: number
  readonly modelTvd: number
}

/**
 * Programs a unitary and reads it.
 *
 * Throws: RANGE_EXCEEDED when a phase needs more than the heaters' limit.
 * Leaves: the heaters there.
 */
export async function readUnitary(chip: KnownChip, target: ComplexMatrix, signal: AbortSignal): Promise<ReadUnitary> {
  const { voltagesV } = programUnitary(chip.model, chip.made, target, chip.maxVoltageV)
  return await readProgrammed(chip, voltagesV, target, signal)
}

/**
 * Reads the powers at all outputs, one input lit after the other by both signs; outputs count by their fitted gains. The
 * fitted chip foretells what one sign shows, beats with dark modulators included.
 *
 * Leaves: the heaters at the voltages, which were made for the target.
 */
export async function readProgrammed(
  { model, parameters, made, probe }: KnownChip,
  voltagesV: Float64Array,
  target: ComplexMatrix,
  signal: AbortSignal,
): Promise<ReadUnitary> {
  const { size } = model.layout
  const ports = everyPort(size)
  const { asLit, alone } = await probe.readAlone(voltagesV, ports, signal)
  const predicted = model.predict(parameters, made, voltagesV, ports)
  let [amplitudeFidelity, tvd, modelTvd] = [0, 0, 0]
  for (const input of ports) {
    // Noise may be below the dark where no light should be.
    const balanced = (of: Float64Array): Float64Array =>
      shares(Float64Array.from(ports, (i) => Math.max(0, of[input * size + i]!) / made.gainsOut[i]! ** 2))
    const [seen, lit, expected] = [balanced(alone), balanced(asLit.powers), balanced(predicted)]
    const wanted = shares(
      Float64Array.from(ports, (i) => target.re[i * size + input]! ** 2 + target.im[i * size + input]! ** 2),
    )
    for (const i of ports) {
      amplitudeFidelity += Math.sqrt(seen[i]! * wanted[i]!) / size
      tvd += Math.abs(seen[i]! - wanted[i]!) / (2 * size)
      modelTvd += Math.abs(lit[i]! - expected[i]!) / (2 * size)
    }
  }
  return { amplitudeFidelity, tvd, modelTvd }
}
