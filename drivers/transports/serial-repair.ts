import { read } from 'node:fs'
import { promisify } from 'node:util'
import type { SerialPort } from 'serialport'

type Binding = NonNullable<SerialPort['port']>
/** The binding on Linux and macOS. */
type UnixBinding = Extract<Binding, { readonly poller: unknown }>

const readDescriptor = promisify(read)
const AGAIN = ['EAGAIN', 'EWOULDBLOCK', 'EINTR']
/** libuv's poll events. */
const EVENTS = { readable: 1, writable: 2, disconnect: 4 } as const

/**
 * Mends two faults of `serialport` 13 on a port that was just opened; both were seen on Linux.
 *
 * A write that waits for room stalls for ever once a byte arrives, because waiting for bytes replaces the waiting for
 * room. A port that is unplugged while it reads never says 'close': the line answers every read with no bytes at all,
 * and is read again at once, for ever. Windows has another binding, and neither fault.
 */
export function repair(port: SerialPort): void {
  const binding = port.port
  if (binding === undefined || !('poller' in binding)) return
  keepWaitingForBoth(binding.poller)
  noticeHangUp(binding)
}

function keepWaitingForBoth(poller: UnixBinding['poller']): void {
  let wanted = 0
  poller.poll = (events = 0) => {
    wanted |= events
    poller.poller.poll(wanted)
  }
  for (const event of ['readable', 'writable', 'disconnect'] as const)
    poller.on(event, (error: Error | null) => {
      // An error ends all waiting, and the handle may be gone.
      wanted = error === null ? wanted & ~EVENTS[event] : 0
      if (wanted !== 0) poller.poller.poll(wanted)
    })
}

function noticeHangUp(binding: UnixBinding): void {
  const readable = (): Promise<void> =>
    new Promise((resolve, reject) => {
      binding.poller.once('readable', (error) => {
        if (error === null) resolve()
        else reject(error)
      })
    })
  /** Throws with the mark by which the stream knows that it was closed on purpose. */
  const openDescriptor = (): number => {
    if (binding.fd === null) throw Object.assign(new Error('the port is closed'), { canceled: true })
    return binding.fd
  }
  binding.read = async (buffer, offset, length) => {
    for (;;) {
      try {
        const { bytesRead } = await readDescriptor(openDescriptor(), buffer, offset, length, null)
        if (bytesRead === 0) throw new Error('the line has hung up')
        return { buffer, bytesRead }
      } catch (error) {
        if (!AGAIN.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      }
      // Closed while it read: to poll a descriptor that is gone is to crash.
      openDescriptor()
      await readable()
    }
  }
}
