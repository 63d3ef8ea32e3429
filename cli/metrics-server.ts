import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BenchError } from '../core/errors.ts'
import type { MetricsPlace } from './options.ts'
import { RunMetrics } from './run-metrics.ts'

export interface ServedMetrics extends AsyncDisposable {
  readonly url: string
}

/** Serves metrics while `work` goes on, whatever becomes of it. Throws: CALL_INVALID, before any work, as `serveMetrics`. */
export async function withMetrics<T>(
  place: MetricsPlace,
  journal: string | undefined,
  work: (url: string) => Promise<T>,
): Promise<T> {
  await using metrics = await serveMetrics(place, journal)
  return await work(metrics.url)
}

/**
 * Serves metrics of this process's runs in Prometheus's text format 0.0.4, at /metrics and nowhere else.
 *
 * Throws: CALL_INVALID when nobody can listen there.
 * Leaves: the port free, whoever was still connected.
 */
export async function serveMetrics(place: MetricsPlace, journal: string | undefined): Promise<ServedMetrics> {
  const metrics = new RunMetrics(journal)
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://any')
    if (pathname !== '/metrics') return answer(response, 404, 'text/plain', 'metrics are at /metrics\n')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      return answer(response, 405, 'text/plain', 'metrics can only be read\n')
    }
    metrics.text().then(
      (text) => answer(response, 200, metrics.contentType, text),
      // Whoever asks again may be luckier; the run must not end of it.
      (error: unknown) => answer(response, 503, 'text/plain', `${(error as Error).message}\n`),
    )
  })
  await listen(server, place)
  const { port } = server.address() as AddressInfo
  const host = place.host.includes(':') ? `[${place.host}]` : place.host
  return {
    url: `http://${host}:${port}/metrics`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await metrics[Symbol.asyncDispose]()
    },
  }
}

function answer(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, { 'Content-Type': contentType }).end(text)
}

async function listen(server: Server, { host, port }: MetricsPlace): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException
    const why = WHY[code] ?? message
    throw new BenchError('CALL_INVALID', `no metrics can be served at ${host}:${port}: ${why}`, { cause })
  }
}

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there. Give another port to --metrics',
  EADDRNOTAVAIL: 'this machine has no such address. Give one that it has, like 127.0.0.1',
  ENOTFOUND: 'no machine is called so. Give an address of this one, like 127.0.0.1',
  EACCES: 'this user may not listen there. Give a port from 1024 up',
}
