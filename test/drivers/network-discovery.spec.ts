import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Clock } from '../../core/clock.ts'
import { isBenchError } from '../../core/errors.ts'
import { askNetwork } from '../../drivers/discovery/ask-network.ts'
import { browseMdns } from '../../drivers/discovery/mdns-browse.ts'
import { chosenInterfaces } from '../../drivers/discovery/network-interfaces.ts'
import type { NetworkInterface } from '../../drivers/discovery/network-interfaces.ts'
import { findVxi11 } from '../../drivers/discovery/vxi11-broadcast.ts'
import { readRpcReply } from '../../drivers/protocols/onc-rpc.ts'
import { getPortCall, readPort } from '../../drivers/protocols/portmapper.ts'
import { DEVICE_CORE } from '../../drivers/protocols/vxi11.ts'
import { answerMdns } from '../../sim/ports/mdns-responder.ts'
import type { OfferedService } from '../../sim/ports/mdns-responder.ts'
import { writeDnsAnswer } from '../../sim/protocols/dns-messages.ts'
import { pythonHas, runPython } from '../support/python.ts'
import { vector } from '../support/scpi-wires.ts'
import { readVectors } from '../support/vectors.ts'

const LOOPBACK: NetworkInterface = { name: 'lo', address: '127.0.0.1', broadcast: '127.255.255.255' }
const XID = 0x4672_6e67
const forever = (): AbortSignal => new AbortController().signal
const vectors = readVectors('portmap')

/** Listening ends when the test has seen enough, and whoever listens has read what was sent to it by then. */
class EndedByTest implements Clock {
  #end: () => void = () => undefined
  readonly #ended = new Promise<void>((resolve) => (this.#end = resolve))

  async end(): Promise<void> {
    // The loopback delivers at once; what it delivered is read in the next turns.
    for (let turns = 0; turns < 10; turns++) await turn()
    this.#end()
  }

  epochMs(): number {
    return 0
  }

  monotonicNs(): number {
    return 0
  }

  async sleep(_durationMs: number, signal: AbortSignal): Promise<void> {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
    await Promise.race([this.#ended, aborted])
  }
}

/** Something on the network that says what the test tells it to. */
async function somebody(
  onMessage: (bytes: Buffer, reply: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<number> {
  const socket: Socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  socket.on('message', (bytes, { port, address }) => {
    const reply = (answer: Uint8Array): Promise<void> =>
      new Promise((resolve) => socket.send(answer, port, address, () => resolve()))
    void onMessage(bytes, reply)
  })
  socket.bind(0, '0.0.0.0')
  await once(socket, 'listening')
  return socket.address().port
}

const SERVICES: readonly OfferedService[] = [
  { name: 'pm-0', service: '_scpi-raw._tcp', port: 40_001, txt: { Manufacturer: 'Maker', Model: 'N7745C' } },
  { name: 'pm-1', service: '_scpi-raw._tcp', port: 40_002, txt: {} },
  { name: 'smu 1.5', service: '_hislip._tcp', port: 4880, txt: { Manufacturer: 'M', Model: 'X', SerialNumber: '7' } },
  { name: 'scope', service: '_vxi-11._tcp', port: 1024, txt: {} },
  ...Array.from({ length: 9 }, (_, at): OfferedService => {
    return { name: `awg-${at}`, service: '_scpi-raw._tcp', port: 41_000 + at, txt: {} }
  }),
]

const responder = await answerMdns([], 0)
if (responder === undefined) console.info('skipped: this machine has no multicast on its loopback')
await responder?.[Symbol.asyncDispose]()

describe.skipIf(responder === undefined)('Instruments that announce themselves', () => {
  test('are all found, with address, port and what they say of themselves', async () => {
    await using answering = await answerMdns(SERVICES, 0)
    const clock = new EndedByTest()
    const browsing = browseMdns(LOOPBACK, { clock, listenMs: 1, port: answering!.port }, forever())
    // A second question, asked later, is answered later: by then the first answers are in.
    await probe(answering!.port)
    await clock.end()
    const found = await browsing
    expect(found).toHaveLength(SERVICES.length)
    expect(found).toEqual(
      expect.arrayContaining([
        {
          name: 'pm-0',
          service: '_scpi-raw._tcp',
          address: '127.0.0.1',
          port: 40_001,
          identity: { maker: 'Maker', model: 'N7745C', serial: '', firmware: '' },
        },
        { name: 'pm-1', service: '_scpi-raw._tcp', address: '127.0.0.1', port: 40_002 },
        {
          name: 'smu 1.5',
          service: '_hislip._tcp',
          address: '127.0.0.1',
          port: 4880,
          identity: { maker: 'M', model: 'X', serial: '7', firmware: '' },
        },
        { name: 'scope', service: '_vxi-11._tcp', address: '127.0.0.1', port: 1024 },
      ]),
    )
  })

  test('answer a client that is not ours', async () => {
    await using answering = await answerMdns(SERVICES.slice(0, 3), 0)
    if (!pythonHas('socket')) return console.info('skipped: there is no Python')
    const seen = JSON.parse(await runPython(PYTHON_BROWSER, { args: [String(answering!.port)] })) as object
    expect(seen).toEqual({
      id: 4242,
      services: ['_hislip._tcp.local', '_scpi-raw._tcp.local'],
      instances: ['pm-0._scpi-raw._tcp.local', 'pm-1._scpi-raw._tcp.local'],
      ports: { 'pm-0._scpi-raw._tcp.local': 40_001, 'pm-1._scpi-raw._tcp.local': 40_002 },
      text: ['txtvers=1', 'Manufacturer=Maker', 'Model=N7745C'],
      addresses: ['127.0.0.1'],
      ttlAtMostTen: true,
    })
  })

  test('do not answer garbage, and go on answering after it', async () => {
    await using answering = await answerMdns(SERVICES.slice(0, 1), 0)
    const socket = createSocket('udp4')
    onTestFinished(() => void socket.close())
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    socket.setMulticastInterface('127.0.0.1')
    for (const bytes of fc.sample(fc.uint8Array({ maxLength: 200 }), 50)) {
      socket.send(bytes, answering!.port, '224.0.0.251')
    }
    await probe(answering!.port)
  })
})

/** Resolves when the responder has answered a question for all kinds of services. */
async function probe(port: number): Promise<void> {
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.setMulticastInterface('127.0.0.1')
  const answered = once(socket, 'message')
  socket.send(
    Buffer.concat([
      Buffer.from('000000000001000000000000', 'hex'),
      Buffer.from('\x09_services\x07_dns-sd\x04_udp\x05local\0', 'latin1'),
      Buffer.from('000c0001', 'hex'),
    ]),
    port,
    '224.0.0.251',
  )
  await answered
}

const PYTHON_BROWSER = `
import json, socket, struct, sys
def encode(name):
    return b''.join(bytes([len(l)]) + l.encode() for l in name.split('.')) + b'\\0'
def read_name(data, at):
    labels, end = [], None
    while data[at] != 0:
        if data[at] >= 0xc0:
            end = end or at + 2
            at = struct.unpack('>H', data[at:at + 2])[0] & 0x3fff
        else:
            labels.append(data[at + 1:at + 1 + data[at]].decode()); at += 1 + data[at]
    return '.'.join(labels), end or at + 1
def ask(name, kind):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton('127.0.0.1'))
    sock.settimeout(30)
    sock.sendto(struct.pack('>6H', 4242, 0, 1, 0, 0, 0) + encode(name) + struct.pack('>2H', kind, 0x8001), ('224.0.0.251', int(sys.argv[1])))
    data = sock.recv(9000)
    ident, flags, questions, answers, _, more = struct.unpack('>6H', data[:12])
    assert flags & 0x8000 and questions == 1, (flags, questions)
    at, records = read_name(data, 12)[1] + 4, []
    for _ in range(answers + more):
        owner, at = read_name(data, at)
        kind, _, ttl, size = struct.unpack('>HHIH', data[at:at + 10]); at += 10
        records.append((owner, kind, ttl, at, data[at:at + size])); at += size
    return ident, data, records
_, data, kinds = ask('_services._dns-sd._udp.local', 12)
ident, data2, records = ask('_SCPI-RAW._tcp.local', 12)
text = next(body for owner, kind, _, _, body in records if kind == 16 and owner.startswith('pm-0'))
entries, at = [], 0
while at < len(text):
    entries.append(text[at + 1:at + 1 + text[at]].decode()); at += 1 + text[at]
print(json.dumps({
    'id': ident,
    'services': sorted(read_name(data, at)[0] for _, kind, _, at, _ in kinds if kind == 12),
    'instances': sorted(read_name(data2, at)[0].lower() for _, kind, _, at, _ in records if kind == 12),
    'ports': {owner.lower(): struct.unpack('>H', body[4:6])[0] for owner, kind, _, _, body in records if kind == 33},
    'text': entries,
    'addresses': [socket.inet_ntoa(body) for _, kind, _, _, body in records if kind == 1],
    'ttlAtMostTen': all(ttl <= 10 for _, _, ttl, _, _ in records),
}))
`

describe('Browsing', () => {
  test('asks again for what an announcement leaves out, and takes the sender for a host without address', async () => {
    const answers: Readonly<Record<number, Uint8Array>> = {
      12: writeDnsAnswer(0, [], [pointer('_lxi', 'Box')], []),
      33: writeDnsAnswer(
        0,
        [],
        [{ type: 'SRV', name: ['Box', '_lxi', '_tcp', 'local'], ttlS: 1, target: ['box', 'local'], port: 80 }],
        [],
      ),
    }
    const clock = new EndedByTest()
    const asked: number[] = []
    const port = await somebody(async (bytes, reply) => {
      const type = bytes.readUInt16BE(bytes.indexOf('local\0') + 6)
      asked.push(type)
      // The address of the host is what is asked last; nobody knows it.
      if (type === 1) return clock.end()
      await reply(answers[type]!)
    })
    // Broadcast stands in for the group.
    const found = await browseTo('127.255.255.255', port, clock)
    expect(found).toEqual([{ name: 'Box', service: '_lxi._tcp', address: '127.0.0.1', port: 80 }])
    expect(asked.slice(0, 3)).toEqual([12, 33, 1])
  })

  test('hears nobody in garbage, in questions, and in announcements of printers', async () => {
    const clock = new EndedByTest()
    const port = await somebody(async (bytes, reply) => {
      await reply(Buffer.from('00008400ffffffffffffffff', 'hex'))
      await reply(bytes)
      await reply(writeDnsAnswer(0, [], [pointer('_ipp', 'Printer')], []))
      await reply(writeDnsAnswer(0, [], [pointer('_hislip', 'Meter')], []))
      if (bytes.includes('meter')) await clock.end()
    })
    expect(await browseTo('127.255.255.255', port, clock)).toEqual([])
  })
})

const pointer = (service: string, instance: string) =>
  ({
    type: 'PTR',
    name: [service, '_tcp', 'local'],
    ttlS: 1,
    target: [instance, service, '_tcp', 'local'],
  }) as const

const browseTo = (group: string, port: number, clock: Clock) =>
  browseMdns(LOOPBACK, { clock, listenMs: 1, port, group }, forever())

describe('The portmapper', () => {
  test.each(vectors.map(({ meaning, sent, reply }) => [meaning, sent, reply] as const))(
    '%s',
    (meaning, sent, reply) => {
      expect(Buffer.from(getPortCall(XID, DEVICE_CORE).subarray(4))).toEqual(Buffer.from(sent))
      expect(portIn(reply)).toBe(meaning.endsWith('on port 1024') ? 1024 : undefined)
    },
  )

  test('is not believed with numbers that are no port, or when it is cut short', () => {
    const { reply } = vector(vectors, 'where is the VXI-11 core channel: on port 1024')
    const wrong = [reply.subarray(0, 27), changed(reply, 24, 0xff), changed(reply, 16, 0xff)]
    for (const bytes of wrong) {
      expect(() => portIn(bytes)).toThrow(expect.objectContaining({ code: 'PROTOCOL_UNEXPECTED_REPLY' }) as Error)
    }
  })

  test('may send any bytes: they are read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.boolean(), (bytes, ours) => {
        const reply = ours ? Buffer.concat([vectors[0]!.reply.subarray(0, 8), bytes]) : bytes
        try {
          portIn(reply)
        } catch (error) {
          expect(isBenchError(error, 'PROTOCOL_UNEXPECTED_REPLY')).toBe(true)
        }
      }),
    )
  })

  test('of an instrument is found by broadcast, once, among others that have none', async () => {
    const clock = new EndedByTest()
    const asked: Buffer[] = []
    const port = await somebody(async (bytes, reply) => {
      asked.push(bytes)
      for (const { reply: answer } of [...vectors, ...vectors]) await reply(answer)
      await reply(Buffer.from('nonsense'))
      await reply(changed(vectors[0]!.reply, 0, 0xff))
      await clock.end()
    })
    expect(await findVxi11(LOOPBACK, { clock, listenMs: 1, port }, forever())).toEqual(['127.0.0.1'])
    expect(asked[0]).toEqual(Buffer.from(vectors[0]!.sent))
  })
})

function portIn(bytes: Uint8Array): number | undefined {
  const { refusal, results } = readRpcReply(bytes)
  return refusal === undefined ? readPort(results) : undefined
}

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at] = value
  return copy
}

describe('Asking on a network', () => {
  const question = { address: '127.255.255.255', port: 9, first: Uint8Array.of(1), onReply: () => undefined }

  test('ends when the user gives up', async () => {
    const giveUp = new AbortController()
    const asking = askNetwork(LOOPBACK, question, { clock: new EndedByTest(), listenMs: 1 }, giveUp.signal)
    giveUp.abort(new Error('enough'))
    await expect(asking).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
  })

  test('says so where this machine has no such address', async () => {
    const nowhere = { name: 'eth9', address: '192.0.2.200', broadcast: '192.0.2.255' }
    const asking = askNetwork(nowhere, question, { clock: new EndedByTest(), listenMs: 1 }, forever())
    await expect(asking).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringContaining('eth9 (192.0.2.200)') as string,
    })
  })
})

describe('A network interface', () => {
  const ipv4 = (address: string, netmask: string) => ({
    address,
    netmask,
    family: 'IPv4' as const,
    mac: '',
    internal: false,
    cidr: null,
  })
  const present = { lo: [ipv4('127.0.0.1', '255.0.0.0')], eth0: [ipv4('10.1.2.3', '255.255.252.0')] }

  test('is chosen by name or by address, and once', () => {
    expect(chosenInterfaces(['eth0', '10.1.2.3', 'lo'], present)).toEqual([
      { name: 'eth0', address: '10.1.2.3', broadcast: '10.1.3.255' },
      { name: 'lo', address: '127.0.0.1', broadcast: '127.255.255.255' },
    ])
  })

  test('that is not there is refused, with those that are', () => {
    expect(() => chosenInterfaces(['wlan0'], present)).toThrow(
      'there is no network interface "wlan0" with an IPv4 address here: lo (127.0.0.1), eth0 (10.1.2.3)',
    )
  })
})
