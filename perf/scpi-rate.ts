import { execFile, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SystemClock } from '../core/clock.ts'
import { TappedTransport } from '../drivers/transports/tapped.ts'
import { TcpTransport } from '../drivers/transports/tcp.ts'
import { ScpiSession } from '../drivers/transports/scpi-session.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { Figure } from './figure.ts'
import { figure, median } from './figure.ts'
import { startBareRun } from './start-run.ts'

const QUERIES = 20_000
const ROUNDS = 5
const QUESTION = 'SENS1:POW:ATIM?'

const PEER = `
import sys, time, pyvisa
instrument = pyvisa.ResourceManager('@py').open_resource(sys.argv[1], read_termination='\\n', write_termination='\\n')
instrument.query(sys.argv[3])
start = time.perf_counter()
for _ in range(int(sys.argv[2])): instrument.query(sys.argv[3])
print(int(sys.argv[2]) / (time.perf_counter() - start))
`

/**
 * Queries a second, one after the other over loopback, journal on, against pyvisa-py doing the same to the same
 * simulated instrument in another process, in turn.
 */
export async function scpiRate(): Promise<readonly Figure[]> {
  const server = fork(join(import.meta.dirname, 'serve-meter.js'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const folder = await mkdtemp(join(tmpdir(), 'fringe-perf-'))
  try {
    const port = await new Promise<number>((resolve, reject) => {
      server.once('message', (message) => resolve(message as number))
      server.once('exit', (code) => reject(new Error(`the simulated meter ended with code ${String(code)}`)))
    })
    const resource = `TCPIP::127.0.0.1::${port}::SOCKET`
    const [ours, peers]: [number[], number[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(await ourRate(resource, port, join(folder, `${round}.db`)))
      const args = ['-c', PEER, resource, String(QUERIES), QUESTION]
      peers.push(Number((await promisify(execFile)('/usr/bin/python3', args)).stdout))
    }
    const ratio = median(ours.map((rate, round) => rate / peers[round]!))
    return [
      figure({
        name: 'queries over pyvisa-py',
        value: ratio,
        unit: '×',
        better: 'higher',
        goal: 1,
        against: 'pyvisa-py, same instrument, same run; median of rounds',
      }),
      figure({
        name: 'queries, journal on',
        value: median(ours),
        unit: '/s',
        better: 'higher',
        against: 'raw SCPI socket, loopback',
      }),
      figure({
        name: 'queries, pyvisa-py',
        value: median(peers),
        unit: '/s',
        better: 'higher',
        against: 'raw SCPI socket, loopback',
      }),
    ]
  } finally {
    server.kill()
    await rm(folder, { recursive: true })
  }
}

async function ourRate(resource: string, port: number, file: string): Promise<number> {
  const { signal } = new AbortController()
  const clock = new SystemClock()
  await using journal = await Journal.open(file, { clock, mode: 'write' })
  const run = await startBareRun(journal)
  const tap = run.tap('meter')
  const transport = new TappedTransport(await TcpTransport.open(resource, '127.0.0.1', port, signal), tap)
  const session = new ScpiSession({ name: 'meter', transport, tap }, 1000)
  await session.ask(QUESTION, signal)
  const start = performance.now()
  for (let query = 0; query < QUERIES; query++) await session.ask(QUESTION, signal)
  const rate = QUERIES / ((performance.now() - start) / 1e3)
  await session[Symbol.asyncDispose]()
  await run.finish('done')
  return rate
}
