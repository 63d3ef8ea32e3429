import type { HeaterPort } from './world-ports.ts'

/** What is broken or plugged in wrong on the bench of a twin. Its bench file and its instruments know nothing of it. */
export interface TwinDefects {
  /** Pairs of channels of the heater bank whose cables are exchanged. */
  readonly swappedHeaters: readonly (readonly [number, number])[]
  /** Channels whose cable is off: the heater stays cold, the channel drives nothing. */
  readonly deadHeaters: readonly number[]
  /** Channels whose output stands at one voltage, whatever it is told. */
  readonly stuckHeaters: readonly { readonly channel: number; readonly voltageV: number }[]
  /** Photodiodes that no light reaches. */
  readonly darkPorts: readonly { readonly meter: string; readonly port: number }[]
  /** Photodiodes that have half their responsivity left at so much light. */
  readonly saturatedPorts: readonly { readonly meter: string; readonly port: number; readonly saturationMw: number }[]
  /** By laser: how far from its own reading it emits. */
  readonly laserOffsetsGhz: Readonly<Record<string, number>>
}

export const NO_DEFECTS: TwinDefects = {
  swappedHeaters: [],
  deadHeaters: [],
  stuckHeaters: [],
  darkPorts: [],
  saturatedPorts: [],
  laserOffsetsGhz: {},
}

/** Heaters by their number on the chip, as something sets and reads them. */
export interface HeaterRow {
  setVoltageV(heater: number, voltageV: number): void
  currentMa(heater: number): number
}

/**
 * The connector of a heater bank behind its cables, the wrong and the broken ones included.
 *
 * Shape of `channels`: [heater], as the bench file has it. A channel without a heater is an open circuit.
 */
export function heaterCables(
  channels: readonly number[],
  row: HeaterRow,
  defects: TwinDefects = NO_DEFECTS,
): HeaterPort {
  const heaterOf = new Map(channels.map((channel, heater) => [channel, heater]))
  for (const [a, b] of defects.swappedHeaters) {
    const [ofA, ofB] = [heaterOf.get(a), heaterOf.get(b)]
    if (ofA !== undefined) heaterOf.set(b, ofA)
    if (ofB !== undefined) heaterOf.set(a, ofB)
  }
  for (const channel of defects.deadHeaters) heaterOf.delete(channel)
  const stuck = new Set(defects.stuckHeaters.map(({ channel }) => channel))
  for (const { channel, voltageV } of defects.stuckHeaters) {
    const heater = heaterOf.get(channel)
    if (heater !== undefined) row.setVoltageV(heater, voltageV)
  }
  return {
    setVoltageV: (channel, voltageV) => {
      const heater = heaterOf.get(channel)
      if (heater !== undefined && !stuck.has(channel)) row.setVoltageV(heater, voltageV)
    },
    currentMa: (channel) => {
      const heater = heaterOf.get(channel)
      return heater === undefined ? 0 : row.currentMa(heater)
    },
  }
}
