import type { ByteTransport, WireTap } from '../../core/transport.ts'
import { WireSession } from './session.ts'
import type { SessionOptions } from './session-options.ts'

/** What the bench hands to a driver: an open, tapped wire under the instrument's name. */
export interface Wire {
  /** Name of the instrument in the bench file. */
  readonly name: string
  readonly transport: ByteTransport
  readonly tap?: WireTap
}

export function openSession(wire: Wire, options: Omit<SessionOptions, 'tap'>): WireSession {
  return new WireSession(wire.transport, wire.tap === undefined ? options : { ...options, tap: wire.tap })
}
