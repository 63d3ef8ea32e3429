import { BenchError } from '../core/errors.ts'
import type { ByteTransport } from '../core/transport.ts'
import type { SerialLine } from '../drivers/driver-entry.ts'
import { HttpTransport } from '../drivers/transports/http.ts'
import { SerialTransport } from '../drivers/transports/serial.ts'
import { TcpTransport } from '../drivers/transports/tcp.ts'
import { UsbtmcTransport } from '../drivers/transports/usbtmc.ts'
import { tappedWire } from './connect.ts'
import type { Connect, TapFor } from './connect.ts'
import type { Resource } from './resource.ts'

/** An address where nobody lives is silent for minutes; nobody waits that long at a bench. */
const OPEN_DEADLINE_MS = 5_000

/** Plugs in what the resources of the bench file name. */
export function connectReal(tapFor: TapFor = () => undefined, openDeadlineMs = OPEN_DEADLINE_MS): Connect {
  return async (name, resource, line, signal) => {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(openDeadlineMs)])
    return tappedWire(name, await openTransport(resource, line, deadline), tapFor)
  }
}

async function openTransport(
  resource: Resource,
  line: SerialLine | undefined,
  signal: AbortSignal,
): Promise<ByteTransport> {
  switch (resource.wire) {
    case 'socket':
    case 'modbus-tcp':
      return TcpTransport.open(resource.text, resource.host, resource.port, signal)
    case 'modbus-serial':
      return SerialTransport.open(resource.text, resource.path, resource.line, signal)
    case 'http':
      return HttpTransport.open(resource.text, resource, signal)
    case 'usbtmc':
      return UsbtmcTransport.open(resource.text, resource, signal)
    case 'serial':
      if (line === undefined) {
        throw new BenchError('TRANSPORT_OPEN_FAILED', `${resource.text}: its driver says no baud rate`)
      }
      return SerialTransport.open(resource.text, resource.path, line, signal)
    default:
      throw new BenchError('TRANSPORT_OPEN_FAILED', `${resource.text}: ${resource.wire} is not connected yet`)
  }
}
