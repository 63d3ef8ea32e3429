import type { RunRecording, WireRecord } from '../journal/records.ts'
import { WireScript } from './wire-script.ts'

/** Hands the records of a recording to their wires, page by page, as far as the wires need them. */
export class RecordFeed {
  readonly scripts: ReadonlyMap<string, WireScript>
  /** Records of a wire that the run never had. */
  readonly strangers: WireRecord[] = []
  readonly #pages: AsyncIterator<readonly WireRecord[]>
  #ended = false

  constructor(recording: RunRecording) {
    this.scripts = new Map([...recording.heads].map(([wire, head]) => [wire, new WireScript(wire, head)]))
    this.#pages = recording.pages()
  }

  get hungry(): boolean {
    if (this.#ended) return false
    for (const script of this.scripts.values()) if (script.needsMore) return true
    return false
  }

  async load(): Promise<void> {
    while (this.hungry) await this.#loadPage()
  }

  /** To the last record, even beyond where all wires should have ended. */
  async loadAll(): Promise<void> {
    while (!this.#ended) await this.#loadPage()
  }

  async #loadPage(): Promise<void> {
    const page = await this.#pages.next()
    if (page.done === true) {
      this.#ended = true
      for (const script of this.scripts.values()) script.exhaust()
      return
    }
    for (const record of page.value) {
      const script = this.scripts.get(record.wire)
      if (script === undefined) this.strangers.push(record)
      else script.push(record)
    }
  }
}
