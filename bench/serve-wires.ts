import type { Cleanup } from '../core/cleanup.ts'
import type { Clock } from '../core/clock.ts'
import { BenchError } from '../core/errors.ts'
import type { SerialLine } from '../drivers/driver-entry.ts'
import { serveHislip } from '../sim/ports/hislip-server.ts'
import type { LinePaceOptions } from '../sim/ports/line-pace.ts'
import { isMessageInstrument } from '../sim/ports/message-instrument.ts'
import type { MessageInstrument } from '../sim/ports/message-instrument.ts'
import { servePseudoTerminal } from '../sim/ports/pseudo-terminal.ts'
import { serveTcp } from '../sim/ports/tcp-server.ts'
import { serveVxi11 } from '../sim/ports/vxi11-server.ts'
import type { WireInstrument } from '../sim/ports/wire-instrument.ts'
import { serialLineText } from './resource.ts'
import type { Resource } from './resource.ts'

const HOST = '127.0.0.1'

/** A simulated instrument, and where the bench file says that it is plugged in. */
export interface Served {
  readonly name: string
  readonly instrument: WireInstrument
  readonly resource: Resource
  /** How its driver sets a serial line that the resource does not describe. */
  readonly line?: SerialLine
}

/**
 * Opens, on this machine, a port of the kind that each resource names. Returns under which name a client finds it.
 *
 * VXI-11 and HiSLIP know several devices behind one port, as a gateway does: each kind gets one server, and its
 * instruments are `inst0`, `inst1`, …. What needs a USB port or a VISA library is put behind a raw socket instead.
 * `pace`: serial ports carry bytes no faster than their baud rate, on this clock.
 * Throws: TRANSPORT_OPEN_FAILED when a port cannot be opened.
 */
export async function serveWires(
  served: readonly Served[],
  pace: Clock | undefined,
  cleanup: Cleanup,
): Promise<ReadonlyMap<string, Resource>> {
  const places = new Map<string, Resource>()
  for (const one of served) {
    const place = await serveAlone(one, pace, cleanup)
    if (place !== undefined) places.set(one.name, place)
  }
  for (const [name, place] of await serveVxi11Devices(served, cleanup)) places.set(name, place)
  for (const [name, place] of await serveHislipDevices(served, cleanup)) places.set(name, place)
  return places
}

/** Undefined for what shares its port with others. */
async function serveAlone(
  { instrument, resource, line }: Served,
  pace: Clock | undefined,
  cleanup: Cleanup,
): Promise<Resource | undefined> {
  switch (resource.wire) {
    case 'socket':
    case 'usbtmc':
    case 'visa': {
      const { port } = cleanup.use(await serveTcp(instrument))
      return { wire: 'socket', host: HOST, port, text: `TCPIP::${HOST}::${port}::SOCKET` }
    }
    case 'modbus-tcp': {
      const { port } = cleanup.use(await serveTcp(instrument))
      return { ...resource, host: HOST, port, text: `MODBUS::${HOST}::${port}::${resource.unit}` }
    }
    case 'http': {
      const { port } = cleanup.use(await serveTcp(instrument))
      return { ...resource, host: HOST, port, text: `HTTP::${HOST}::${port}` }
    }
    case 'serial': {
      const { path } = cleanup.use(await servePseudoTerminal(instrument, paced(pace, resource.line ?? line)))
      const described = resource.line === undefined ? '' : `::${serialLineText(resource.line)}`
      return { ...resource, path, text: `ASRL${path}${described}::INSTR` }
    }
    case 'modbus-serial': {
      const { path } = cleanup.use(await servePseudoTerminal(instrument, paced(pace, resource.line)))
      return { ...resource, path, text: `MODBUS::${path}::${serialLineText(resource.line)}::${resource.unit}` }
    }
    case 'vxi11':
    case 'hislip':
      return undefined
  }
}

function paced(clock: Clock | undefined, line: SerialLine | undefined): { readonly pace?: LinePaceOptions } {
  if (clock === undefined || line === undefined) return {}
  const { baudRate, dataBits, parity, stopBits } = line
  return { pace: { clock, baudRate, bitsPerCharacter: 1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits } }
}

async function serveVxi11Devices(served: readonly Served[], cleanup: Cleanup): Promise<Map<string, Resource>> {
  const { devices, names } = devicesOn('vxi11', 'inst', served)
  if (devices.size === 0) return new Map()
  const server = cleanup.use(await serveVxi11(devices, { portmapper: 'if-possible' }))
  const { port } = server
  // Without a portmapper nobody finds the port by itself.
  const place = server.portmapperPort === undefined ? `${HOST},${port}` : HOST
  return new Map(
    [...names].map(([name, device]) => {
      return [name, { wire: 'vxi11', host: HOST, port, device, text: `TCPIP::${place}::${device}::INSTR` }]
    }),
  )
}

async function serveHislipDevices(served: readonly Served[], cleanup: Cleanup): Promise<Map<string, Resource>> {
  const { devices, names } = devicesOn('hislip', 'hislip', served)
  if (devices.size === 0) return new Map()
  const { port } = cleanup.use(await serveHislip(devices, {}))
  return new Map(
    [...names].map(([name, device]) => {
      return [name, { wire: 'hislip', host: HOST, port, device, text: `TCPIP::${HOST}::${device},${port}::INSTR` }]
    }),
  )
}

/** What lies behind the one server of a message-based wire: instruments by device, and devices by name. */
function devicesOn(wire: Resource['wire'], prefix: string, served: readonly Served[]) {
  const devices = new Map<string, MessageInstrument>()
  const names = new Map<string, string>()
  for (const { name, instrument, resource } of served) {
    if (resource.wire !== wire) continue
    if (!isMessageInstrument(instrument)) {
      throw new BenchError('TRANSPORT_OPEN_FAILED', `the simulated ${name} knows no messages, which ${wire} carries`)
    }
    const device = `${prefix}${devices.size}`
    devices.set(device, instrument)
    names.set(name, device)
  }
  return { devices, names }
}
