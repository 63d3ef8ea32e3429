import { BenchError } from '../../core/errors.ts'
import { CounterRandom } from '../../core/random.ts'
import type { HeaterPort } from '../optics/world-ports.ts'
import type { WireConnection, WireInstrument } from '../ports/wire-instrument.ts'
import { CommandReader, isKnownName } from '../protocols/qontrol-commands.ts'
import type { Heard, ModuleCommand, Refusal } from '../protocols/qontrol-commands.ts'
import type { SimContext, SimEntry } from '../sim-entry.ts'

const CHANNELS = 8
/** Full scales of a Q8iv. Source: takeqontrol/api, DEVICE_PROPERTIES. */
const FULL_V = 12
const FULL_MA = 24
const FULL_WORD = 0xffff

/** Eight outputs set to 3 V were read as 3.0010 to 3.0065 V (takeqontrol/api, progs/): 0.12 % and 0.06 % of spread. */
const READING_GAIN = 0.0012
const READING_GAIN_SIGMA = 0.0006
/** Repeated readings of an output at rest differ by about this much in the same recording. */
const READING_NOISE_V = 0.0003
const READING_NOISE_MA = 0.0006

const OK = 'OK'
const NO_CHANNEL: Refusal = { code: 12, detail: 0 }
const NO_NUMBER: Refusal = { code: 11, detail: 3 }
const UNKNOWN_NAME: Refusal = { code: 10, detail: 2 }
const NOT_SUPPORTED: Refusal = { code: 0, detail: 1 }

/** What a command brings about: its own lines, and what modules then say unasked. */
interface Outcome {
  readonly lines: readonly string[]
  readonly notices?: readonly Refusal[]
}

/**
 * The far end of a chain of Q8iv modules on a backplane, channels counted along the chain.
 *
 * Voltages reach the heaters in 16-bit steps; readings are measurements with a gain error and noise. A setting above
 * a channel's limit is acknowledged, not carried out and then reported; a channel that draws more than its current
 * limit goes to 0 V (assumption: it is not said what a tripped output does). In current operation the voltage is the
 * one at which the heater draws the current, and at the voltage limit, reported, where there is none.
 *
 * Source: takeqontrol/api, qontrol.py 1.1.20 and recorded traffic (progs/).
 */
export class SimQontrol implements WireInstrument {
  readonly #port: HeaterPort
  readonly #context: SimContext
  readonly #modules: number
  readonly #voltageV: Float64Array
  readonly #maxV: Float64Array
  readonly #maxMa: Float64Array
  readonly #gain: Float64Array
  readonly #noise: CounterRandom
  readonly #clients = new Set<(bytes: Uint8Array) => void>()
  #readings = 0
  #disturbed = false

  constructor(port: HeaterPort, context: SimContext) {
    const modules = context.settings['modules']
    if (typeof modules !== 'number')
      throw new BenchError('BENCH_FILE_INVALID', `${context.name}: modules must say how many are in the chain`)
    this.#port = port
    this.#context = context
    this.#modules = modules
    const channels = modules * CHANNELS
    this.#voltageV = new Float64Array(channels)
    this.#maxV = new Float64Array(channels).fill(FULL_V)
    this.#maxMa = new Float64Array(channels).fill(FULL_MA)
    const gains = new CounterRandom(context.seed, `${context.name}/reading gain`)
    this.#gain = Float64Array.from({ length: channels }, (_, channel) => {
      return 1 + READING_GAIN + READING_GAIN_SIGMA * gains.normal(channel)
    })
    this.#noise = new CounterRandom(context.seed, `${context.name}/reading noise`)
  }

  attach(send: (bytes: Uint8Array) => void): WireConnection {
    const reader = new CommandReader()
    this.#clients.add(send)
    return {
      receive: (bytes) => {
        for (const heard of reader.push(bytes, this.#context.clock.monotonicNs())) this.#hear(heard, send)
      },
      detach: () => void this.#clients.delete(send),
    }
  }

  /** The supply was off and is back: outputs at 0, limits as delivered. Every module says so. */
  powerCycle(): void {
    this.#maxV.fill(FULL_V)
    this.#maxMa.fill(FULL_MA)
    for (let channel = 0; channel < this.#voltageV.length; channel++) this.#output(channel, 0)
    this.#notify(Array.from({ length: this.#modules }, () => ({ code: 90, detail: 3 })))
  }

  /** The next command arrives damaged: it is not carried out and E15 is the answer. */
  disturbNext(): void {
    this.#disturbed = true
  }

  #hear(heard: Heard, send: (bytes: Uint8Array) => void): void {
    if (this.#disturbed) {
      this.#disturbed = false
      return sendLine(send, errorLine({ code: 15, detail: 1 }))
    }
    const outcome = heard.kind === 'refusal' ? heard.refusal : this.#answer(heard.command)
    if (isRefusal(outcome)) return sendLine(send, errorLine(outcome))
    for (const line of outcome.lines) sendLine(send, line)
    this.#notify(outcome.notices ?? [])
  }

  #notify(notices: readonly Refusal[]): void {
    for (const send of this.#clients) for (const notice of notices) sendLine(send, errorLine(notice))
  }

  #answer(command: ModuleCommand): Outcome | Refusal {
    const outcome = command.action === 'get' ? this.#read(command) : this.#set(command)
    if (outcome !== undefined) return outcome
    return isKnownName(command.name) ? NOT_SUPPORTED : UNKNOWN_NAME
  }

  #read({ name, channel }: ModuleCommand): Outcome | Refusal | undefined {
    const one = (read: (channel: number) => string): Outcome | Refusal => {
      if (channel === undefined || channel >= this.#voltageV.length) return noChannel(channel)
      return { lines: [read(channel)] }
    }
    const all = (read: (channel: number) => string): Outcome => ({
      lines: Array.from(this.#voltageV, (_, index) => read(index)),
    })
    switch (name) {
      case 'V':
        return one((index) => volts(this.#readV(index)))
      case 'I':
        return one((index) => milliamps(this.#readMa(index)))
      case 'P':
        return one((index) => `${signed(this.#readV(index) * this.#readMa(index))} mW`)
      case 'R':
        return one((index) => `${signed((this.#readV(index) / this.#readMa(index)) * 1e3)} Ohm`)
      case 'VMAX':
        return one((index) => volts(this.#maxV[index] ?? 0))
      case 'IMAX':
        return one((index) => milliamps(this.#maxMa[index] ?? 0))
      case 'VALL':
        return all((index) => volts(this.#readV(index)))
      case 'IALL':
        return all((index) => milliamps(this.#readMa(index)))
      case 'VIPALL':
        return all((index) => {
          const place = `${Math.floor(index / CHANNELS)},${index % CHANNELS}`
          return `${place}: ${volts(this.#readV(index))}, ${milliamps(this.#readMa(index))}`
        })
      case 'ID':
        return { lines: [this.#id(0)] }
      case 'NUP':
        return { lines: [`${this.#id(0)}: 0`] }
      case 'NUPALL':
        return { lines: Array.from({ length: this.#modules }, (_, place) => `${this.#id(place)}: ${place}`) }
      case 'NCHAN':
        return { lines: [String(CHANNELS)] }
      case 'FIRMWARE':
        return { lines: ['v2.4.1'] }
      case 'LIFETIME':
        return { lines: [`${Math.floor(this.#context.clock.monotonicNs() / 1e9)} s`] }
      case 'VFULL':
        return { lines: [volts(FULL_V)] }
      case 'IFULL':
        return { lines: [milliamps(FULL_MA)] }
      default:
        return undefined
    }
  }

  #set(command: ModuleCommand): Outcome | Refusal | undefined {
    switch (command.name) {
      case 'V':
      case 'VVEC':
      case 'VALL':
        return this.#setChannels(command, FULL_V, (channel, voltageV) => this.#setV(channel, voltageV))
      case 'I':
      case 'IVEC':
      case 'IALL':
        return this.#setChannels(command, FULL_MA, (channel, currentMa) => this.#setMa(channel, currentMa))
      case 'VMAX':
        return this.#setChannels(command, FULL_V, (channel, limitV) => void (this.#maxV[channel] = limitV))
      case 'IMAX':
        return this.#setChannels(command, FULL_MA, (channel, limitMa) => void (this.#maxMa[channel] = limitMa))
      case 'NUP':
        // Every module acknowledges for itself, behind an ACK byte.
        return { lines: Array.from({ length: this.#modules }, () => `\u0006${OK}`) }
      default:
        return undefined
    }
  }

  /** Checks everything before it carries anything out; each module that is touched acknowledges once. */
  #setChannels(
    command: ModuleCommand,
    full: number,
    set: (channel: number, value: number) => Refusal | undefined,
  ): Outcome | Refusal {
    const everywhere = command.name.endsWith('ALL')
    const first = everywhere ? 0 : command.channel
    if (first === undefined) return NO_CHANNEL
    const values = command.values.map((value) => (command.scale === 'words' ? (value / FULL_WORD) * full : value))
    const count = everywhere ? this.#voltageV.length : values.length
    if (values.some(Number.isNaN)) return NO_NUMBER
    if (first + count > this.#voltageV.length) return noChannel(first + count - 1)
    // Stricter than may be true: a vector elsewhere is documented nowhere.
    if (command.name.endsWith('VEC') && first % CHANNELS !== 0) return noChannel(first)
    const wrong = values.findIndex((value) => value < 0 || value > full)
    if (wrong >= 0) return { code: 11, detail: (first + wrong) % CHANNELS }
    const notices: Refusal[] = []
    for (let index = 0; index < count; index++) {
      const notice = set(first + index, values[everywhere ? 0 : index] ?? 0)
      if (notice !== undefined) notices.push(notice)
    }
    const modules = Math.floor((first + count - 1) / CHANNELS) - Math.floor(first / CHANNELS) + 1
    return { lines: Array.from({ length: modules }, () => OK), notices }
  }

  #setV(channel: number, voltageV: number): Refusal | undefined {
    if (voltageV > (this.#maxV[channel] ?? 0)) return overVoltage(channel)
    this.#output(channel, voltageV)
    return this.#tripped(channel)
  }

  #setMa(channel: number, currentMa: number): Refusal | undefined {
    if (currentMa > (this.#maxMa[channel] ?? 0)) return overCurrent(channel)
    const maxV = this.#maxV[channel] ?? 0
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

  #tripped(channel: number): Refusal | undefined {
    if (this.#port.currentMa(channel) <= (this.#maxMa[channel] ?? 0)) return undefined
    this.#output(channel, 0)
    return overCurrent(channel)
  }

  #output(channel: number, voltageV: number): void {
    const quantisedV = (Math.round((voltageV / FULL_V) * FULL_WORD) / FULL_WORD) * FULL_V
    this.#voltageV[channel] = quantisedV
    this.#port.setVoltageV(channel, quantisedV)
  }

  #readV(channel: number): number {
    const voltageV = (this.#voltageV[channel] ?? 0) * (this.#gain[channel] ?? 1)
    return voltageV + READING_NOISE_V * this.#noise.normal(this.#readings++)
  }

  #readMa(channel: number): number {
    return this.#port.currentMa(channel) + READING_NOISE_MA * this.#noise.normal(this.#readings++)
  }

  #id(place: number): string {
    const serials = new CounterRandom(this.#context.seed, `${this.#context.name}/serial`)
    const serial = Math.floor(serials.uniform(place) * 0x10000)
    return `Q8iv-${serial.toString(16).toUpperCase().padStart(4, '0')}`
  }
}

export const simQontrol: SimEntry<'phase-shifter-bank'> = {
  kind: 'phase-shifter-bank',
  create: (port, context) => new SimQontrol(port, context),
}

const isRefusal = (outcome: Outcome | Refusal): outcome is Refusal => 'code' in outcome

/** Errors count channels within their module, and do not say which module. Source: recording of two modules. */
const overVoltage = (channel: number): Refusal => ({ code: 1, detail: channel % CHANNELS })
const overCurrent = (channel: number): Refusal => ({ code: 2, detail: channel % CHANNELS })
const noChannel = (channel: number | undefined): Refusal => ({ code: 12, detail: (channel ?? 0) % 100 })

const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)}`
const volts = (voltageV: number): string => `${signed(voltageV)} V`
const milliamps = (currentMa: number): string => `${signed(currentMa)} mA`
const errorLine = ({ code, detail }: Refusal): string =>
  `E${String(code).padStart(2, '0')}:${String(detail).padStart(2, '0')}`

function sendLine(send: (bytes: Uint8Array) => void, line: string): void {
  send(Uint8Array.from(Buffer.from(`${line}\n`, 'latin1')))
}
