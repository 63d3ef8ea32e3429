import { Cleanup } from '../../core/cleanup.ts'
import type { RpcProgram } from '../protocols/onc-rpc.ts'
import { TCP } from '../protocols/portmapper.ts'
import { ABORT_PROCEDURE, DEVICE_ASYNC, DEVICE_CORE, VXI11_ERRORS } from '../protocols/vxi11.ts'
import type { MessageInstrument } from './message-instrument.ts'
import { servePortmapper } from './portmapper.ts'
import { serveRpc } from './rpc-server.ts'
import { Vxi11Conversation } from './vxi11-conversation.ts'
import type { Vxi11Host } from './vxi11-conversation.ts'
import { DeviceLock } from './vxi11-lock.ts'

export interface Vxi11ServerOptions {
  /** Of the core channel. 0, the default, takes any free port. */
  readonly port?: number
  /** `if-possible`: with a portmapper, by which unchanged clients find it, unless its port cannot be had. Default: off. */
  readonly portmapper?: 'off' | 'if-possible'
  /** Default: 111. */
  readonly portmapperPort?: number
  /** Longest part of a message that is taken at once. */
  readonly maxReceiveBytes?: number
}

const MAX_RECEIVE_BYTES = 65_536
/** Around the data of the longest part: enough for any call, and to tell a part that is too long that it is. */
const RECORD_ROOM_BYTES = 65_536

/**
 * Puts simulated instruments behind VXI-11 on this machine, on 127.0.0.1 only: core channel, abort channel, and
 * interrupt channels back to the clients.
 *
 * Throws: TRANSPORT_OPEN_FAILED when the port is taken.
 * Leaves: when disposed, no client connected and the ports free.
 */
export async function serveVxi11(
  /** By LAN device name: `inst0`, … */
  devices: ReadonlyMap<string, MessageInstrument>,
  { port = 0, portmapper = 'off', portmapperPort, maxReceiveBytes = MAX_RECEIVE_BYTES }: Vxi11ServerOptions = {},
): Promise<{ readonly port: number; readonly portmapperPort?: number } & AsyncDisposable> {
  await using opened = new Cleanup()
  const links: Vxi11Host['links'] = new Map()
  const programs = [abortProgram(links)]
  const longestRecordBytes = maxReceiveBytes + RECORD_ROOM_BYTES
  const abort = opened.use(await serveRpc({ port: 0, longestRecordBytes: 1024, accept: () => ({ programs }) }))
  const host: Vxi11Host = {
    devices: new Map(
      [...devices].map(([name, instrument]) => [name.toLowerCase(), { instrument, lock: new DeviceLock() }]),
    ),
    links,
    maxReceiveBytes,
    abortPort: abort.port,
    nextLinkId: 1,
  }
  const accept = (peerAddress: string): Vxi11Conversation => new Vxi11Conversation(host, peerAddress)
  const core = opened.use(await serveRpc({ port, longestRecordBytes, accept }))
  const mappings = [
    { ...DEVICE_CORE, protocol: TCP, port: core.port } as const,
    { ...DEVICE_ASYNC, protocol: TCP, port: abort.port } as const,
  ]
  const mapper =
    portmapper === 'off'
      ? undefined
      : // Not allowed, or another portmapper has it: clients are told the port instead.
        await servePortmapper(mappings, portmapperPort === undefined ? {} : { port: portmapperPort }).catch(
          () => undefined,
        )
  if (mapper !== undefined) opened.use(mapper)
  const owned = opened.move()
  return {
    port: core.port,
    ...(mapper === undefined ? {} : { portmapperPort: mapper.port }),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  }
}

function abortProgram(links: Vxi11Host['links']): RpcProgram {
  return {
    ...DEVICE_ASYNC,
    procedures: {
      [ABORT_PROCEDURE]: (call, results) => {
        const link = links.get(call.int())
        link?.unblock(VXI11_ERRORS.aborted)
        results.int(link === undefined ? VXI11_ERRORS.invalidLink : VXI11_ERRORS.none)
      },
    },
  }
}
