import type { Cleanup } from '../core/cleanup.ts'
import { BenchError } from '../core/errors.ts'
import { serveHislip } from '../sim/ports/hislip-server.ts'
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
}

/**
 * Opens, on this machine, a port of the kind that each resource names. Returns under which name a client finds it.
 *
 * VXI-11 and HiSLIP know several devices behind one port, as a gateway does: each kind gets one server, and its
 * instruments are `inst0`, `inst1`, …. What needs a USB port or a VISA library is put behind a raw socket instead.
 * Throws: TRANSPORT_OPEN_FAILED when a port cannot be opened.
 */
export async function serveWires(served: readonly Served[], cleanup: Cleanup): Promise<ReadonlyMap<string, Resource>> {
  const places = new Map<string, Resource>()
  for (const { name, instrument, resource } of served) {
    const place = await serveAlone(instrument, resource, cleanup)
    if (place !== undefined) places.set(name, place)
  }
  for (const [name, place] of await serveVxi11Devices(served, cleanup)) places.set(name, place)
  for (const [name, place] of await serveHislipDevices(served, cleanup)) places.set(name, place)
  return places
}

async function serveAlone(
  instrument: WireInstrument,
  resource: Resource,
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
      const { path } = cleanup.use(await servePseudoTerminal(instrument))
      return { ...resource, path, text: `ASRL${path}::INSTR` }
    }
    case 'modbus-serial': {
      const { path } = cleanup.use(await servePseudoTerminal(instrument))
      return { ...resource, path, text: `MODBUS::${path}::${serialLineText(resource.line)}::${resource.unit}` }
    }
    case 'vxi11':
    case 'hislip':
      return undefined
  }
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
