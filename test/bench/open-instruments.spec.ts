import { describe, expect, test } from 'vitest'
import type { Connect } from '../../bench/connect.ts'
import { connectReal } from '../../bench/connect-real.ts'
import type { BenchInstrument } from '../../bench/instrument-list.ts'
import { openInstruments } from '../../bench/open-instruments.ts'
import { parseResource } from '../../bench/resource.ts'
import { VirtualClock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import { DRIVERS } from '../../drivers/registry.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'

const resource = { wire: 'serial', text: 'ASRL/dev/a::INSTR', path: '/dev/a' } as const

/** An instrument whose driver gives up with `failure` as soon as it has the wire. */
function failing(name: string, failure: Error): BenchInstrument {
  const entry = { ...DRIVERS['oif-itla']!, open: () => Promise.reject(failure) }
  return { name, driver: 'oif-itla', entry, resource, settings: {} }
}

/** What is said of it, and how often the far end saw the wire go. */
async function openWith(failure: Error): Promise<{ readonly error: BenchError; readonly closed: number }> {
  let closed = 0
  const transport = new BytePipe(resource.text, () => ({ receive: () => undefined, detach: () => (closed += 1) }))
  transport.connect({
    onBytes: () => undefined,
    onEnd: () => undefined,
    onLost: () => undefined,
    onDeadline: () => undefined,
  })
  const options = {
    connect: async () => ({ name: 'laser', transport }),
    clock: new VirtualClock(),
    signal: new AbortController().signal,
  }
  const outcome = (await openInstruments([failing('laser', failure)], options)).get('laser')
  if (outcome?.outcome !== 'failed') throw new Error('it opened')
  return { error: outcome.error, closed }
}

describe('opening an instrument whose driver fails', () => {
  test('gives the port back, even when the driver never had a session', async () => {
    const { closed } = await openWith(new Error('out of memory'))
    expect(closed).toBe(1)
  })

  test('says at which instrument, once, and keeps the code, the context and the cause', async () => {
    const cause = new BenchError('PROTOCOL_CHECKSUM', 'ASRL/dev/a::INSTR: bad check sum', { context: { reply: '00' } })
    const { error } = await openWith(cause)
    expect(error.message).toBe('laser (oif-itla at ASRL/dev/a::INSTR): bad check sum')
    expect(error.code).toBe('PROTOCOL_CHECKSUM')
    expect(error.cause).toBe(cause)
    expect(error.context).toEqual({
      reply: '00',
      instrument: 'laser',
      driver: 'oif-itla',
      resource: 'ASRL/dev/a::INSTR',
    })
  })

  test('does not repeat the name that a driver already put first', async () => {
    const { error } = await openWith(new BenchError('INSTRUMENT_WRONG_IDENTITY', 'laser: this is a meter'))
    expect(error.message).toBe('laser (oif-itla at ASRL/dev/a::INSTR): this is a meter')
  })
})

describe('opening an instrument that does not answer the call', () => {
  const options = { clock: new VirtualClock(), signal: new AbortController().signal }

  test('ends after a deadline of its own: an address where nobody lives is silent for minutes', async () => {
    // A network that is reserved for documentation (RFC 5737): no instrument has this address.
    const nowhere = parseResource('TCPIP::192.0.2.1::5025::SOCKET')
    const connect = connectReal(() => undefined, 30)
    const line = { ...failing('pm', new Error('never reached')), resource: nowhere }
    const outcome = (await openInstruments([line], { ...options, connect })).get('pm')
    expect(outcome).toMatchObject({ outcome: 'failed', error: { code: 'TRANSPORT_OPEN_FAILED' } })
  })

  test('ends when the caller gives up, and says that it was the caller', async () => {
    const caller = new AbortController()
    const connect: Connect = (_name, _resource, _line, signal) =>
      new Promise((_, reject) => {
        const onAbort = (): void => reject(new BenchError('TRANSPORT_OPEN_FAILED', 'gave up'))
        signal.addEventListener('abort', onAbort)
      })
    const opening = openInstruments([failing('pm', new Error('never reached'))], {
      ...options,
      connect,
      signal: caller.signal,
    })
    caller.abort()
    expect((await opening).get('pm')).toMatchObject({ outcome: 'failed', error: { code: 'TRANSPORT_ABORTED' } })
  })
})
