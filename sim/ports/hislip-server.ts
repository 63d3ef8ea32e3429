import { createServer } from 'node:net'
import type { HislipFrame } from '../protocols/hislip-frames.ts'
import { HislipClient } from './hislip-client.ts'
import type { HislipDevice } from './hislip-client.ts'
import { FATAL, HislipConnection } from './hislip-connection.ts'
import { HislipLocks } from './hislip-locks.ts'
import type { MessageInstrument } from './message-instrument.ts'
import { listenOnLoopback } from './loopback-server.ts'

export interface HislipServerOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number
  /** Mode that clients are offered; they may ask for the other. Default: synchronised. */
  readonly prefer?: 'synchronised' | 'overlap'
  /** Default: 2.0, without its encryption. */
  readonly highestVersion?: '1.0' | '1.1' | '2.0'
  /** Largest message that is taken, and the largest that is sent even to clients that take more. Default: 1 MiB. */
  readonly maxMessageBytes?: number
  /** Default: 64. */
  readonly maxClients?: number
}

const VERSIONS = { '1.0': 0x0100, '1.1': 0x0101, '2.0': 0x0200 }
/** Not a vendor that IVI knows. */
const VENDOR = 0x4652
const SESSION_IDS = 0x1_0000

/**
 * Puts simulated instruments behind a HiSLIP server on 127.0.0.1, each under its sub-address; an empty one is the first.
 *
 * A client that leaves before its second connection was only looking; one that breaks the rules is told FatalError.
 * Throws: TRANSPORT_OPEN_FAILED when the port is taken.
 * Leaves: when disposed, no client connected and the port free.
 * Source: IVI-6.1 rev. 2.0.
 */
export async function serveHislip(
  devices: ReadonlyMap<string, MessageInstrument>,
  options: HislipServerOptions = {},
): Promise<{ port: number } & AsyncDisposable> {
  const { maxMessageBytes = 2 ** 20, maxClients = 64, prefer = 'synchronised', highestVersion = '2.0' } = options
  const prefersOverlap = prefer === 'overlap'
  const targets = new Map<string, HislipDevice>()
  for (const [name, instrument] of devices) targets.set(name, { instrument, locks: new HislipLocks() })
  const clients = new Map<number, HislipClient>()
  const connections = new Set<HislipConnection>()
  let lastSessionId = 0

  const initialize = (connection: HislipConnection, { parameter, payload }: HislipFrame): void => {
    const name = Buffer.from(payload).toString('latin1')
    const device = name === '' ? targets.values().next().value : targets.get(name)
    const version = Math.min(parameter >>> 16, VERSIONS[highestVersion])
    if (device === undefined) return connection.fail(FATAL.initialization, 'no such device here')
    if (version < VERSIONS['1.0']) return connection.fail(FATAL.initialization, 'no such version')
    if (clients.size >= Math.min(maxClients, SESSION_IDS)) return connection.fail(FATAL.clients, 'too many clients')
    do lastSessionId = (lastSessionId + 1) % SESSION_IDS
    while (clients.has(lastSessionId))
    const sessionId = lastSessionId
    const settings = { prefersOverlap, maxMessageBytes }
    clients.set(sessionId, new HislipClient(device, settings, connection, () => void clients.delete(sessionId)))
    connection.send('InitializeResponse', prefersOverlap ? 1 : 0, version * 0x1_0000 + sessionId)
  }

  const begin = (connection: HislipConnection, frame: HislipFrame): void => {
    if (frame.kind === 'Initialize') initialize(connection, frame)
    else if (frame.kind !== 'AsyncInitialize') connection.fail(FATAL.initialization, `${frame.kind} comes first`)
    else if (clients.get(frame.parameter)?.attach(connection) !== true) {
      connection.fail(FATAL.initialization, 'no session waits for this channel')
    } else connection.send('AsyncInitializeResponse', 0, VENDOR)
  }

  const server = createServer({ noDelay: true }, (socket) => {
    const connection = new HislipConnection(socket, maxMessageBytes)
    connections.add(connection)
    socket.once('close', () => connections.delete(connection))
    connection.taker = {
      take: (frame) => begin(connection, frame),
      blocked: () => false,
      idle: () => undefined,
      drained: () => undefined,
      closed: () => undefined,
    }
  })
  return listenOnLoopback(server, options.port ?? 0, connections)
}
