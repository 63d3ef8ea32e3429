import { readBulkOut, writeBulkIn } from '../protocols/usbtmc.ts'
import type { BulkOut } from '../protocols/usbtmc.ts'
import type { MessageInstrument, MessageSession } from './message-instrument.ts'

/** Buffers of the kernel's driver: a piece shorter than this ends a transfer. */
const URB_BYTES = 4096
/** What the trigger call of the kernel sends, with the tag that it gives to its own transfers. */
const TRIGGER = Uint8Array.of(128, 1, 254, 0, 0, 0, 0, 0, 0, 0, 0, 0)

interface Piece {
  readonly bytes: Uint8Array
  readonly ended: boolean
}

/**
 * A simulated instrument as a USB device, together with what the kernel makes of it: a device file with two bulk
 * pipes. Frames are read and written by the device's own codec.
 *
 * A transfer that no device understands halts the pipes (EPIPE) until the device is cleared; unplugged, everything
 * fails with ENODEV.
 */
export class UsbtmcDevice {
  readonly #instrument: MessageInstrument
  readonly #files = new Set<SimulatedDeviceFile>()
  #plugged = true
  /** What a test does to each bulk-IN transfer on its way: nothing, by default. */
  tamper: (transfer: Uint8Array) => Uint8Array | undefined = (transfer) => transfer
  /** A device that does not even obey a clear any more, until it is opened again. */
  wedged = false
  opened = 0

  constructor(instrument: MessageInstrument) {
    this.#instrument = instrument
  }

  /** Throws: ENODEV while unplugged, EBUSY while another has it open. */
  open(): SimulatedDeviceFile {
    if (!this.#plugged) throw systemError('ENODEV')
    if (this.#files.size > 0) throw systemError('EBUSY')
    this.opened++
    this.wedged = false
    const file = new SimulatedDeviceFile(this, this.#instrument, () => this.#files.delete(file))
    this.#files.add(file)
    return file
  }

  unplug(): void {
    this.#plugged = false
    for (const file of this.#files) file.pullOut()
  }

  plugIn(): void {
    this.#plugged = true
  }
}

/** One client's device file: whoever opens it holds the device alone. */
class SimulatedDeviceFile {
  readonly #device: UsbtmcDevice
  readonly #session: MessageSession
  readonly #onClose: () => void
  /** Sent up the bulk-IN pipe and not fetched yet. */
  readonly #pieces: Piece[] = []
  #request: Extract<BulkOut, { what: 'request' }> | undefined
  /** Taken out of the instrument, held back behind a term char. */
  #rest: { readonly bytes: Uint8Array; readonly end: boolean } | undefined
  #waiting: { take(piece: Piece): void; fail(error: Error): void } | undefined
  #serviceListener: () => void = () => undefined
  #halted = false
  #gone = false

  constructor(device: UsbtmcDevice, instrument: MessageInstrument, onClose: () => void) {
    this.#device = device
    this.#onClose = onClose
    this.#session = instrument.open({
      onAnswer: () => void this.#answer(),
      onInterrupted: () => undefined,
      onServiceRequest: () => this.#serviceListener(),
    })
  }

  async send(transfer: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#requireUsable()
    this.#take(readBulkOut(transfer.slice()))
    this.#requireUsable()
  }

  receive(signal: AbortSignal): Promise<Piece> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      this.#requireUsable()
      const piece = this.#pieces.shift()
      if (piece !== undefined) return resolve(piece)
      const settle = (): void => {
        this.#waiting = undefined
        signal.removeEventListener('abort', onAbort)
      }
      const fail = (error: Error): void => {
        settle()
        reject(error)
      }
      const onAbort = (): void => fail(signal.reason as Error)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting = {
        take: (arrived) => {
          settle()
          resolve(arrived)
        },
        fail,
      }
    })
  }

  async clear(): Promise<void> {
    if (this.#gone) throw systemError('ENODEV')
    if (this.#device.wedged) throw systemError('EPERM')
    this.#forget()
    this.#halted = false
    this.#session.clear()
  }

  async readStatusByte(): Promise<number> {
    if (this.#gone) throw systemError('ENODEV')
    return this.#session.poll()
  }

  async trigger(): Promise<void> {
    this.#requireUsable()
    this.#take(readBulkOut(TRIGGER))
  }

  onServiceRequest(listener: () => void): void {
    this.#serviceListener = listener
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.pullOut()
    this.#session.close()
    this.#onClose()
  }

  pullOut(): void {
    this.#gone = true
    this.#forget()
    this.#waiting?.fail(systemError('ENODEV'))
  }

  #take(out: BulkOut | undefined): void {
    switch (out?.what) {
      case 'message':
        // An answer that is under way is for a question that nobody waits for any more.
        this.#forget()
        this.#session.receive(out.payload, out.end)
        return
      case 'request':
        // One answer at a time: a second request before the first was served is a fault of the client.
        if (this.#request !== undefined) return this.#halt()
        this.#request = out
        if (!this.#answer() && !this.#session.owesAnswer) this.#session.readUnasked()
        return
      case 'trigger':
        this.#session.trigger()
        return
      case undefined:
        this.#halt()
    }
  }

  /** Serves the request that waits. False while there is nothing to serve it with. */
  #answer(): boolean {
    const request = this.#request
    if (request === undefined) return false
    const held = this.#rest ?? this.#session.read(request.maxBytes)
    if (held === undefined) return false
    this.#request = undefined
    const at = request.termChar === undefined ? -1 : held.bytes.indexOf(request.termChar)
    const size = Math.min(request.maxBytes, at < 0 ? held.bytes.length : at + 1)
    const whole = size === held.bytes.length
    this.#rest = whole ? undefined : { bytes: held.bytes.subarray(size), end: held.end }
    const atTermChar = at >= 0 && size === at + 1
    this.#push(writeBulkIn(request.tag, held.bytes.subarray(0, size), { end: whole && held.end, atTermChar }))
    return true
  }

  #push(transfer: Uint8Array): void {
    const sent = this.#device.tamper(transfer)
    if (sent === undefined) return
    // A transfer that fills its last buffer ends with an empty packet.
    for (let at = 0; at <= sent.length; at += URB_BYTES) {
      const bytes = sent.slice(at, at + URB_BYTES)
      this.#pieces.push({ bytes, ended: bytes.length < URB_BYTES })
    }
    const first = this.#waiting === undefined ? undefined : this.#pieces.shift()
    if (first !== undefined) this.#waiting?.take(first)
  }

  #forget(): void {
    this.#pieces.length = 0
    this.#request = undefined
    this.#rest = undefined
  }

  #halt(): void {
    this.#halted = true
    this.#waiting?.fail(systemError('EPIPE'))
  }

  #requireUsable(): void {
    if (this.#gone) throw systemError('ENODEV')
    if (this.#halted) throw systemError('EPIPE')
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}
