import type { Connector } from './connector.ts'
import type { BankPart } from './heater-banks.ts'

export interface LaserWiring {
  readonly laser: string
  readonly frequencyThz: number
  readonly powerDbm: number
}

/** What carries data onto the light, and what reads its products. */
export interface PortWiring {
  /** [input] */
  readonly drive: readonly Connector[]
  readonly bias: readonly string[]
  /** [output] */
  readonly plus: readonly Connector[]
  /** [output], or nothing where each output has a single photodiode. */
  readonly minus: readonly Connector[]
}

/** How the instruments of a bench are wired, as far as this does not depend on its core. */
export interface LightWiring {
  readonly size: number
  /** In the order in which the file names them. */
  readonly generators: readonly string[]
  readonly meters: readonly string[]
  readonly trigger: { readonly source: string; readonly targets: readonly string[] }
  readonly frame: { readonly symbolPeriodS: number; readonly pointsPerSymbol: number; readonly maxSymbols: number }
  readonly driveAmplitudeV: number
  readonly meterRangeDbm: number
  readonly heaters: {
    /** Banks whose channels follow one another. */
    readonly banks: readonly BankPart[]
    /** [heater of the core's layout] */
    readonly channels: readonly number[]
    readonly limitV: number
    readonly settleMs: number
  }
  readonly ovens: readonly { readonly name: string; readonly controller: string; readonly temperatureC: number }[]
  readonly mains: string
  /** Longest time one instrument may take to become safe. */
  readonly safeDeadlineMs: number
}
