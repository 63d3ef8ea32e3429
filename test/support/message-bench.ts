import { ScpiServer } from '../../sim/instruments/scpi-server.ts'
import type { ScpiCall } from '../../sim/protocols/scpi-call.ts'
import { ScpiFault } from '../../sim/protocols/scpi-fault.ts'
import { ScpiStatus } from '../../sim/protocols/scpi-status.ts'

export const IDENTITY = 'FRINGE,TEST,1,0'

/**
 * A small instrument for tests of message-based wires: `:DATA` keeps a block, `:SLOW?` answers when the test says so,
 * `:FAIL?` comes to nothing when it does, `*TRG` counts.
 */
export class MessageBench {
  readonly status = new ScpiStatus({ signed: false })
  readonly instrument: ScpiServer
  triggers = 0
  data: Uint8Array = new Uint8Array(0)
  #slow: { resolve: (answer: string) => void; reject: (error: Error) => void }[] = []
  #asked: (() => void)[] = []

  constructor() {
    const wait = (call: ScpiCall): Promise<string> =>
      new Promise<string>((resolve, reject) => {
        call.exchange.signal.addEventListener('abort', () => reject(new Error('given up')), { once: true })
        this.#slow.push({ resolve, reject })
        for (const asked of this.#asked.splice(0)) asked()
      })
    this.instrument = new ScpiServer(
      {
        identity: IDENTITY,
        status: this.status,
        reset: () => undefined,
        rows: [
          { header: ':DATA', set: (call) => void (this.data = call.block()), query: () => this.data },
          { header: ':SLOW', query: wait },
          { header: ':FAIL', query: wait },
          { header: '*TRG', takes: 0, set: () => void (this.triggers += 1) },
        ],
      },
      { whileAnswering: 'queue' },
    )
  }

  /** Resolves once so many slow questions have been asked that were not answered by `answer` or `fail`. */
  async asked(count = 1): Promise<void> {
    while (this.#slow.length < count) await new Promise<void>((resolve) => this.#asked.push(resolve))
  }

  answer(text: string): void {
    this.#slow.shift()?.resolve(text)
  }

  fail(): void {
    this.#slow.shift()?.reject(new ScpiFault(-200))
  }
}
