import { read } from 'node:fs'
import { promisify } from 'node:util'
import type { SerialPort } from 'serialport'

const readDescriptor = promisify(read)
const AGAIN = ['EAGAIN', 'EWOULDBLOCK', 'EINTR']

/**
 * Makes an open port notice that it was unplugged while it read.
 *
 * A terminal that has hung up answers every read with no bytes at all. `serialport` then reads again at once, for
 * ever: it takes a core and never says 'close'. (Unplugged while it waits, it does.) Windows reports this itself.
 */
export function noticeHangUp(port: SerialPort): void {
  const binding = port.port
  if (binding === undefined || !('poller' in binding)) return
  const { poller } = binding
  const readable = (): Promise<void> =>
    new Promise((resolve, reject) => {
      poller.once('readable', (error) => {
        if (error === null) resolve()
        else reject(error)
      })
    })
  const isOpen = (): boolean => binding.fd !== null
  binding.read = async (buffer, offset, length) => {
    for (;;) {
      // The mark by which the stream knows that it was closed on purpose.
      if (binding.fd === null) throw Object.assign(new Error('the port is closed'), { canceled: true })
      try {
        const { bytesRead } = await readDescriptor(binding.fd, buffer, offset, length, null)
        if (bytesRead === 0) throw new Error('the line has hung up')
        return { buffer, bytesRead }
      } catch (error) {
        if (!AGAIN.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      }
      // Closed while it read: to wait on a poller that is gone ends the process.
      if (isOpen()) await readable()
    }
  }
}
