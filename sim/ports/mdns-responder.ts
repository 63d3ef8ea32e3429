import { createSocket } from 'node:dgram'
import type { RemoteInfo } from 'node:dgram'
import { DNS_TYPES, readDnsQuery, writeDnsAnswer } from '../protocols/dns-messages.ts'
import type { AskedQuestion, DnsAnswer } from '../protocols/dns-messages.ts'

/** One service that the twin offers on a port of this machine. */
export interface OfferedService {
  /** What people call it; at most 63 bytes, no two services of one kind alike. */
  readonly name: string
  readonly service: '_scpi-raw._tcp' | '_vxi-11._tcp' | '_hislip._tcp'
  readonly port: number
  /** What it says of itself, by the keys of LXI: Manufacturer, Model, SerialNumber, FirmwareVersion. */
  readonly txt: Readonly<Record<string, string>>
}

const GROUP = '224.0.0.251'
const MDNS_PORT = 5353
const LOOPBACK = '127.0.0.1'
const HOST = ['fringe-sim', 'local']
const SERVICE_TYPES = ['_services', '_dns-sd', '_udp', 'local']
/** Programs on this machine see at once that the twin has gone. */
const TTL_S = 10
/** An answer for so many services fits the packets of any network. */
const SERVICES_PER_ANSWER = 4

/**
 * Answers who looks for instruments by multicast DNS, on the loopback of this machine only.
 *
 * Outcomes: undefined where the port is not to be had, as under a responder that does not share it: then the twin is
 * found by its addresses alone.
 * Source: RFC 6762 §6 and §6.7, RFC 6763 §4 and §9.
 */
export async function answerMdns(
  services: readonly OfferedService[],
  port = MDNS_PORT,
): Promise<({ readonly port: number } & AsyncDisposable) | undefined> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  const listens = await new Promise<boolean>((resolve) => {
    socket.once('error', () => resolve(false))
    // Bound to the group: what is sent to an address of this machine does not come here.
    socket.bind(port, GROUP, () => {
      try {
        socket.addMembership(GROUP, LOOPBACK)
        socket.setMulticastInterface(LOOPBACK)
        resolve(true)
      } catch {
        // A machine without multicast on its loopback.
        resolve(false)
      }
    })
  })
  if (!listens) {
    socket.close()
    return undefined
  }
  // Nobody waits for an answer that could not be sent; they ask again.
  socket.on('error', () => undefined)
  socket.on('message', (bytes, from) => {
    for (const { answer, to } of answersTo(bytes, from, services, socket.address().port)) {
      socket.send(answer, to.port, to.address, () => undefined)
    }
  })
  return {
    port: socket.address().port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

interface Datagram {
  readonly answer: Uint8Array
  readonly to: { readonly address: string; readonly port: number }
}

function answersTo(
  bytes: Uint8Array,
  from: RemoteInfo,
  services: readonly OfferedService[],
  ownPort: number,
): readonly Datagram[] {
  // The group may be heard on other networks, too, where some program of this machine listens to it.
  if (!from.address.startsWith('127.')) return []
  const query = readDnsQuery(bytes)
  if (query === undefined) return []
  const asksOnce = from.port !== ownPort
  const id = asksOnce ? query.id : 0
  return query.questions.flatMap((question) => {
    const to = asksOnce || question.unicast ? from : { address: GROUP, port: ownPort }
    const echoed = asksOnce ? [question] : []
    return inPieces(services).flatMap((some): Datagram[] => {
      const { answers, additional } = recordsFor(question, some)
      return answers.length === 0 ? [] : [{ answer: writeDnsAnswer(id, echoed, answers, additional), to }]
    })
  })
}

/** What is asked for, and what the asker will want to know next. */
function recordsFor(
  { name, type }: AskedQuestion,
  services: readonly OfferedService[],
): { readonly answers: readonly DnsAnswer[]; readonly additional: readonly DnsAnswer[] } {
  const all = services.map(recordsOf)
  const asked = ({ name: owner, type: kind }: DnsAnswer): boolean =>
    sameName(owner, name) && (type === DNS_TYPES.ANY || type === DNS_TYPES[kind])
  const chosen = all.filter((records) => records.some(asked))
  const answers = distinct(chosen.flat().filter(asked))
  const additional = distinct(chosen.flat().filter((record) => !asked(record) && record.type !== 'PTR'))
  return { answers, additional }
}

function recordsOf({ name, service, port, txt }: OfferedService): readonly DnsAnswer[] {
  const kind = [...service.split('.'), 'local']
  const instance = [name, ...kind]
  const entries = Object.entries({ txtvers: '1', ...txt }).map(([key, value]) => `${key}=${value}`)
  return [
    { type: 'PTR', name: SERVICE_TYPES, ttlS: TTL_S, target: kind },
    { type: 'PTR', name: kind, ttlS: TTL_S, target: instance },
    { type: 'SRV', name: instance, ttlS: TTL_S, target: HOST, port },
    { type: 'TXT', name: instance, ttlS: TTL_S, entries },
    { type: 'A', name: HOST, ttlS: TTL_S, address: LOOPBACK },
  ]
}

function distinct(records: readonly DnsAnswer[]): readonly DnsAnswer[] {
  return [...new Map(records.map((record) => [JSON.stringify(record), record])).values()]
}

function inPieces(services: readonly OfferedService[]): readonly (readonly OfferedService[])[] {
  const count = Math.ceil(services.length / SERVICES_PER_ANSWER)
  return Array.from({ length: count }, (_, piece) =>
    services.slice(piece * SERVICES_PER_ANSWER, (piece + 1) * SERVICES_PER_ANSWER),
  )
}

const sameName = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((label, at) => label.toLowerCase() === right[at]!.toLowerCase())
