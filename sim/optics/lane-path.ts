import type { MeshDesign } from '../../core/mesh-design.ts'
import { lossDbToFieldRatio } from '../../core/quantities.ts'
import { RandomStream } from '../../core/random.ts'
import type { MeshImperfections } from './parameters/mesh-parameters.ts'

/** Fibres and waveguides of one lane outside the mesh. All arrays are [port]. */
export interface LanePath {
  /** Field from the laser to the mesh input of each port, phase of the path included. */
  readonly inRe: Float64Array
  readonly inIm: Float64Array
  /** Field from the output of U to the balanced coupler, or to the photodiode. */
  readonly outRe: Float64Array
  readonly outIm: Float64Array
  /** Local oscillator at the balanced coupler. Nothing where intensities are read. */
  readonly loRe: Float64Array
  readonly loIm: Float64Array
}

/** Draws the losses and phases of one lane's paths. Without local oscillators all light goes to the inputs. */
export function fabricateLanePath(
  lane: number,
  { size, design }: { readonly size: number; readonly design: MeshDesign },
  what: MeshImperfections,
  seed: number,
): LanePath {
  const draw = (device: string, lossDb: number, spreadDb: number, powerShare: number): [Float64Array, Float64Array] => {
    const stream = new RandomStream(seed, `lane/${lane}/${device}`)
    const [re, im] = [new Float64Array(size), new Float64Array(size)]
    for (let port = 0; port < size; port++) {
      const field = Math.sqrt(powerShare) * lossDbToFieldRatio(Math.max(0, stream.normal(lossDb, spreadDb)))
      const phase = stream.uniform(0, 2 * Math.PI)
      re[port] = field * Math.cos(phase)
      im[port] = field * Math.sin(phase)
    }
    return [re, im]
  }
  const hasLo = design.detection !== 'intensity'
  const loShare = hasLo ? what.loShare : 0
  const [inRe, inIm] = draw('input', what.inputLossDb, what.inputLossSpreadDb, (1 - loShare) / size)
  const [outRe, outIm] = draw('output', what.outputLossDb, what.outputLossSpreadDb, 1)
  const nothing = new Float64Array()
  const [loRe, loIm] = hasLo ? draw('lo', what.loLossDb, what.loLossSpreadDb, loShare / size) : [nothing, nothing]
  return { inRe, inIm, outRe, outIm, loRe, loIm }
}
