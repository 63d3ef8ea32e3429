import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SystemClock } from '../core/clock.ts'
import type { ByteTransport } from '../core/transport.ts'
import { TappedTransport } from '../drivers/transports/tapped.ts'
import type { Wire } from '../drivers/transports/wire.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { Figure } from './figure.ts'
import { figure, median } from './figure.ts'
import type { Places } from './serve-instruments.ts'
import { serveInstruments } from './served.ts'
import { startBareRun } from './start-run.ts'
import { WIRES } from './wires.ts'
import type { MeasuredWire } from './wires.ts'

const QUERIES = 10_000
const WARM_UP = 1_000
const ROUNDS = 7

/** One question after the other, each answered before the next; the peer's code makes `ask()` of its own library. */
const ASK_IN_TURN = `
import time
def rate(ask, queries):
    for _ in range(${WARM_UP}): ask()
    start = time.perf_counter()
    for _ in range(queries): ask()
    print(queries / (time.perf_counter() - start))
`

/**
 * Questions a second over each wire, one after the other over loopback, journal on, against a Python peer that asks
 * the same of the same simulated instrument in another process, in turn.
 */
export async function wireRates(): Promise<readonly Figure[]> {
  using served = await serveInstruments()
  const figures: Figure[] = []
  for (const wire of WIRES) {
    const { name, peer, goal } = wire
    const missing = wire.missing?.(served.places)
    const { ours, peers, limits } = await measure(wire, served.places, missing === undefined)
    figures.push(
      figure({ name: `${name}, journal on`, value: median(ours), unit: '/s', better: 'higher', against: 'loopback' }),
    )
    if (missing !== undefined) {
      console.log(`${name} is not compared with ${peer}: ${missing}`)
      continue
    }
    const against = `${peer}, same instrument, same run; median of ${ROUNDS} rounds`
    const ratio = median(ours.map((rate, round) => rate / peers[round]!))
    figures.push(
      figure({ name: `${name}, over ${peer}`, value: ratio, unit: '×', better: 'higher', goal, against }),
      figure({ name: `${name}, ${peer}`, value: median(peers), unit: '/s', better: 'higher', against: 'loopback' }),
    )
    if (limits.length === 0) continue
    figures.push(
      figure({
        name: `${name}, bare socket over ${peer}`,
        value: median(limits.map((rate, round) => rate / peers[round]!)),
        unit: '×',
        better: 'higher',
        against: 'limit: a blocking Python socket that sends the same bytes, no library, no journal; same rounds',
      }),
    )
  }
  return figures
}

type Rates = Record<'ours' | 'peers' | 'limits', number[]>

async function measure(wire: MeasuredWire, places: Places, withPeer: boolean): Promise<Rates> {
  const folder = await mkdtemp(join(tmpdir(), 'fringe-perf-'))
  try {
    const rates: Rates = { ours: [], peers: [], limits: [] }
    for (let round = 0; round < ROUNDS; round++) {
      rates.ours.push(await ourRate(wire, places, join(folder, `${round}.db`)))
      if (!withPeer) continue
      rates.peers.push(await pythonRate(wire.peerScript(places)))
      if (wire.limitScript !== undefined) rates.limits.push(await pythonRate(wire.limitScript(places)))
    }
    return rates
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** `script` defines ask(). */
async function pythonRate(script: string): Promise<number> {
  const whole = `${ASK_IN_TURN}\n${script}\nrate(ask, ${QUERIES})`
  return Number((await promisify(execFile)('/usr/bin/python3', ['-c', whole])).stdout)
}

async function ourRate(wire: MeasuredWire, places: Places, file: string): Promise<number> {
  const { signal } = new AbortController()
  await using journal = await Journal.open(file, { clock: new SystemClock(), mode: 'write' })
  const run = await startBareRun(journal)
  const tap = run.tap('instrument')
  const tapped = (transport: ByteTransport): Wire => ({
    name: 'instrument',
    transport: new TappedTransport(transport, tap),
    tap,
  })
  const session = await wire.open(places, tapped, signal)
  for (let query = 0; query < WARM_UP; query++) await session.ask(signal)
  const start = performance.now()
  for (let query = 0; query < QUERIES; query++) await session.ask(signal)
  const rate = QUERIES / ((performance.now() - start) / 1e3)
  await session[Symbol.asyncDispose]()
  await run.finish('done')
  return rate
}
