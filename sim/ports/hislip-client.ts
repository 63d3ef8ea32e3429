import { messageSize, readMessageSize } from '../protocols/hislip-frames.ts'
import type { HislipFrame } from '../protocols/hislip-frames.ts'
import { FATAL, REFUSED } from './hislip-connection.ts'
import type { HislipConnection } from './hislip-connection.ts'
import type { HislipLocks, LockAnswer } from './hislip-locks.ts'
import type { MessageClient, MessageInstrument, MessageSession } from './message-instrument.ts'

export interface HislipDevice {
  readonly instrument: MessageInstrument
  readonly locks: HislipLocks
}

export interface HislipClientSettings {
  /** What a client is offered that does not ask for a mode. */
  readonly prefersOverlap: boolean
  /** Largest message that is taken. */
  readonly maxMessageBytes: number
}

const HEADER_BYTES = 16
const FIRST_ID = 0xffff_ff00
const BEFORE_FIRST_ID = 0xffff_fefe
/** RMT-delivered in messages with data, overlap in those of the device clear. */
const BIT_0 = 1
const LAST_REMOTE_LOCAL_CODE = 6
const LOCK_ANSWERS: Readonly<Record<LockAnswer, number>> = { failure: 0, success: 1, 'shared-released': 2, error: 3 }

/**
 * One client's session with one instrument, from its first connection on.
 *
 * Errors: -410 also for a client that shows, by a flag that is missing, that it did not take the last answer.
 * Source: IVI-6.1 rev. 2.0, chapters 3 and 6.
 */
export class HislipClient implements MessageClient {
  readonly #device: HislipDevice
  readonly #settings: HislipClientSettings
  readonly #sync: HislipConnection
  readonly #onGone: () => void
  #async: HislipConnection | undefined
  #session: MessageSession | undefined
  #unwatch: () => void = () => undefined
  #overlap: boolean
  #clientMaxBytes: number
  #clearing = false
  #closed = false
  #lastReceivedId = BEFORE_FIRST_ID
  #lastSentId = BEFORE_FIRST_ID
  /** The end of an answer was sent, and the client has not said that it took it. */
  #answerOut = false
  #messageAvailable = false

  constructor(device: HislipDevice, settings: HislipClientSettings, sync: HislipConnection, onGone: () => void) {
    this.#device = device
    this.#settings = settings
    this.#sync = sync
    this.#onGone = onGone
    this.#overlap = settings.prefersOverlap
    this.#clientMaxBytes = settings.maxMessageBytes
    sync.taker = {
      take: (frame) => this.#takeSync(frame),
      blocked: () => this.#blocked,
      idle: () => this.#sendAnswer(),
      drained: () => this.#sendAnswer(),
      closed: () => this.close(),
    }
  }

  /** The second connection has come; false when it is not the second. */
  attach(connection: HislipConnection): boolean {
    if (this.#async !== undefined) return false
    this.#async = connection
    this.#session = this.#device.instrument.open(this)
    this.#unwatch = this.#device.locks.watch(() => this.#sync.pump())
    connection.taker = {
      take: (frame) => this.#takeAsync(frame, connection, this.#session!),
      blocked: () => false,
      idle: () => undefined,
      drained: () => undefined,
      closed: () => this.close(),
    }
    return true
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#sync.hangUp()
    this.#async?.hangUp()
    this.#unwatch()
    this.#session?.close()
    this.#session = undefined
    this.#device.locks.drop(this)
    this.#onGone()
  }

  onAnswer(): void {
    // In synchronised mode, what has come meanwhile interrupts the answer.
    if (!this.#overlap && this.#sync.more) return
    this.#sendAnswer()
    this.#sync.pump()
  }

  onNoAnswer(): void {
    this.#sync.pump()
  }

  onInterrupted(): void {
    if (this.#overlap) return
    this.#messageAvailable = false
    this.#answerOut = false
    this.#async?.send('AsyncInterrupted', 0, this.#lastReceivedId)
    this.#sync.send('Interrupted', 0, this.#lastReceivedId)
  }

  onServiceRequest(statusByte: number): void {
    this.#async?.send('AsyncServiceRequest', statusByte)
  }

  /** In overlap mode one answer after the other is made; without the lock, nothing is listened to. */
  get #blocked(): boolean {
    if (this.#clearing || this.#session === undefined) return false
    return !this.#device.locks.mayTalk(this) || (this.#overlap && this.#session.owesAnswer)
  }

  #takeSync(frame: HislipFrame): void {
    const { kind, control } = frame
    if (kind === 'FatalError') return this.close()
    if (kind === 'Error') return
    if (this.#session === undefined) {
      this.#fail(FATAL.channels, 'the asynchronous channel is not established')
    } else if (kind === 'Data' || kind === 'DataEND' || kind === 'Trigger') {
      if (!this.#clearing) this.#takeMessage(frame, this.#session)
    } else if (kind === 'DeviceClearComplete') {
      if (this.#clearing) this.#completeClear(control & BIT_0)
      else this.#sync.refuse(REFUSED.unidentified, 'no device clear is under way')
    } else if (kind === 'Initialize') this.#fail(FATAL.initialization, 'this session is initialized')
    else this.#sync.refuse(REFUSED.type, `no ${kind} on this channel`)
  }

  #takeMessage({ kind, control, parameter, payload }: HislipFrame, session: MessageSession): void {
    if (!this.#overlap && this.#answerOut && (control & BIT_0) === 0) session.answerIgnored?.()
    this.#answerOut = false
    this.#messageAvailable = false
    this.#lastReceivedId = parameter
    if (kind === 'Trigger') session.trigger()
    else session.receive(payload, kind === 'DataEND')
  }

  #takeAsync(
    { kind, control, parameter, payload }: HislipFrame,
    reply: HislipConnection,
    session: MessageSession,
  ): void {
    const { locks } = this.#device
    switch (kind) {
      case 'AsyncMaximumMessageSize': {
        const bytes = readMessageSize(payload)
        if (bytes === undefined) return reply.refuse(REFUSED.unidentified, 'a size has 8 bytes')
        this.#clientMaxBytes = bytes
        return reply.send('AsyncMaximumMessageSizeResponse', 0, 0, messageSize(this.#settings.maxMessageBytes))
      }
      case 'AsyncStatusQuery':
        return reply.send('AsyncStatusResponse', session.poll(this.#pollMessageAvailable(control, parameter)))
      case 'AsyncDeviceClear':
        return this.#beginClear(reply, session)
      case 'AsyncLock': {
        const answer = (said: LockAnswer): void => reply.send('AsyncLockResponse', LOCK_ANSWERS[said])
        if (control === 0) return answer(locks.release(this))
        if (control === 1) return locks.request(this, Buffer.from(payload).toString('latin1'), parameter, answer)
        return reply.refuse(REFUSED.control, `no lock control ${control}`)
      }
      case 'AsyncLockInfo':
        return reply.send('AsyncLockInfoResponse', locks.exclusive ? 1 : 0, locks.holders)
      case 'AsyncRemoteLocalControl':
        if (control <= LAST_REMOTE_LOCAL_CODE) return reply.send('AsyncRemoteLocalResponse')
        return reply.refuse(REFUSED.control, `no remote/local control ${control}`)
      case 'AsyncInitialize':
        return this.#fail(FATAL.initialization, 'this session is initialized')
      case 'FatalError':
        return this.close()
      case 'Error':
        return
      default:
        return reply.refuse(REFUSED.type, `no ${kind} on this channel`)
    }
  }

  /** Bit 4 of the status byte, which is known here and not in the instrument: it has handed out its answer. */
  #pollMessageAvailable(control: number, id: number): boolean {
    if (this.#overlap) return id !== this.#lastSentId
    if ((control & BIT_0) !== 0) {
      this.#answerOut = false
      this.#messageAvailable = false
    }
    return this.#messageAvailable && id === this.#lastReceivedId
  }

  #beginClear(reply: HislipConnection, session: MessageSession): void {
    this.#clearing = true
    this.#device.locks.stopWaiting(this)
    session.clear()
    reply.send('AsyncDeviceClearAcknowledge', this.#settings.prefersOverlap ? BIT_0 : 0)
    this.#sync.pump()
  }

  #completeClear(feature: number): void {
    this.#clearing = false
    this.#overlap = feature === BIT_0
    this.#lastReceivedId = BEFORE_FIRST_ID
    this.#lastSentId = BEFORE_FIRST_ID
    this.#answerOut = false
    this.#messageAvailable = false
    this.#sync.send('DeviceClearAcknowledge', feature)
  }

  #sendAnswer(): void {
    // What does not go out now goes out when there is room, unless it has been cleared or interrupted by then.
    while (this.#session !== undefined && !this.#clearing && this.#sync.hasRoom) {
      const part = this.#session.read(this.#largestPartBytes)
      if (part === undefined) return
      const id = this.#overlap ? this.#nextSentId() : this.#lastReceivedId
      this.#sync.send(part.end ? 'DataEND' : 'Data', 0, id, part.bytes)
      this.#messageAvailable = true
      if (part.end) this.#answerOut = true
    }
  }

  /** At least a byte a message, whatever the client says of its size. */
  get #largestPartBytes(): number {
    return Math.max(1, Math.min(this.#clientMaxBytes, this.#settings.maxMessageBytes) - HEADER_BYTES)
  }

  #nextSentId(): number {
    this.#lastSentId = this.#lastSentId === BEFORE_FIRST_ID ? FIRST_ID : (this.#lastSentId + 2) >>> 0
    return this.#lastSentId
  }

  #fail(code: number, why: string): void {
    this.#async?.send('FatalError', code, 0, Buffer.from(why, 'latin1'))
    this.#sync.fail(code, why)
    this.close()
  }
}
