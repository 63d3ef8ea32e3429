import { SCPI_ERROR_TEXTS } from './scpi-fault.ts'
import { ScpiRegister } from './scpi-register.ts'

/** Entries an error queue holds; the last is lost to -350 when one more comes. */
const QUEUE_LENGTH = 30
const NO_ERROR = 'No error'

const OPERATION_COMPLETE = 0x01
const QUERY_ERROR = 0x04
const DEVICE_ERROR = 0x08
const EXECUTION_ERROR = 0x10
const COMMAND_ERROR = 0x20
const POWER_ON = 0x80

const MEASUREMENT_SUMMARY = 0x01
const ERROR_AVAILABLE = 0x04
const QUESTIONABLE_SUMMARY = 0x08
const MESSAGE_AVAILABLE = 0x10
const EVENT_SUMMARY = 0x20
const MASTER_SUMMARY = 0x40
const OPERATION_SUMMARY = 0x80

/**
 * Error queue and status registers of one instrument.
 *
 * Source: IEEE 488.2 status model as drawn in Keysight "B2900 SCPI Command Reference" ch. 5.
 */
export class ScpiStatus {
  /** Status groups; an instrument without them never sets one, and has no `:STATus` rows. */
  readonly measurement = new ScpiRegister(() => this.#changed())
  readonly operation = new ScpiRegister(() => this.#changed())
  readonly questionable = new ScpiRegister(() => this.#changed())
  readonly #queue: string[] = []
  readonly #plus: string
  readonly #watchers = new Set<() => void>()
  #events = POWER_ON
  #eventEnable = 0
  #serviceEnable = 0

  /** Some makers write `+0,"No error"`, some `0,"No error"`. */
  constructor({ signed }: { readonly signed: boolean }) {
    this.#plus = signed ? '+' : ''
  }

  /** `changed` runs whenever the status byte may have changed. Returns what ends that. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => void this.#watchers.delete(changed)
  }

  get eventEnable(): number {
    return this.#eventEnable
  }

  /** *ESE */
  set eventEnable(value: number) {
    this.#eventEnable = value
    this.#changed()
  }

  get serviceEnable(): number {
    return this.#serviceEnable
  }

  /** *SRE: bit 6 is ignored. */
  set serviceEnable(value: number) {
    this.#serviceEnable = value & ~MASTER_SUMMARY
    this.#changed()
  }

  report(number: number, detail = ''): void {
    this.#events |= eventOf(number)
    if (this.#queue.length < QUEUE_LENGTH) this.#queue.push(entry(number, detail, this.#plus))
    else {
      this.#queue[QUEUE_LENGTH - 1] = entry(-350, '', '')
      this.#events |= DEVICE_ERROR
    }
    this.#changed()
  }

  /** Oldest entry first; says that there is none when there is none. */
  takeError(): string {
    const oldest = this.#queue.shift()
    if (oldest === undefined) return `${this.#plus}0,"${NO_ERROR}"`
    this.#changed()
    return oldest
  }

  /** How many errors wait to be read. */
  get errorCount(): number {
    return this.#queue.length
  }

  /** *OPC */
  complete(): void {
    this.#events |= OPERATION_COMPLETE
    this.#changed()
  }

  /** *ESR?: reading clears. */
  takeEvents(): number {
    const events = this.#events
    this.#events = 0
    this.#changed()
    return events
  }

  /** *STB?: reading clears nothing. */
  statusByte(messageAvailable: boolean): number {
    const byte = this.#summaries(messageAvailable)
    return byte | ((byte & this.#serviceEnable) !== 0 ? MASTER_SUMMARY : 0)
  }

  /** The bits of the status byte for which the controller wants to be called. */
  reasonsForService(messageAvailable: boolean): number {
    return this.#summaries(messageAvailable) & this.#serviceEnable
  }

  /** *CLS */
  clear(): void {
    this.#queue.length = 0
    this.#events = 0
    for (const group of [this.measurement, this.operation, this.questionable]) group.clear()
    this.#changed()
  }

  #summaries(messageAvailable: boolean): number {
    return (
      (this.measurement.summary ? MEASUREMENT_SUMMARY : 0) |
      (this.#queue.length > 0 ? ERROR_AVAILABLE : 0) |
      (this.questionable.summary ? QUESTIONABLE_SUMMARY : 0) |
      (messageAvailable ? MESSAGE_AVAILABLE : 0) |
      ((this.#events & this.#eventEnable) !== 0 ? EVENT_SUMMARY : 0) |
      (this.operation.summary ? OPERATION_SUMMARY : 0)
    )
  }

  #changed(): void {
    for (const changed of this.#watchers) changed()
  }
}

function entry(number: number, detail: string, plus: string): string {
  const text = SCPI_ERROR_TEXTS[number] ?? 'Device-specific error'
  return `${number > 0 ? plus : ''}${number},"${text}${detail === '' ? '' : `;${detail}`}"`
}

function eventOf(number: number): number {
  if (number <= -400) return QUERY_ERROR
  if (number <= -300 || number > 0) return DEVICE_ERROR
  return number <= -200 ? EXECUTION_ERROR : COMMAND_ERROR
}
