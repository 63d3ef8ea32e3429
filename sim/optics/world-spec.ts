import type { TwinDefects } from './defects.ts'
import type { DriftValues } from './parameters/drift-parameters.ts'
import type { LightValues } from './parameters/light-parameters.ts'
import type { Side } from './photodiode.ts'

/** How the instruments of a bench are wired to its optics: the twin's copy of the wiring, in the names of the bench file. */
export interface WorldSpec {
  /** [laser] */
  readonly lasers: readonly string[]
  /** Where the first laser belongs. */
  readonly firstChannelThz: number
  /** [modulator] of the core. */
  readonly modulators: readonly { readonly generator: string; readonly channel: number; readonly bias: string }[]
  /** [detector] of the core. */
  readonly detectors: readonly PhotodiodePlace[]
  /** `channels[heater]` of the core is the channel of the bank. */
  readonly heaters: { readonly bank: string; readonly channels: readonly number[] }
  /** Undefined where the core has none. */
  readonly taps:
    { readonly monitor: string; readonly firstChannel: number; readonly amplifier: TapAmplifierValues } | undefined
  readonly ovens: readonly string[]
  readonly mains: string
  /** Trigger output of `source` is cabled to the trigger inputs of `targets`. */
  readonly trigger: { readonly source: string; readonly targets: readonly string[] }
  readonly light: LightValues
  readonly drift: DriftValues
  /** Undefined: none. */
  readonly defects?: TwinDefects
}

export interface MeterPort {
  readonly meter: string
  readonly port: number
}

/** Where a photodiode is plugged in, and which side of a pair it is. A single one is none. */
export interface PhotodiodePlace extends MeterPort {
  readonly side?: Side
}

/** What reads one output of the core: a pair, or a single photodiode. */
export interface OutputPorts {
  readonly plus: MeterPort
  readonly minus?: MeterPort
}

/** Photodiodes output by output, + before −. */
export const photodiodePlaces = (outputs: readonly OutputPorts[]): readonly PhotodiodePlace[] =>
  outputs.flatMap(({ plus, minus }): PhotodiodePlace[] =>
    minus === undefined
      ? [plus]
      : [
          { ...plus, side: 'plus' },
          { ...minus, side: 'minus' },
        ],
  )

/** Volts behind the monitor taps. */
export interface TapAmplifierValues {
  readonly tapGainVPerMw: number
  readonly tapGainSpread: number
  readonly tapNoiseMv: number
}
