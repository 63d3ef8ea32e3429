import type { AddressInfo, Server } from 'node:net'
import { BenchError } from '../../core/errors.ts'

/**
 * Lets a server listen on a TCP port of this machine, on 127.0.0.1 only; 0 takes any free port.
 *
 * Throws: TRANSPORT_OPEN_FAILED when the port is taken, or is not to be had.
 * Leaves: when disposed, none of `clients` connected and the port free.
 */
export async function listenOnLoopback(
  server: Server,
  port: number,
  clients: Iterable<{ destroy(): unknown }>,
): Promise<{ readonly port: number } & AsyncDisposable> {
  await new Promise<void>((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void => reject(cannotServe(port, cause))
    server.once('error', onError)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', onError)
      resolve()
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const client of clients) client.destroy()
      await closed
    },
  }
}

function cannotServe(port: number, cause: NodeJS.ErrnoException): BenchError {
  const reason = cause.code === 'EADDRINUSE' ? 'it is taken; choose another, or 0 for any' : cause.message
  return new BenchError('TRANSPORT_OPEN_FAILED', `no instrument can be served on TCP port ${port}: ${reason}`, {
    cause,
    context: { port },
  })
}
