import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'
import { servePseudoTerminal } from '../../sim/ports/pseudo-terminal.ts'

const SILENT: WireInstrument = { attach: () => ({ receive: () => undefined, detach: () => undefined }) }

/** Why no simulated serial port can be made on this machine, said once on the console; undefined where one can. */
export async function whyNoSerialPorts(): Promise<string | undefined> {
  try {
    await (await servePseudoTerminal(SILENT))[Symbol.asyncDispose]()
    return undefined
  } catch (error) {
    const reason = (error as Error).message
    console.warn(`skipped: ${reason}`)
    return reason
  }
}
