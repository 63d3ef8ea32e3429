import type { MeshDesign } from '../../core/mesh-design.ts'
import type { TwinDefects } from './defects.ts'
import type { MeshImperfections } from './parameters/mesh-parameters.ts'
import type { OutputPorts } from './world-spec.ts'

/** How the twin's instruments are wired to the chip. Names are those of the bench file; it is the twin's copy of its wiring. */
export interface MeshWorldSpec {
  readonly size: number
  /** Undefined: U·Σ·V† in rectangles of plain MZIs. */
  readonly design?: MeshDesign
  readonly lanes: readonly {
    readonly laser: string
    readonly frequencyThz: number
    /** [port] */
    readonly modulators: readonly { readonly generator: string; readonly channel: number; readonly bias: string }[]
    /** [port]: the two outputs of the balanced coupler, or one photodiode, as the design says. */
    readonly detectors: readonly OutputPorts[]
  }[]
  /** `channels[heater of meshCoreLayout]` is the channel of the bank. */
  readonly heaters: { readonly bank: string; readonly channels: readonly number[] }
  readonly taps: { readonly monitor: string; readonly firstChannel: number } | undefined
  readonly ovens: readonly string[]
  readonly mains: string
  /** Trigger output of `source` is cabled to the trigger inputs of `targets`. */
  readonly trigger: { readonly source: string; readonly targets: readonly string[] }
  readonly imperfections: MeshImperfections
  /** Undefined: none. */
  readonly defects?: TwinDefects
}
