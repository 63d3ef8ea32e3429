import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { WireSession } from '../../drivers/transports/session.ts'
import { TcpTransport } from '../../drivers/transports/tcp.ts'

/** An instrument that answers at once, on a thread of its own: this one will be busy. */
const INSTRUMENT = `
const { parentPort } = require('node:worker_threads')
const server = require('node:net').createServer((socket) => socket.on('data', () => socket.write('7\\n')))
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

test('a reply that came while the process was busy counting is read, although its deadline has passed by then', async () => {
  const worker = new Worker(INSTRUMENT, { eval: true })
  try {
    const [port] = (await once(worker, 'message')) as [number]
    const { signal } = new AbortController()
    const transport = await TcpTransport.open('meter', '127.0.0.1', port, signal)
    await using session = new WireSession(transport, { timeoutMs: 50 })
    const reply = session.ask(
      Buffer.from('POW?\n'),
      (bytes) => (bytes.includes(10) ? { message: Buffer.from(bytes).toString(), used: bytes.length } : undefined),
      signal,
    )
    const until = performance.now() + 300
    while (performance.now() < until);
    expect(await reply).toBe('7\n')
  } finally {
    await worker.terminate()
  }
})
