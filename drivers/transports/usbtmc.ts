import { BenchError } from '../../core/errors.ts'
import type { ByteReceiver, ByteTransport, MessageControls } from '../../core/transport.ts'
import { BulkInAnswer, bulkInRequest, bulkOutMessage, nextTag, usbtmcQuirks } from '../protocols/usbtmc.ts'
import type { UsbtmcQuirks } from '../protocols/usbtmc.ts'
import { listUsbtmcDevices, usbResourceText } from './usbtmc-devices.ts'
import type { UsbtmcDevice } from './usbtmc-devices.ts'
import type { OpenDeviceFile, UsbtmcFile } from './usbtmc-file.ts'
import { openKernelUsbtmc } from './usbtmc-kernel.ts'

/** Payload of one transfer: with its header it stays a short packet below the 65 536 bytes that the kernel carries. */
const ASKED_BYTES = 65_520
/** For a device that may be asked only once. */
const ASKED_ONCE_BYTES = 2 ** 24
/** Longer messages leave in parts, the last of which ends the message. Source: python-usbtmc, max_transfer_size. */
const SENT_BYTES = 2 ** 20

/** A device file, or what the instrument says of itself. */
export interface UsbtmcPlace {
  readonly path?: string
  readonly usb?: { readonly vendor: number; readonly product: number; readonly serial: string }
}

export interface UsbtmcOptions {
  readonly file?: OpenDeviceFile
  /** Where the kernel lists its devices: /sys. */
  readonly sysfs?: string
}

/**
 * An instrument on USB, through the kernel's USBTMC driver.
 *
 * To resynchronise is to clear the device; one that refuses is opened again.
 * Throws: TRANSPORT_OPEN_FAILED naming what is plugged in instead, or how to get the permission; TRANSPORT_LOCKED
 * while another program holds the device; TRANSPORT_LOST when it is unplugged or its pipe fails;
 * PROTOCOL_UNEXPECTED_REPLY, reported as the loss of the wire, on bytes that are no answer.
 */
export class UsbtmcTransport implements ByteTransport {
  readonly resource: string
  readonly controls: MessageControls
  readonly #place: UsbtmcPlace
  readonly #options: UsbtmcOptions
  #file: UsbtmcFile
  #quirks: UsbtmcQuirks
  #receiver: ByteReceiver | undefined
  #tag = 0
  /** An answer was asked for and has not wholly come. */
  #owed = false
  #pulling: { readonly stop: AbortController; readonly done: Promise<void> } | undefined
  #serviceListener: (() => void) | undefined

  private constructor(resource: string, place: UsbtmcPlace, options: UsbtmcOptions, opened: Opened) {
    this.resource = resource
    this.#place = place
    this.#options = options
    this.#file = opened.file
    this.#quirks = opened.quirks
    this.controls = {
      readStatusByte: (signal) => this.#control(() => this.#file.readStatusByte(), signal),
      trigger: (signal) => this.#control(() => this.#file.trigger(), signal),
      onServiceRequest: async (listener, signal) => {
        signal.throwIfAborted()
        this.#serviceListener = listener
        this.#file.onServiceRequest(listener)
      },
    }
  }

  static async open(
    resource: string,
    where: UsbtmcPlace,
    signal: AbortSignal,
    options: UsbtmcOptions = {},
  ): Promise<UsbtmcTransport> {
    signal.throwIfAborted()
    const transport = new UsbtmcTransport(resource, where, options, await openFile(resource, where, options))
    try {
      // What an earlier program left half said would answer our first question.
      await transport.#clear(signal)
      return transport
    } catch (cause) {
      await transport[Symbol.asyncDispose]()
      throw openFailed(resource, `the device cannot be cleared: ${(cause as Error).message}`, cause)
    }
  }

  connect(receiver: ByteReceiver): void {
    this.#receiver = receiver
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    try {
      // Sent into an answer that is half fetched, it would be answered with the other half.
      if (this.#owed) await this.#clear(signal)
      for (let sent = 0; sent < bytes.length; sent += SENT_BYTES) {
        const part = bytes.subarray(sent, sent + SENT_BYTES)
        await this.#file.send(bulkOutMessage(this.#takeTag(), part, sent + part.length === bytes.length), signal)
      }
    } catch (error) {
      signal.throwIfAborted()
      throw this.#fault(error)
    }
  }

  pull(timeoutMs: number): void {
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(), timeoutMs)
    this.#owed = true
    const done = this.#fetch(stop.signal)
      .catch((error: unknown) => {
        if (!stop.signal.aborted) this.#receiver?.onLost(this.#fault(error))
      })
      .finally(() => clearTimeout(timer))
    this.#pulling = { stop, done }
  }

  async resynchronise(signal: AbortSignal): Promise<void> {
    try {
      await this.#clear(signal)
    } catch {
      // Whatever it was: who does not obey is let go of and opened again.
      signal.throwIfAborted()
      await this.#reopen(signal)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#receiver = undefined
    await this.#stopFetching()
    await this.#file[Symbol.asyncDispose]()
  }

  /** Asks for the answer, and for more of it, until the device says that it is whole. */
  async #fetch(signal: AbortSignal): Promise<void> {
    const askedBytes = this.#quirks.headerOnce === true ? ASKED_ONCE_BYTES : ASKED_BYTES
    while (this.#owed) {
      const tag = this.#takeTag()
      await this.#file.send(bulkInRequest(tag, askedBytes), signal)
      const answer = new BulkInAnswer(tag, askedBytes, this.#quirks)
      while (!answer.done) {
        const { bytes, ended } = await this.#file.receive(signal)
        const payload = answer.push(bytes, ended)
        // Before the bytes are handed over: they may bring the next question.
        this.#owed = !answer.endsMessage
        if (payload.length > 0) this.#receiver?.onBytes(payload)
      }
    }
    this.#receiver?.onEnd()
  }

  async #clear(signal: AbortSignal): Promise<void> {
    await this.#stopFetching()
    signal.throwIfAborted()
    await this.#file.clear()
    this.#owed = false
  }

  async #stopFetching(): Promise<void> {
    this.#pulling?.stop.abort()
    await this.#pulling?.done
    this.#pulling = undefined
  }

  /** Plugged in again, it may have another device file. */
  async #reopen(signal: AbortSignal): Promise<void> {
    await this.#file[Symbol.asyncDispose]()
    signal.throwIfAborted()
    const { file, quirks } = await openFile(this.resource, this.#place, this.#options)
    this.#file = file
    this.#quirks = quirks
    if (this.#serviceListener !== undefined) file.onServiceRequest(this.#serviceListener)
    try {
      await this.#clear(signal)
    } catch (error) {
      signal.throwIfAborted()
      throw this.#fault(error)
    }
  }

  async #control<T>(act: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    try {
      return await act()
    } catch (error) {
      throw this.#fault(error)
    }
  }

  #takeTag(): number {
    return (this.#tag = nextTag(this.#tag))
  }

  #fault(error: unknown): BenchError {
    return error instanceof BenchError ? error : lost(this.resource, error)
  }
}

interface Opened {
  readonly file: UsbtmcFile
  readonly quirks: UsbtmcQuirks
}

async function openFile(resource: string, place: UsbtmcPlace, options: UsbtmcOptions): Promise<Opened> {
  if (options.file === undefined && process.platform !== 'linux') {
    const right = 'put VISA:: in front of the resource to reach it through a VISA library'
    throw openFailed(
      resource,
      `USB instruments have a device file on Linux only, and this is ${process.platform}; ${right}`,
    )
  }
  const devices = await listUsbtmcDevices(options.sysfs)
  const device = findDevice(place, devices)
  const path = place.path ?? device?.path
  if (path === undefined) {
    const others = devices.map((other) => `${usbResourceText(other)} at ${other.path}`)
    const there = others.length === 0 ? 'no USB instrument is plugged in' : `plugged in: ${others.join(', ')}`
    throw openFailed(resource, `it is not plugged in or not switched on; ${there}`)
  }
  try {
    const file = await (options.file ?? openKernelUsbtmc)(path)
    return { file, quirks: device === undefined ? {} : usbtmcQuirks(device.vendor, device.product) }
  } catch (error) {
    throw whyNotOpened(resource, path, device, error as NodeJS.ErrnoException)
  }
}

function findDevice({ path, usb }: UsbtmcPlace, devices: readonly UsbtmcDevice[]): UsbtmcDevice | undefined {
  if (path !== undefined) return devices.find((device) => device.path === path)
  return devices.find(
    ({ vendor, product, serial }) => vendor === usb?.vendor && product === usb.product && serial === usb.serial,
  )
}

function whyNotOpened(
  resource: string,
  path: string,
  device: UsbtmcDevice | undefined,
  error: NodeJS.ErrnoException,
): BenchError {
  switch (error.code) {
    case 'EACCES':
    case 'EPERM': {
      const vendor = device === undefined ? '' : `, ATTRS{idVendor}=="${device.vendor.toString(16).padStart(4, '0')}"`
      const rule = `SUBSYSTEM=="usbmisc", KERNEL=="usbtmc*"${vendor}, MODE="0660", GROUP="plugdev"`
      return openFailed(resource, `${path} is not ours to open; a udev rule makes it so: ${rule}`, error)
    }
    case 'EBUSY':
      return new BenchError('TRANSPORT_LOCKED', `${resource}: another program holds ${path}`, {
        cause: error,
        context: { resource, path },
      })
    case 'ENOTTY':
    case 'EBADRQC':
      return openFailed(resource, `${path} is not a USBTMC device file of Linux 4.20 or later`, error)
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return openFailed(resource, `there is no device at ${path}; is it plugged in and switched on?`, error)
    default:
      return openFailed(resource, `${path} cannot be opened: ${error.message}`, error)
  }
}

function openFailed(resource: string, why: string, cause?: unknown): BenchError {
  return new BenchError('TRANSPORT_OPEN_FAILED', `${resource}: ${why}`, { cause, context: { resource } })
}

const UNPLUGGED: readonly unknown[] = ['ENODEV', 'ENXIO', 'ESHUTDOWN', 'EBADF']

function lost(resource: string, cause: unknown): BenchError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  const why = UNPLUGGED.includes(code)
    ? 'the instrument was unplugged or switched off'
    : `the USB pipe failed: ${code ?? String(cause)}`
  return new BenchError('TRANSPORT_LOST', `${resource}: ${why}`, { cause, context: { resource, code } })
}
