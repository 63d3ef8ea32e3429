import type { RpcProcedure } from '../protocols/onc-rpc.ts'
import {
  CORE_PROCEDURES,
  DEVICE_CORE,
  FLAGS,
  VXI11_ERRORS,
  takeCreateLink,
  takeDoCommand,
  takeEnableServiceRequests,
  takeGeneric,
  takeInterruptChannel,
  takeLock,
  takeRead,
  takeWrite,
} from '../protocols/vxi11.ts'
import type { Vxi11ErrorNumber } from '../protocols/vxi11.ts'
import type { XdrInput, XdrOutput } from '../protocols/xdr.ts'
import type { RpcConversation } from './rpc-server.ts'
import { InterruptChannel } from './vxi11-interrupts.ts'
import { Vxi11Link } from './vxi11-link.ts'
import type { Vxi11Device } from './vxi11-link.ts'

const MOST_LINKS = 64
const NOTHING = new Uint8Array(0)

/** What all clients of one server share. */
export interface Vxi11Host {
  /** By name in lower case. */
  readonly devices: ReadonlyMap<string, Vxi11Device>
  /** Of every client: the abort channel is another connection. */
  readonly links: Map<number, Vxi11Link>
  readonly maxReceiveBytes: number
  readonly abortPort: number
  nextLinkId: number
}

interface LockableCall {
  readonly link: number
  readonly flags: number
  readonly lockTimeoutMs: number
}

/**
 * One client on the core channel. Its links are its own, and end with the connection.
 *
 * Errors: 3 no such device, 4 not a link of this client, 5 more bytes than the device takes, 6 nobody listens for
 * service requests, 8 commands of gateways and service requests over UDP, 9 too many links, 11 locked by another,
 * 12 no lock held, 15 nothing came in time, 21 service requests to another host, 23 aborted, 29 second channel.
 */
export class Vxi11Conversation implements RpcConversation {
  readonly programs
  readonly #host: Vxi11Host
  readonly #peerAddress: string
  readonly #links = new Map<number, Vxi11Link>()
  #interrupts: InterruptChannel | undefined
  #closed = false

  constructor(host: Vxi11Host, peerAddress: string) {
    this.#host = host
    this.#peerAddress = peerAddress
    this.programs = [{ ...DEVICE_CORE, procedures: this.#procedures() }]
  }

  close(): void {
    this.#closed = true
    for (const id of [...this.#links.keys()]) this.#destroyLink(id)
    this.#interrupts?.close()
  }

  #procedures(): Readonly<Record<number, RpcProcedure>> {
    return {
      [CORE_PROCEDURES.createLink]: (call, results) => this.#createLink(call, results),
      [CORE_PROCEDURES.write]: (call, results) => this.#write(call, results),
      [CORE_PROCEDURES.read]: (call, results) => this.#read(call, results),
      [CORE_PROCEDURES.readStatusByte]: (call, results) =>
        this.#enter(
          takeGeneric(call),
          (link) => void results.int(VXI11_ERRORS.none).unsigned(link.session.poll()),
          (error) => void results.int(error).unsigned(0),
        ),
      [CORE_PROCEDURES.trigger]: this.#operation(takeGeneric, ({ session }) => session.trigger()),
      [CORE_PROCEDURES.clear]: this.#operation(takeGeneric, ({ session }) => session.clear()),
      [CORE_PROCEDURES.remote]: this.#operation(takeGeneric, () => undefined),
      [CORE_PROCEDURES.local]: this.#operation(takeGeneric, () => undefined),
      [CORE_PROCEDURES.lock]: (call, results) => this.#lock(call, results),
      [CORE_PROCEDURES.unlock]: (call, results) => {
        const link = this.#links.get(call.int())
        if (link === undefined) results.int(VXI11_ERRORS.invalidLink)
        else results.int(link.lock.release(link) ? VXI11_ERRORS.none : VXI11_ERRORS.noLockHeld)
      },
      [CORE_PROCEDURES.enableServiceRequests]: (call, results) => {
        const { link: id, enable, handle } = takeEnableServiceRequests(call)
        const link = this.#links.get(id)
        if (link !== undefined) link.serviceHandle = enable ? handle : undefined
        results.int(link === undefined ? VXI11_ERRORS.invalidLink : VXI11_ERRORS.none)
      },
      [CORE_PROCEDURES.doCommand]: (call, results) => {
        const known = this.#links.has(takeDoCommand(call).link)
        results.int(known ? VXI11_ERRORS.notSupported : VXI11_ERRORS.invalidLink).opaque(NOTHING)
      },
      [CORE_PROCEDURES.destroyLink]: (call, results) => {
        results.int(this.#destroyLink(call.int()) ? VXI11_ERRORS.none : VXI11_ERRORS.invalidLink)
      },
      [CORE_PROCEDURES.createInterruptChannel]: async (call, results) => {
        results.int(await this.#createInterruptChannel(call))
      },
      [CORE_PROCEDURES.destroyInterruptChannel]: (_, results) => {
        results.int(this.#interrupts === undefined ? VXI11_ERRORS.channelNotEstablished : VXI11_ERRORS.none)
        this.#interrupts?.close()
        this.#interrupts = undefined
      },
    }
  }

  async #createLink(call: XdrInput, results: XdrOutput): Promise<void> {
    const { device: name, lock, lockTimeoutMs } = takeCreateLink(call)
    const { devices, links, abortPort, maxReceiveBytes } = this.#host
    const device = devices.get(name.toLowerCase())
    const refuse = (error: Vxi11ErrorNumber): void => void results.int(error).int(0).unsigned(0).unsigned(0)
    if (device === undefined) return refuse(VXI11_ERRORS.deviceNotAccessible)
    if (links.size >= MOST_LINKS) return refuse(VXI11_ERRORS.outOfResources)
    const id = this.#host.nextLinkId++
    const link = new Vxi11Link(id, device, (handle) => this.#interrupts?.request(handle))
    this.#links.set(id, link)
    links.set(id, link)
    if (lock) {
      const error = await link.lock.enter(link, { acquire: true, waitMs: lockTimeoutMs })
      if (error !== VXI11_ERRORS.none) {
        this.#destroyLink(id)
        return refuse(error)
      }
    }
    results.int(VXI11_ERRORS.none).int(id).unsigned(abortPort).unsigned(maxReceiveBytes)
  }

  #write(call: XdrInput, results: XdrOutput): void | Promise<void> {
    const request = takeWrite(call)
    const { data, flags } = request
    const refuse = (error: Vxi11ErrorNumber): void => void results.int(error).unsigned(0)
    return this.#enter(
      request,
      (link) => {
        if (data.length > this.#host.maxReceiveBytes) return refuse(VXI11_ERRORS.parameter)
        link.session.receive(data, (flags & FLAGS.end) !== 0)
        results.int(VXI11_ERRORS.none).unsigned(data.length)
      },
      refuse,
    )
  }

  #read(call: XdrInput, results: XdrOutput): void | Promise<void> {
    const request = takeRead(call)
    return this.#enter(
      request,
      (link) => {
        const put = ({ error, reason, data }: Awaited<ReturnType<typeof link.read>>): void =>
          void results.int(error).int(reason).opaque(data)
        const read = link.read(request)
        return read instanceof Promise ? read.then(put) : put(read)
      },
      (error) => void results.int(error).int(0).opaque(NOTHING),
    )
  }

  async #lock(call: XdrInput, results: XdrOutput): Promise<void> {
    const { link: id, flags, lockTimeoutMs } = takeLock(call)
    const link = this.#links.get(id)
    const waitMs = (flags & FLAGS.waitLock) === 0 ? undefined : lockTimeoutMs
    results.int((await link?.lock.enter(link, { acquire: true, waitMs })) ?? VXI11_ERRORS.invalidLink)
  }

  async #createInterruptChannel(call: XdrInput): Promise<Vxi11ErrorNumber> {
    const { overUdp, ...address } = takeInterruptChannel(call)
    if (this.#interrupts !== undefined) return VXI11_ERRORS.channelAlreadyEstablished
    if (overUdp) return VXI11_ERRORS.notSupported
    // Nobody can make this server connect to a third.
    if (address.host !== this.#peerAddress || address.port > 0xffff) return VXI11_ERRORS.invalidAddress
    const channel = await InterruptChannel.open(address)
    if (this.#closed) channel?.close()
    else this.#interrupts = channel
    return channel === undefined ? VXI11_ERRORS.channelNotEstablished : VXI11_ERRORS.none
  }

  #operation(take: (call: XdrInput) => LockableCall, work: (link: Vxi11Link) => void): RpcProcedure {
    return (call, results) =>
      this.#enter(
        take(call),
        (link) => {
          work(link)
          results.int(VXI11_ERRORS.none)
        },
        (error) => void results.int(error),
      )
  }

  /** Does `work` once no other link holds the device, if the call wants to wait for that. */
  #enter(
    { link: id, flags, lockTimeoutMs }: LockableCall,
    work: (link: Vxi11Link) => void | Promise<void>,
    refuse: (error: Vxi11ErrorNumber) => void,
  ): void | Promise<void> {
    const link = this.#links.get(id)
    if (link === undefined) return refuse(VXI11_ERRORS.invalidLink)
    const waitMs = (flags & FLAGS.waitLock) === 0 ? undefined : lockTimeoutMs
    const proceed = (error: Vxi11ErrorNumber): void | Promise<void> =>
      error === VXI11_ERRORS.none ? work(link) : refuse(error)
    const entered = link.lock.enter(link, { acquire: false, waitMs })
    return entered instanceof Promise ? entered.then(proceed) : proceed(entered)
  }

  #destroyLink(id: number): boolean {
    const link = this.#links.get(id)
    link?.close()
    this.#links.delete(id)
    this.#host.links.delete(id)
    return link !== undefined
  }
}
