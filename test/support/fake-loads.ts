import type { SourceMeterPort } from '../../sim/optics/world-ports.ts'

/** Plain resistors on the channels of a source meter. */
export class FakeLoads implements SourceMeterPort {
  readonly resistanceOhm: number[]
  /** [channel]: what lies at the load now. */
  readonly voltagesV: number[]
  /** Everything that was forced, in order: `V1=0.5`, `A2=0.001`. */
  readonly forced: string[] = []

  constructor(channels = 2, resistanceOhm = 1000) {
    this.resistanceOhm = new Array<number>(channels).fill(resistanceOhm)
    this.voltagesV = new Array<number>(channels).fill(0)
  }

  forceV(channel: number, voltageV: number): number {
    this.forced.push(`V${channel + 1}=${voltageV}`)
    this.voltagesV[channel] = voltageV
    return voltageV / this.resistanceOhm[channel]!
  }

  forceA(channel: number, currentA: number): number {
    this.forced.push(`A${channel + 1}=${currentA}`)
    return (this.voltagesV[channel] = currentA * this.resistanceOhm[channel]!)
  }
}
