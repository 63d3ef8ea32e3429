import { BenchError } from '../../core/errors.ts'
import type { HeaterPort } from '../optics/world-ports.ts'
import type { WireConnection, WireInstrument } from '../ports/wire-instrument.ts'
import { CommandReader, isKnownName } from '../protocols/qontrol-commands.ts'
import type { Heard, ModuleCommand, Refusal } from '../protocols/qontrol-commands.ts'
import type { SimContext, SimEntry } from '../sim-entry.ts'
import { CHANNELS, FIRMWARE, FULL_MA, FULL_V, FULL_WORD } from './qontrol-outputs.ts'
import { QontrolOutputs, moduleSerial, readingText } from './qontrol-outputs.ts'

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
 * Settings are acknowledged; one that could not be carried out, or that tripped its channel, is then reported.
 *
 * Source: takeqontrol/api, qontrol.py 1.1.20 and recorded traffic (progs/).
 */
export class SimQontrol implements WireInstrument {
  readonly #context: SimContext
  readonly #modules: number
  readonly #outputs: QontrolOutputs
  readonly #clients = new Set<(bytes: Uint8Array) => void>()
  #disturbed = false

  constructor(port: HeaterPort, context: SimContext) {
    const modules = context.settings['modules']
    if (typeof modules !== 'number')
      throw new BenchError('BENCH_FILE_INVALID', `${context.name}: modules must say how many are in the chain`)
    this.#context = context
    this.#modules = modules
    this.#outputs = new QontrolOutputs(port, modules * CHANNELS, context.name, context.seed)
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
    this.#outputs.reset()
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
      if (channel === undefined || channel >= this.#outputs.count) return noChannel(channel)
      return { lines: [read(channel)] }
    }
    const all = (read: (channel: number) => string): Outcome => ({
      lines: Array.from({ length: this.#outputs.count }, (_, index) => read(index)),
    })
    switch (name) {
      case 'V':
        return one((index) => volts(this.#outputs.readV(index)))
      case 'I':
        return one((index) => milliamps(this.#outputs.readMa(index)))
      case 'P':
        return one((index) => `${readingText(this.#outputs.readV(index) * this.#outputs.readMa(index))} mW`)
      case 'R':
        return one((index) => `${readingText((this.#outputs.readV(index) / this.#outputs.readMa(index)) * 1e3)} Ohm`)
      case 'VMAX':
        return one((index) => volts(this.#outputs.maxV[index] ?? 0))
      case 'IMAX':
        return one((index) => milliamps(this.#outputs.maxMa[index] ?? 0))
      case 'VALL':
        return all((index) => volts(this.#outputs.readV(index)))
      case 'IALL':
        return all((index) => milliamps(this.#outputs.readMa(index)))
      case 'VIPALL':
        return all((index) => {
          const place = `${Math.floor(index / CHANNELS)},${index % CHANNELS}`
          return `${place}: ${volts(this.#outputs.readV(index))}, ${milliamps(this.#outputs.readMa(index))}`
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
        return { lines: [FIRMWARE] }
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
        return this.#setChannels(command, FULL_V, (channel, voltageV) => this.#outputs.setV(channel, voltageV))
      case 'I':
      case 'IVEC':
      case 'IALL':
        return this.#setChannels(command, FULL_MA, (channel, currentMa) => this.#outputs.setMa(channel, currentMa))
      case 'VMAX':
        return this.#setChannels(command, FULL_V, (channel, limitV) => void (this.#outputs.maxV[channel] = limitV))
      case 'IMAX':
        return this.#setChannels(command, FULL_MA, (channel, limitMa) => void (this.#outputs.maxMa[channel] = limitMa))
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
    const count = everywhere ? this.#outputs.count : values.length
    if (values.some(Number.isNaN)) return NO_NUMBER
    if (first + count > this.#outputs.count) return noChannel(first + count - 1)
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

  #id(place: number): string {
    return `Q8iv-${moduleSerial(place, this.#context.name, this.#context.seed)}`
  }
}

export const simQontrol: SimEntry<'phase-shifter-bank'> = {
  kind: 'phase-shifter-bank',
  create: (port, context) => new SimQontrol(port, context),
}

const isRefusal = (outcome: Outcome | Refusal): outcome is Refusal => 'code' in outcome

const noChannel = (channel: number | undefined): Refusal => ({ code: 12, detail: (channel ?? 0) % 100 })

const volts = (voltageV: number): string => `${readingText(voltageV)} V`
const milliamps = (currentMa: number): string => `${readingText(currentMa)} mA`
const errorLine = ({ code, detail }: Refusal): string =>
  `E${String(code).padStart(2, '0')}:${String(detail).padStart(2, '0')}`

function sendLine(send: (bytes: Uint8Array) => void, line: string): void {
  send(Uint8Array.from(Buffer.from(`${line}\n`, 'latin1')))
}
