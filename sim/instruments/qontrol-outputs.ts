import { CounterRandom } from '../../core/random.ts'
import type { HeaterPort } from '../optics/world-ports.ts'
import type { Refusal } from '../protocols/qontrol-commands.ts'

export const CHANNELS = 8
/** Full scales of a Q8iv. Source: takeqontrol/api, DEVICE_PROPERTIES. */
export const FULL_V = 12
export const FULL_MA = 24
export const FULL_WORD = 0xffff
export const FIRMWARE = 'v2.4.1'

/** Eight outputs set to 3 V were read as 3.0010 to 3.0065 V (takeqontrol/api, progs/): 0.12 % and 0.06 % of spread. */
const READING_GAIN = 0.0012
const READING_GAIN_SIGMA = 0.0006
/** Repeated readings of an output at rest differ by about this much in the same recording. */
const READING_NOISE_V = 0.0003
const READING_NOISE_MA = 0.0006

/**
 * The outputs of a chain of Q8iv modules, and how they are measured.
 *
 * Voltages reach the heaters in 16-bit steps; readings have a gain error and noise. A setting above a channel's limit
 * is not carried out; a channel that draws more than its current limit goes to 0 V (assumption: it is not said what a
 * tripped output does). Both are reported, by what the setters return.
 */
export class QontrolOutputs {
  readonly count: number
  readonly maxV: Float64Array
  readonly maxMa: Float64Array
  readonly #port: HeaterPort
  readonly #voltageV: Float64Array
  readonly #gain: Float64Array
  readonly #noise: CounterRandom
  #readings = 0

  constructor(port: HeaterPort, count: number, name: string, seed: number) {
    this.#port = port
    this.count = count
    this.#voltageV = new Float64Array(count)
    this.maxV = new Float64Array(count).fill(FULL_V)
    this.maxMa = new Float64Array(count).fill(FULL_MA)
    const gains = new CounterRandom(seed, `${name}/reading gain`)
    this.#gain = Float64Array.from({ length: count }, (_, channel) => {
      return 1 + READING_GAIN + READING_GAIN_SIGMA * gains.normal(channel)
    })
    this.#noise = new CounterRandom(seed, `${name}/reading noise`)
  }

  /** Outputs at 0, limits as delivered. */
  reset(): void {
    this.maxV.fill(FULL_V)
    this.maxMa.fill(FULL_MA)
    for (let channel = 0; channel < this.count; channel++) this.#output(channel, 0)
  }

  setV(channel: number, voltageV: number): Refusal | undefined {
    if (voltageV > (this.maxV[channel] ?? 0)) return overVoltage(channel)
    this.#output(channel, voltageV)
    if (this.#port.currentMa(channel) <= (this.maxMa[channel] ?? 0)) return undefined
    this.#output(channel, 0)
    return overCurrent(channel)
  }

  /** At the voltage at which the load draws the current, and at the voltage limit, reported, where there is none. */
  setMa(channel: number, currentMa: number): Refusal | undefined {
    if (currentMa > (this.maxMa[channel] ?? 0)) return overCurrent(channel)
    const maxV = this.maxV[channel] ?? 0
    // The resistance changes as the heater warms: a few steps of V = I·R settle.
    let voltageV = currentMa === 0 ? 0 : 1
    for (let step = 0; step < 8; step++) {
      this.#output(channel, voltageV)
      const drawnMa = this.#port.currentMa(channel)
      if (voltageV === 0 || drawnMa === 0) break
      voltageV = Math.min(maxV, (voltageV * currentMa) / drawnMa)
    }
    if (voltageV === 0 || (this.#port.currentMa(channel) > 0 && voltageV < maxV)) return undefined
    this.#output(channel, maxV)
    return overVoltage(channel)
  }

  readV(channel: number): number {
    const voltageV = (this.#voltageV[channel] ?? 0) * (this.#gain[channel] ?? 1)
    return voltageV + READING_NOISE_V * this.#noise.normal(this.#readings++)
  }

  readMa(channel: number): number {
    return this.#port.currentMa(channel) + READING_NOISE_MA * this.#noise.normal(this.#readings++)
  }

  #output(channel: number, voltageV: number): void {
    const quantisedV = (Math.round((voltageV / FULL_V) * FULL_WORD) / FULL_WORD) * FULL_V
    this.#voltageV[channel] = quantisedV
    this.#port.setVoltageV(channel, quantisedV)
  }
}

/** A reading as the modules write it, without its unit. */
export const readingText = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)}`

/** Four hexadecimal digits for each module of the chain. */
export function moduleSerial(place: number, name: string, seed: number): string {
  const serial = Math.floor(new CounterRandom(seed, `${name}/serial`).uniform(place) * 0x10000)
  return serial.toString(16).toUpperCase().padStart(4, '0')
}

/** Errors count channels within their module, and do not say which module. Source: recording of two modules. */
const overVoltage = (channel: number): Refusal => ({ code: 1, detail: channel % CHANNELS })
const overCurrent = (channel: number): Refusal => ({ code: 2, detail: channel % CHANNELS })
