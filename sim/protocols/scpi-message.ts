/** A parameter as it was written: text, or the payload of a block. */
export type ScpiParameter = string | Uint8Array

/** One command or question of a message. */
export interface ScpiUnit {
  /** As written, without the question mark. */
  readonly header: string
  readonly query: boolean
  readonly parameters: readonly ScpiParameter[]
}

export interface ScpiMessage {
  readonly units: readonly ScpiUnit[]
  /** Number of the error that ended reading, 0 when the whole message was read. */
  readonly fault: number
}

/** A message that is being put together from its headers, texts and blocks as they are read. */
export class ScpiMessageBuilder {
  #units: ScpiUnit[] = []
  #header: string | undefined
  #parameters: ScpiParameter[] = []
  #block: Uint8Array | undefined

  get hasHeader(): boolean {
    return this.#header !== undefined
  }

  get isEmpty(): boolean {
    return this.#header === undefined && this.#units.length === 0
  }

  /** What ends next is a parameter, even if no text of it was read. */
  get owesParameter(): boolean {
    return this.#block !== undefined || this.#parameters.length > 0
  }

  /** Something in it may be a view of received bytes. */
  get mayHoldBlocks(): boolean {
    return this.owesParameter || this.#units.length > 0
  }

  beginUnit(header: string): void {
    this.#header = header
  }

  /** The parameter that ends next is a block. */
  takeBlock(block: Uint8Array): void {
    this.#block = block
  }

  /** False where neither a block nor text stands between two separators. */
  endParameter(text: string): boolean {
    const block = this.#block
    this.#parameters.push(block ?? text)
    this.#block = undefined
    return block !== undefined || text.length > 0
  }

  /** `keep`: nothing was wrong with it. */
  endUnit(keep: boolean): void {
    const header = this.#header
    if (header !== undefined && keep) {
      const query = header.endsWith('?')
      this.#units.push({ header: query ? header.slice(0, -1) : header, query, parameters: this.#parameters })
    }
    this.#header = undefined
    this.#parameters = []
  }

  /** What was read, and begins anew. */
  end(fault: number): ScpiMessage {
    const message = { units: this.#units, fault }
    this.#units = []
    this.#header = undefined
    this.#parameters = []
    this.#block = undefined
    return message
  }
}
