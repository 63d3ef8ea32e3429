import { setImmediate as turn } from 'node:timers/promises'
import { answerMdns } from '../sim/ports/mdns-responder.ts'
import type { OfferedService } from '../sim/ports/mdns-responder.ts'
import type { WireInstrument } from '../sim/ports/wire-instrument.ts'
import type { Resource } from './resource.ts'

/**
 * Lets `fringe discover --interface lo` and its kin find the instruments of a served twin.
 *
 * Outcomes: undefined where this machine does not let two programs answer; the twin is then found by its addresses.
 */
export async function announceTwin(
  places: ReadonlyMap<string, Resource>,
  far: ReadonlyMap<string, WireInstrument>,
  port?: number,
): Promise<AsyncDisposable | undefined> {
  const services = await Promise.all(
    [...places].map(async ([name, place]): Promise<readonly OfferedService[]> => {
      const offered = offeredBy(place)
      const instrument = far.get(name)
      if (offered === undefined || instrument === undefined) return []
      // Two twins may serve instruments of one name; no two have one port.
      return [{ ...offered, name: `${name} on port ${offered.port}`, txt: await textOf(instrument) }]
    }),
  )
  return answerMdns(services.flat(), port)
}

const PORTMAPPER_PORT = 111

/** Announcements name no device: only the usual ones are found by them. */
function offeredBy(place: Resource): Pick<OfferedService, 'service' | 'port'> | undefined {
  switch (place.wire) {
    case 'socket':
      return { service: '_scpi-raw._tcp', port: place.port }
    case 'vxi11':
      // A place without a port is one that the portmapper knows.
      return place.device === 'inst0' ? { service: '_vxi-11._tcp', port: place.port ?? PORTMAPPER_PORT } : undefined
    case 'hislip':
      return place.device === 'hislip0' ? { service: '_hislip._tcp', port: place.port } : undefined
    default:
      return undefined
  }
}

/** What the instrument says of itself, under the keys of LXI; nothing where it does not speak SCPI. */
async function textOf(instrument: WireInstrument): Promise<Readonly<Record<string, string>>> {
  let said = ''
  const connection = instrument.attach((bytes) => (said += Buffer.from(bytes).toString('latin1')))
  connection.receive(Buffer.from('*IDN?\n', 'latin1'))
  await turn()
  connection.detach()
  const [Manufacturer, Model, SerialNumber, ...firmware] = said.trim().split(',')
  if (Manufacturer === undefined || Model === undefined || SerialNumber === undefined) return {}
  return { Manufacturer, Model, SerialNumber, FirmwareVersion: firmware.join(',') }
}
