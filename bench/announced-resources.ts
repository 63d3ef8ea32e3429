import type { Identity } from '../core/instruments.ts'
import type { AnnouncedService } from '../drivers/discovery/mdns-browse.ts'

export interface AnnouncedResource {
  readonly resource: string
  /** What the device calls itself. */
  readonly name: string
  readonly identity?: Identity
}

const PORTMAPPER_PORT = 111
const HISLIP_PORT = 4880
const HTTP_PORT = 80

/**
 * Where announced instruments are plugged in, by the names of a bench file.
 *
 * What a device says of itself with one of its services holds for all of them. A web page alone is an instrument only
 * where its announcement says so, as those of LXI do; where the device offers more, the page is left out.
 */
export function announcedResources(services: readonly AnnouncedService[]): readonly AnnouncedResource[] {
  const control = services.filter((service) => !isPage(service))
  const pages = services.filter((service) => isPage(service) && service.identity !== undefined)
  const alone = pages.filter(({ address }) => !control.some((other) => other.address === address))
  return [...control, ...distinctByAddress(alone)].map((service) => {
    const identity = service.identity ?? pages.find(({ address }) => address === service.address)?.identity
    const { name } = service
    return { resource: resourceOf(service), name, ...(identity === undefined ? {} : { identity }) }
  })
}

function resourceOf({ service, address, port }: AnnouncedService): string {
  switch (service) {
    case '_scpi-raw._tcp':
      return `TCPIP::${address}::${port}::SOCKET`
    case '_vxi-11._tcp':
      // Announced is the portmapper; any other port can only be that of the core channel itself.
      return port === PORTMAPPER_PORT ? `TCPIP::${address}::inst0::INSTR` : `TCPIP::${address},${port}::inst0::INSTR`
    case '_hislip._tcp':
      return port === HISLIP_PORT ? `TCPIP::${address}::hislip0::INSTR` : `TCPIP::${address}::hislip0,${port}::INSTR`
    case '_lxi._tcp':
    case '_http._tcp':
      return port === HTTP_PORT ? `HTTP::${address}` : `HTTP::${address}::${port}`
  }
}

const isPage = ({ service }: AnnouncedService): boolean => service === '_lxi._tcp' || service === '_http._tcp'

const distinctByAddress = (services: readonly AnnouncedService[]): readonly AnnouncedService[] => [
  ...new Map(services.map((service) => [`${service.address}:${service.port}`, service])).values(),
]
