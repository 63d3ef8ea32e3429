import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import koffi from 'koffi'
import type { OpenDeviceFile, UsbtmcFile } from './usbtmc-file.ts'

const CLEAR = 0x5b02
const CLEAR_IN_HALT = 0x5b07
const SET_TIMEOUT = 0x4004_5b0a
const WRITE = 0xc014_5b0d
const READ = 0xc014_5b0e
const WRITE_RESULT = 0xc004_5b0f
const READ_STATUS_BYTE = 0x8001_5b12
const TRIGGER = 0x5b16
const CANCEL_IO = 0x5b23
const CLEANUP_IO = 0x5b24

const ASYNC = 1
const APPEND = 2
/** The kernel carries 16 buffers of 4096 bytes at a time. */
const PIECE_BYTES = 65_536
/** For the calls that wait on the control pipe; the shortest that the kernel takes is 100 ms. */
const CONTROL_TIMEOUT_MS = 1000
/** How often the kernel is asked whether a transfer has moved: at once while an instrument may be quick, then at rest. */
const QUICK_LOOKS = 20
const LOOK_MS = 1
const LOOK_FOR_SERVICE_MS = 20
const LOCK_EXCLUSIVE_AT_ONCE = 2 | 4
const POLLPRI = 2

/** `errno` means something where `result` says that the call failed. */
type Call = (...args: readonly unknown[]) => Promise<{ readonly result: number; readonly errno: number }>

/**
 * The real device file, /dev/usbtmcN of Linux 4.20 and later.
 *
 * The kernel's own read() asks the device anew each time it is called and cannot be given up, so a wait that is cut
 * into pieces would lose step with the device. The calls used here hand over raw transfers and return at once; what
 * is in flight is looked after, and can be cancelled at any time. Nothing blocks the event loop, and no thread is
 * held while an instrument takes its time.
 * Source: Linux include/uapi/linux/usb/tmc.h and drivers/usb/class/usbtmc.c, generic read and write.
 */
class KernelUsbtmc implements UsbtmcFile {
  readonly #handle: FileHandle
  readonly #calls: DeviceCalls
  readonly #out = new PinnedPiece()
  readonly #in = new PinnedPiece()
  #halted = false
  #serviceTimer: NodeJS.Timeout | undefined

  constructor(handle: FileHandle, calls: DeviceCalls) {
    this.#handle = handle
    this.#calls = calls
  }

  async send(transfer: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#unlessAborted(signal, async () => {
      for (let sent = 0; sent < transfer.length;) {
        const piece = transfer.subarray(sent, sent + PIECE_BYTES)
        this.#out.bytes.set(piece)
        const taken = await this.#transfer(WRITE, this.#out, piece.length, ASYNC | (sent === 0 ? 0 : APPEND))
        sent += taken.count
        if (taken.count < piece.length) await look(QUICK_LOOKS, signal)
      }
      const arrived = new Uint8Array(4)
      for (let looks = 0; ; looks++) {
        await this.#ioctl(WRITE_RESULT, arrived)
        if (new DataView(arrived.buffer).getUint32(0, true) >= transfer.length) return
        await look(looks, signal)
      }
    })
  }

  async receive(signal: AbortSignal): Promise<{ readonly bytes: Uint8Array; readonly ended: boolean }> {
    return this.#unlessAborted(signal, async () => {
      for (let looks = 0; ; looks++) {
        const { result, count } = await this.#transfer(READ, this.#in, PIECE_BYTES, ASYNC)
        if (result === 1 || count > 0) return { bytes: this.#in.bytes.slice(0, count), ended: result === 1 }
        await look(looks, signal)
      }
    })
  }

  async clear(): Promise<void> {
    await this.#cancel()
    await this.#ioctl(CLEAR)
    // Only where it is known to be halted: some devices lose count of packets when it is cleared for nothing.
    if (this.#halted) await this.#ioctl(CLEAR_IN_HALT)
    this.#halted = false
  }

  async readStatusByte(): Promise<number> {
    const statusByte = new Uint8Array(1)
    await this.#ioctl(READ_STATUS_BYTE, statusByte)
    return statusByte[0]!
  }

  async trigger(): Promise<void> {
    await this.#ioctl(TRIGGER)
  }

  /** The kernel keeps the request until the status byte is read; its rise is what is told. */
  onServiceRequest(listener: () => void): void {
    clearInterval(this.#serviceTimer)
    let asked = false
    let looking = false
    this.#serviceTimer = setInterval(() => {
      if (looking) return
      looking = true
      void this.#asksForService().then((asks) => {
        looking = false
        if (asks && !asked) listener()
        asked = asks
      })
    }, LOOK_FOR_SERVICE_MS)
    this.#serviceTimer.unref()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#serviceTimer)
    await this.#cancel().catch(() => undefined)
    await this.#handle.close()
    this.#out.free()
    this.#in.free()
  }

  /** Runs `work`; when it fails or is given up, nothing of it stays in flight. */
  async #unlessAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      this.#halted ||= (error as NodeJS.ErrnoException).code === 'EPIPE'
      // That the device is gone is what the caller learns, not that nothing could be cancelled.
      await this.#cancel().catch(() => undefined)
      signal.throwIfAborted()
      throw error
    }
  }

  async #cancel(): Promise<void> {
    await this.#ioctl(CANCEL_IO)
    await this.#ioctl(CLEANUP_IO)
  }

  async #transfer(
    request: number,
    piece: PinnedPiece,
    size: number,
    flags: number,
  ): Promise<{ readonly result: number; readonly count: number }> {
    const message = piece.message(size, flags)
    const result = await this.#ioctl(request, message, ['EAGAIN'])
    return { result, count: new DataView(message.buffer).getUint32(4, true) }
  }

  async #ioctl(request: number, argument = new Uint8Array(0), harmless: readonly string[] = []): Promise<number> {
    const { result, errno } = await this.#calls.ioctl(this.#handle.fd, request, argument)
    if (result >= 0) return result
    const error = systemError('ioctl', errno)
    if (error.code !== undefined && harmless.includes(error.code)) return 0
    throw error
  }

  async #asksForService(): Promise<boolean> {
    const entry = new Uint8Array(8)
    const view = new DataView(entry.buffer)
    view.setInt32(0, this.#handle.fd, true)
    view.setInt16(4, POLLPRI, true)
    const { result } = await this.#calls.poll(entry, 1, 0)
    return result > 0 && (view.getInt16(6, true) & POLLPRI) !== 0
  }
}

/** Memory that stays where it is, and the kernel's `struct usbtmc_message` that points to it. */
class PinnedPiece {
  readonly bytes: Uint8Array
  readonly #memory: unknown
  readonly #address: bigint

  constructor() {
    this.#memory = koffi.alloc('uint8_t', PIECE_BYTES)
    this.#address = koffi.address(this.#memory)
    this.bytes = new Uint8Array(koffi.view(this.#memory, PIECE_BYTES))
  }

  /** u32 transfer_size, u32 transferred, u32 flags, then the pointer, packed. */
  message(size: number, flags: number): Uint8Array<ArrayBuffer> {
    const message = new Uint8Array(20)
    const view = new DataView(message.buffer)
    view.setUint32(0, size, true)
    view.setUint32(8, flags, true)
    view.setBigUint64(12, this.#address, true)
    return message
  }

  free(): void {
    koffi.free(this.#memory)
  }
}

interface DeviceCalls {
  readonly ioctl: Call
  readonly poll: Call
  readonly flock: Call
}

let loaded: DeviceCalls | undefined

function deviceCalls(): DeviceCalls {
  if (loaded !== undefined) return loaded
  // The C library that Node itself runs on, whatever its name here.
  const library = koffi.load(null)
  const inBackground = (prototype: string): Call => {
    const call = library.func(prototype)
    return (...args) =>
      new Promise((resolve, reject) => {
        call.async(...args, (error: Error | null, result: number) => {
          // Here and now: it belongs to this call only for as long as its callback runs.
          if (error === null) resolve({ result, errno: koffi.errno() })
          else reject(error)
        })
      })
  }
  loaded = {
    ioctl: inBackground('int ioctl(int, unsigned long, _Inout_ uint8_t *)'),
    poll: inBackground('int poll(_Inout_ uint8_t *, unsigned long, int)'),
    flock: inBackground('int flock(int, int)'),
  }
  return loaded
}

async function look(looks: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (looks >= QUICK_LOOKS) await sleep(LOOK_MS, undefined, { signal })
}

function systemError(call: string, errno: number): NodeJS.ErrnoException {
  const code = Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`
  return Object.assign(new Error(`${call}: ${code}`), { code, errno, syscall: call })
}

/** Opens the device file for this process alone. */
export const openKernelUsbtmc: OpenDeviceFile = async (path) => {
  const calls = deviceCalls()
  const handle = await open(path, 'r+')
  try {
    const locked = await calls.flock(handle.fd, LOCK_EXCLUSIVE_AT_ONCE)
    if (locked.result !== 0) throw systemError('flock', koffi.os.errno['EBUSY'] ?? locked.errno)
    const timeout = new Uint8Array(4)
    new DataView(timeout.buffer).setUint32(0, CONTROL_TIMEOUT_MS, true)
    const set = await calls.ioctl(handle.fd, SET_TIMEOUT, timeout)
    if (set.result !== 0) throw systemError('ioctl', set.errno)
    return new KernelUsbtmc(handle, calls)
  } catch (error) {
    await handle.close()
    throw error
  }
}
