import type { ByteTransport, WireTap } from '../core/transport.ts'
import type { SerialLine } from '../drivers/driver-entry.ts'
import { TappedTransport } from '../drivers/transports/tapped.ts'
import type { Wire } from '../drivers/transports/wire.ts'
import type { Resource } from './resource.ts'

/**
 * Plugs in one instrument: real, simulated or recorded is decided by who wrote this function.
 *
 * `line` is how the driver wants a plain serial port to be set.
 * Throws: TRANSPORT_OPEN_FAILED.
 */
export type Connect = (
  name: string,
  resource: Resource,
  line: SerialLine | undefined,
  signal: AbortSignal,
) => Promise<Wire>

/** The journal's ear on the wire of one instrument, if it listens. */
export type TapFor = (name: string) => WireTap | undefined

/** The wire that a driver gets: nothing passes it before the tap has seen it. */
export function tappedWire(name: string, transport: ByteTransport, tapFor: TapFor): Wire {
  const tap = tapFor(name)
  return {
    name,
    transport: tap === undefined ? transport : new TappedTransport(transport, tap),
    ...(tap === undefined ? {} : { tap }),
  }
}
