import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'vitest'
import type { VisaOptions } from '../../../drivers/transports/visa/visa.ts'
import { VisaTransport } from '../../../drivers/transports/visa/visa.ts'
import { ScpiServer } from '../../../sim/instruments/scpi-server.ts'
import { ScpiStatus } from '../../../sim/protocols/scpi-status.ts'
import { buildVisaLibrary, serveVisa } from './build-library.ts'
import { MessageFarEnd, StreamFarEnd } from './visa-far-end.ts'
import type { VisaServer } from './visa-server.ts'

export const GPIB = 'GPIB0::12::INSTR'
export const USB = 'USB0::0x1313::0x8078::P0001::INSTR'
export const SERIAL = 'ASRL3::INSTR'
export const SOCKET = 'TCPIP0::10.0.0.5::5025::SOCKET'

export const IDENTITY = 'FRINGE,VISA,1,0'
export const forever = (): AbortSignal => new AbortController().signal

/** A folder of this spec with the test library in it. */
export async function visaFolder(): Promise<{ readonly folder: string; readonly library: string }> {
  const folder = await mkdtemp(join(inject('runFolder'), 'visa-'))
  return { folder, library: await buildVisaLibrary(folder) }
}

/** One instrument that is plugged in four times, and the library through which it is reached. */
export class VisaTestBench implements AsyncDisposable {
  readonly server: VisaServer
  readonly library: string
  readonly instrument: ScpiServer
  readonly state = { data: new Uint8Array(0) as Uint8Array, triggers: 0 }
  /** Answers `:SLOW?`, which waits for it. */
  answerSlow: (answer: string) => void = () => undefined

  private constructor(server: VisaServer, library: string) {
    this.server = server
    this.library = library
    const { state } = this
    this.instrument = new ScpiServer(
      {
        identity: IDENTITY,
        status: new ScpiStatus({ signed: false }),
        reset: () => undefined,
        rows: [
          { header: ':DATA', set: (call) => void (state.data = call.block()), query: () => state.data },
          { header: ':SLOW', query: () => new Promise<string>((resolve) => (this.answerSlow = resolve)) },
          { header: '*TRG', set: () => void (state.triggers += 1) },
        ],
      },
      { whileAnswering: 'queue' },
    )
    server.plugIn(GPIB, () => new MessageFarEnd(this.instrument, 1))
    server.plugIn(USB, () => new MessageFarEnd(this.instrument, 7))
    server.plugIn(SERIAL, () => new StreamFarEnd(this.instrument, 'serial'))
    server.plugIn(SOCKET, () => new StreamFarEnd(this.instrument, 'socket'))
  }

  static async start({
    folder,
    library,
  }: {
    readonly folder: string
    readonly library: string
  }): Promise<VisaTestBench> {
    return new VisaTestBench(await serveVisa(folder), library)
  }

  open(name: string, options: VisaOptions = {}, signal = forever()): Promise<VisaTransport> {
    return VisaTransport.open(`VISA::${name}`, name, { library: this.library, ...options }, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
  }
}
