/** Bit 15 is never used. */
const ALL_BITS = 0x7fff

/**
 * One status group: a condition whose changes pass filters into latched events, of which the enabled ones are summed up.
 *
 * Source: status system diagrams in Keysight "B2900 SCPI Command Reference" ch. 1; `STATus:PRESet` as there.
 */
export class ScpiRegister {
  readonly #changed: () => void
  #condition = 0
  #events = 0
  #enable = 0
  #positive = ALL_BITS
  #negative = 0

  /** `changed` runs when the summary may have changed. */
  constructor(changed: () => void) {
    this.#changed = changed
  }

  get condition(): number {
    return this.#condition
  }

  /** What is so now. A bit that rises or falls becomes an event where its filter lets it. */
  set condition(value: number) {
    const rises = value & ~this.#condition
    const falls = this.#condition & ~value
    this.#condition = value
    this.#latch((rises & this.#positive) | (falls & this.#negative))
  }

  /** Something that happened and was over at once. */
  happen(bits: number): void {
    this.#latch(bits & this.#positive)
  }

  get enable(): number {
    return this.#enable
  }

  set enable(value: number) {
    this.#enable = value & ALL_BITS
    this.#changed()
  }

  /** Which bits are noticed when they rise (PTRansition), and which when they fall (NTRansition). */
  get positive(): number {
    return this.#positive
  }

  set positive(value: number) {
    this.#positive = value & ALL_BITS
  }

  get negative(): number {
    return this.#negative
  }

  set negative(value: number) {
    this.#negative = value & ALL_BITS
  }

  /** Reading clears. */
  takeEvents(): number {
    const events = this.#events
    this.clear()
    return events
  }

  get summary(): boolean {
    return (this.#events & this.#enable) !== 0
  }

  /** *CLS: events only. */
  clear(): void {
    this.#events = 0
    this.#changed()
  }

  /** STATus:PRESet: filters and enable, no events. */
  preset(): void {
    this.#positive = ALL_BITS
    this.#negative = 0
    this.enable = 0
  }

  #latch(bits: number): void {
    if (bits === 0) return
    this.#events |= bits
    this.#changed()
  }
}
