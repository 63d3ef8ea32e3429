import type { HeaterPort } from '../../sim/optics/world-ports.ts'

/** Heaters that are plain resistors, for instruments that drive them. */
export class ResistiveHeaters implements HeaterPort {
  readonly voltagesV: number[]
  readonly resistanceOhm: number[]

  constructor(count: number, resistanceOhm = 1500) {
    this.voltagesV = new Array<number>(count).fill(0)
    this.resistanceOhm = new Array<number>(count).fill(resistanceOhm)
  }

  setVoltageV(channel: number, voltageV: number): void {
    this.voltagesV[channel] = voltageV
  }

  get powersMw(): number[] {
    return this.voltagesV.map((voltageV, channel) => voltageV * this.currentMa(channel))
  }

  currentMa(channel: number): number {
    return ((this.voltagesV[channel] ?? 0) / (this.resistanceOhm[channel] ?? Infinity)) * 1e3
  }
}
