import { BenchError, isBenchError } from '../core/errors.ts'
import type { Identity } from '../core/instruments.ts'
import { browseMdns } from '../drivers/discovery/mdns-browse.ts'
import type { AnnouncedService } from '../drivers/discovery/mdns-browse.ts'
import { chosenInterfaces } from '../drivers/discovery/network-interfaces.ts'
import type { NetworkInterface } from '../drivers/discovery/network-interfaces.ts'
import { listSerialPorts } from '../drivers/discovery/serial-ports.ts'
import { listUsbtmcDevices, usbResourceText } from '../drivers/transports/usbtmc-devices.ts'
import { findVxi11 } from '../drivers/discovery/vxi11-broadcast.ts'
import { DRIVERS } from '../drivers/registry.ts'
import { findVisaResources } from '../drivers/transports/visa/find-visa-resources.ts'
import { askIdentity, fittingDriver } from './ask-identity.ts'
import type { AskOptions } from './ask-identity.ts'
import { announcedResources } from './announced-resources.ts'
import type { Connect } from './connect.ts'
import { connectReal } from './connect-real.ts'
import type { Drivers } from './instrument-list.ts'
import { wireKey } from './resource-place.ts'
import { parseResource } from './resource.ts'

/** How a resource came to be known. */
export type FoundBy = 'named' | 'serial port' | 'USB device file' | 'VISA library' | 'VXI-11 broadcast' | 'mDNS'

export interface Discovered {
  /** As a bench file names it. */
  readonly resource: string
  readonly foundBy: FoundBy
  /** What system or announcement say of it; empty where they say nothing. */
  readonly description: string
  /** What it said of itself when it was asked, or in its announcement. */
  readonly identity?: Identity
  /** The driver that fits; undefined when there is none yet, or nobody knows who it is. */
  readonly driver?: string
  /** Why it did not say who it is. Only for those that were asked. */
  readonly error?: BenchError
}

export interface DiscoverRequest {
  /** Places that the user named, and that may be asked: resources, serial ports, `host:port`. */
  readonly named: readonly string[]
  /** Networks that the user named, by interface or address. */
  readonly interfaces: readonly string[]
  /** Ask those that the networks brought, too. */
  readonly identify: boolean
}

export interface DiscoverOptions extends Omit<AskOptions, 'connect' | 'drivers'> {
  /** Default: real wires. */
  readonly connect?: Connect
  /** Default: all that Fringe has. */
  readonly drivers?: Drivers
  /** Names of all that a VISA library can reach. Default: asks the library that is installed, if one is. */
  readonly visaResources?: (signal: AbortSignal) => Promise<readonly string[]>
  readonly listenMs?: number
  /** For tests: the usual ports are taken, or closed to who is not root. */
  readonly mdnsPort?: number
  readonly portmapperPort?: number
}

const LISTEN_MS = 2_000

/**
 * Finds out what is plugged in.
 *
 * Without names and networks: what this machine knows of, without a byte to any of it. Networks are asked only where
 * the user said so, and instruments only those that were named, or all that the networks brought when `identify` is
 * set; they are sent identity questions and nothing else.
 * Outcomes: who does not answer is an entry with its error.
 * Throws: CALL_INVALID for names and networks that are none; TRANSPORT_OPEN_FAILED when a network cannot be asked.
 */
export async function discover(
  { named, interfaces, identify }: DiscoverRequest,
  options: DiscoverOptions,
  signal: AbortSignal,
): Promise<readonly Discovered[]> {
  const ask: AskOptions = { connect: connectReal(), drivers: DRIVERS, ...options }
  const asked = named.map((name): Discovered => ({ resource: resourceNamed(name), foundBy: 'named', description: '' }))
  const networks = chosenInterfaces(interfaces)
  const onNetworks = (
    await Promise.all(networks.map((network) => onNetwork(network, { ...options, ...ask }, signal)))
  ).flat()
  const isLocal = named.length === 0 && interfaces.length === 0
  const here = isLocal ? await onThisMachine(options, signal) : []
  const all = withoutDoubles([...asked, ...onNetworks, ...here])
  return Promise.all(
    all.map(async (one) => {
      const mayBeAsked = one.foundBy === 'named' || (identify && onNetworks.includes(one))
      return mayBeAsked ? identified(one, ask, signal) : one
    }),
  )
}

/** `/dev/ttyUSB0`, `COM3`, `10.0.0.5:5025` or a whole resource name. Throws: CALL_INVALID. */
export function resourceNamed(name: string): string {
  const [, host, port] = /^([a-z0-9_.-]+):(\d+)$/i.exec(name) ?? []
  const isPort = /^(\/|COM\d+$)/i.test(name)
  const text = host !== undefined ? `TCPIP::${host}::${port}::SOCKET` : isPort ? `ASRL${name}::INSTR` : name
  try {
    return parseResource(text).text
  } catch (error) {
    if (!isBenchError(error, 'BENCH_FILE_INVALID')) throw error
    throw new BenchError('CALL_INVALID', error.message, { cause: error, context: { name } })
  }
}

async function onThisMachine(
  options: Pick<DiscoverOptions, 'visaResources'>,
  signal: AbortSignal,
): Promise<readonly Discovered[]> {
  const [ports, devices, names] = await Promise.all([
    listSerialPorts(),
    listUsbtmcDevices(),
    (options.visaResources ?? ofTheLibrary)(signal),
  ])
  return [
    ...ports.map(({ path, description }): Discovered => {
      return { resource: `ASRL${path}::INSTR`, foundBy: 'serial port', description }
    }),
    ...devices.map(({ path, vendor, product, serial, description }): Discovered => {
      const resource = serial === '' ? `USB${path}::INSTR` : usbResourceText({ vendor, product, serial })
      return { resource, foundBy: 'USB device file', description: `${description} at ${path}`.trim() }
    }),
    ...names.map((name): Discovered => ({ resource: ours(name), foundBy: 'VISA library', description: '' })),
  ]
}

async function onNetwork(
  network: NetworkInterface,
  options: DiscoverOptions & AskOptions,
  signal: AbortSignal,
): Promise<readonly Discovered[]> {
  const { clock, drivers, listenMs = LISTEN_MS, mdnsPort, portmapperPort } = options
  const listening = { clock, listenMs }
  const [services, addresses] = await Promise.all([
    browseMdns(network, mdnsPort === undefined ? listening : { ...listening, port: mdnsPort }, signal),
    findVxi11(network, portmapperPort === undefined ? listening : { ...listening, port: portmapperPort }, signal),
  ])
  const broadcast = addresses.map((address): Discovered => {
    return { resource: `TCPIP::${address}::inst0::INSTR`, foundBy: 'VXI-11 broadcast', description: '' }
  })
  return [...announced(services, drivers), ...broadcast]
}

function announced(services: readonly AnnouncedService[], drivers: AskOptions['drivers']): readonly Discovered[] {
  return announcedResources(services).map(({ resource, name, identity }): Discovered => {
    const driver = identity === undefined ? undefined : fittingDriver(parseResource(resource), identity, drivers)
    return {
      resource,
      foundBy: 'mDNS',
      description: name,
      ...(identity === undefined ? {} : { identity }),
      ...(driver === undefined ? {} : { driver }),
    }
  })
}

async function identified(one: Discovered, options: AskOptions, signal: AbortSignal): Promise<Discovered> {
  const { resource, foundBy, description } = one
  try {
    const answer = await askIdentity(parseResource(resource), options, signal)
    const driver = answer.driver === undefined ? {} : { driver: answer.driver }
    return { resource: answer.resource, foundBy, description, identity: answer.identity, ...driver }
  } catch (error) {
    signal.throwIfAborted()
    if (!isBenchError(error)) throw error
    return { ...one, error }
  }
}

/** What was found in two ways stays where it was found first, with what each of them knows. */
function withoutDoubles(all: readonly Discovered[]): readonly Discovered[] {
  const byWire = new Map<string, Discovered>()
  for (const one of all) {
    const key = wireKey(parseResource(one.resource))
    if (!byWire.has(key)) byWire.set(key, one)
  }
  return [...byWire.values()]
}

/** A VISA name that we can read ourselves stays as it is; others go to the library by our name for it. */
/** Most machines have no VISA library, and need none. */
async function ofTheLibrary(signal: AbortSignal): Promise<readonly string[]> {
  try {
    return await findVisaResources(signal)
  } catch (error) {
    if (isBenchError(error, 'TRANSPORT_OPEN_FAILED')) return []
    throw error
  }
}

function ours(name: string): string {
  try {
    return parseResource(name).text
  } catch (error) {
    if (!isBenchError(error, 'BENCH_FILE_INVALID')) throw error
    return `VISA::${name}`
  }
}
