import { isBenchError } from '../../core/errors.ts'
import type { Identity } from '../../core/instruments.ts'
import { decodeDnsMessage, dnsLabels, encodeDnsQuery } from '../protocols/dns.ts'
import type { DnsMessage, DnsQuestion, DnsRecord } from '../protocols/dns.ts'
import { askNetwork } from './ask-network.ts'
import type { NetworkListening } from './ask-network.ts'
import type { NetworkInterface } from './network-interfaces.ts'

/** Names under which instruments announce themselves. Source: LXI Device Specification 2016, chapter 10. */
export const LXI_SERVICES = ['_lxi._tcp', '_vxi-11._tcp', '_scpi-raw._tcp', '_hislip._tcp', '_http._tcp'] as const
export type LxiService = (typeof LXI_SERVICES)[number]

/** One service of one device, as it announces itself. */
export interface AnnouncedService {
  /** What people call it. */
  readonly name: string
  readonly service: LxiService
  readonly address: string
  readonly port: number
  /** Where its announcement says so. */
  readonly identity?: Identity
}

const GROUP = '224.0.0.251'
const MDNS_PORT = 5353
/** What a network full of devices may send; more is somebody's attempt to fill our memory. */
const MOST_RECORDS = 10_000

/**
 * Finds devices that announce themselves on one network (multicast DNS service discovery, one-shot).
 *
 * Throws: TRANSPORT_OPEN_FAILED when nothing can be sent there.
 * Source: RFC 6762 §5.1 and §6.7, RFC 6763 §4; TXT keys: LXI Device Specification 2016, chapter 10.
 */
export async function browseMdns(
  network: NetworkInterface,
  listening: NetworkListening & { readonly group?: string; readonly port?: number },
  signal: AbortSignal,
): Promise<readonly AnnouncedService[]> {
  const known = new KnownRecords()
  const onReply = (bytes: Uint8Array, from: string): Uint8Array | undefined => {
    const message = readable(bytes)
    if (message?.isResponse !== true) return undefined
    const open = known.take(message.records, from)
    return open.length === 0 ? undefined : encodeDnsQuery(0, open)
  }
  const first = encodeDnsQuery(
    0,
    LXI_SERVICES.map((service) => ({ name: `${service}.local`, type: 'PTR' })),
  )
  const { group = GROUP, port = MDNS_PORT } = listening
  await askNetwork(network, { address: group, port, first, onReply }, listening, signal)
  return known.services()
}

function readable(bytes: Uint8Array): DnsMessage | undefined {
  try {
    return decodeDnsMessage(bytes)
  } catch (error) {
    // Whoever sends such things does not keep us from hearing the others.
    if (isBenchError(error)) return undefined
    throw error
  }
}

/** What was heard, pieced together: who offers a service, on which port of which host, at which address. */
class KnownRecords {
  readonly #instances = new Map<string, { readonly name: string; readonly service: LxiService }>()
  readonly #places = new Map<string, { readonly port: number; readonly host: string; readonly from: string }>()
  readonly #texts = new Map<string, ReadonlyMap<string, string>>()
  readonly #addresses = new Map<string, string>()
  readonly #asked = new Set<string>()
  #count = 0

  /** Returns what is still to be asked, nothing twice. */
  take(records: readonly DnsRecord[], from: string): readonly DnsQuestion[] {
    for (const record of records) if (this.#count++ < MOST_RECORDS) this.#takeOne(record, from)
    const open: DnsQuestion[] = []
    for (const name of this.#instances.keys()) {
      const place = this.#places.get(name)
      if (place === undefined) open.push({ name, type: 'SRV' }, { name, type: 'TXT' })
      else if (!this.#addresses.has(place.host)) open.push({ name: place.host, type: 'A' })
    }
    return open.filter(({ name, type }) => {
      const key = `${type} ${name}`
      return !this.#asked.has(key) && this.#asked.add(key)
    })
  }

  services(): readonly AnnouncedService[] {
    return [...this.#instances].flatMap(([key, { name, service }]) => {
      const place = this.#places.get(key)
      if (place === undefined) return []
      // Who does not say where its host is, is where its answer came from.
      const address = this.#addresses.get(place.host) ?? place.from
      const identity = lxiIdentity(this.#texts.get(key))
      return [{ name, service, address, port: place.port, ...(identity === undefined ? {} : { identity }) }]
    })
  }

  #takeOne(record: DnsRecord, from: string): void {
    const key = record.name.toLowerCase()
    switch (record.type) {
      case 'PTR': {
        const service = LXI_SERVICES.find((one) => key === `${one}.local`)
        const [name] = dnsLabels(record.target)
        if (service === undefined || name === undefined) return
        this.#instances.set(record.target.toLowerCase(), { name, service })
        return
      }
      case 'SRV':
        this.#places.set(key, { port: record.port, host: record.target.toLowerCase(), from })
        return
      case 'TXT':
        this.#texts.set(key, record.entries)
        return
      case 'A':
        this.#addresses.set(key, record.address)
        return
    }
  }
}

function lxiIdentity(entries: ReadonlyMap<string, string> | undefined): Identity | undefined {
  const maker = entries?.get('manufacturer')
  const model = entries?.get('model')
  if (entries === undefined || maker === undefined || model === undefined) return undefined
  return { maker, model, serial: entries.get('serialnumber') ?? '', firmware: entries.get('firmwareversion') ?? '' }
}
