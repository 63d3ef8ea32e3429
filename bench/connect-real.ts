import { BenchError } from '../core/errors.ts'
import type { ByteTransport } from '../core/transport.ts'
import type { SerialLine } from '../drivers/driver-entry.ts'
import { HislipTransport } from '../drivers/transports/hislip.ts'
import { HttpTransport } from '../drivers/transports/http.ts'
import { SerialTransport } from '../drivers/transports/serial.ts'
import { TcpTransport } from '../drivers/transports/tcp.ts'
import { UsbtmcTransport } from '../drivers/transports/usbtmc.ts'
import { VisaTransport } from '../drivers/transports/visa/visa.ts'
import { Vxi11Transport } from '../drivers/transports/vxi11.ts'
import { tappedWire } from './connect.ts'
import type { Connect, TapFor } from './connect.ts'
import { takeLease } from './lease.ts'
import { LeasedTransport } from './leased-transport.ts'
import type { Resource } from './resource.ts'

/** An address where nobody lives is silent for minutes; nobody waits that long at a bench. */
const OPEN_DEADLINE_MS = 5_000

/** Plugs in what the resources of the bench file name, each for this process alone. Throws: TRANSPORT_LOCKED. */
export function connectReal(tapFor: TapFor = () => undefined, openDeadlineMs = OPEN_DEADLINE_MS): Connect {
  return async (name, resource, line, signal) => {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(openDeadlineMs)])
    const lease = await takeLease(resource, deadline)
    try {
      return tappedWire(name, new LeasedTransport(await openTransport(resource, line, deadline), lease), tapFor)
    } catch (error) {
      await lease[Symbol.asyncDispose]()
      throw error
    }
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
      return SerialTransport.open(resource.text, resource.path, requireLine(resource.line ?? line, resource), signal)
    case 'vxi11':
      return Vxi11Transport.open(resource.text, resource, signal)
    case 'hislip':
      return HislipTransport.open(resource.text, resource, signal)
    case 'visa':
      return VisaTransport.open(resource.text, resource.name, {}, signal)
  }
}

function requireLine(line: SerialLine | undefined, { text }: Resource): SerialLine {
  if (line !== undefined) return line
  throw new BenchError('TRANSPORT_OPEN_FAILED', `${text}: neither the resource nor its driver says how to set the line`)
}
