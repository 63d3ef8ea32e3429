import { describe, expect, test } from 'vitest'
import { closeAll, makeAllSafe, safeStateError } from '../../bench/safe-order.ts'
import type { OpenInstrument } from '../../bench/safe-order.ts'
import { BenchError } from '../../core/errors.ts'
import type { Instrument } from '../../core/instruments.ts'
import { DRIVERS } from '../../drivers/registry.ts'

/** An instrument that does nothing but become safe, in its own way. */
function fake(driver: string, makeSafe: (signal: AbortSignal) => Promise<void>): OpenInstrument {
  const instrument: Instrument = {
    identity: { maker: '', model: driver, serial: '', firmware: '' },
    makeSafe,
    [Symbol.asyncDispose]: () => makeSafe(AbortSignal.timeout(1000)),
  }
  const resource = { wire: 'socket', text: `TCPIP::${driver}::1::SOCKET`, host: driver, port: 1 } as const
  return { line: { name: driver, driver, entry: DRIVERS[driver]!, resource, settings: {} }, instrument }
}

const all = Object.keys(DRIVERS)

describe('making a bench safe', () => {
  test('goes from light to heat to those that only look, whatever the order in the file', async () => {
    const order: string[] = []
    const open = [...all].reverse().map((driver) => fake(driver, async () => void order.push(driver)))
    const report = await makeAllSafe(open, 1000)
    expect(report.verified).toBe(true)
    expect(order[0]).toBe('oif-itla')
    expect(new Set(order.slice(1, 4))).toEqual(new Set(['keysight-m8195a', 'thorlabs-mbx', 'waveshaper']))
    expect(new Set(order.slice(4, 6))).toEqual(new Set(['qontrol-q8', 'keysight-b2900']))
    expect(order[6]).toBe('omron-e5cc')
    expect(report.instruments.map(({ name }) => name)).toEqual(order)
  })

  test('goes on after an instrument that fails, and says which is not safe', async () => {
    const safe: string[] = []
    const open = all.map((driver) =>
      fake(driver, async () => {
        if (driver === 'oif-itla') throw new BenchError('SAFE_STATE_UNVERIFIED', 'still emits 3 dBm')
        if (driver === 'qontrol-q8') throw new BenchError('TRANSPORT_LOST', 'unplugged')
        safe.push(driver)
      }),
    )
    const report = await closeAll(open, 1000)
    expect(safe).toHaveLength(all.length - 2)
    expect(report.verified).toBe(false)
    const unsafe = safeStateError(report)
    expect(unsafe?.code).toBe('SAFE_STATE_UNVERIFIED')
    expect(unsafe?.context).toEqual({ unsafe: ['oif-itla', 'qontrol-q8'] })
    expect(unsafe?.message).toBe(
      [
        'NOT SAFE: 2 instruments are not known to be dark, cold and parked; look at it before you touch the bench',
        '  oif-itla (oif-itla at TCPIP::oif-itla::1::SOCKET): still emits 3 dBm',
        '  qontrol-q8 (qontrol-q8 at TCPIP::qontrol-q8::1::SOCKET): unplugged',
      ].join('\n'),
    )
  })

  test('zeroes the heaters even when the laser never says that it is dark', async () => {
    const safe: string[] = []
    const hangs = (): Promise<void> => new Promise(() => undefined)
    const open = all.map((driver) => fake(driver, driver === 'oif-itla' ? hangs : async () => void safe.push(driver)))
    const report = await makeAllSafe(open, 5)
    expect(safe).toContain('qontrol-q8')
    expect(safeStateError(report)?.message).toContain('did not say that it is safe within 10 ms')
  })

  test('gives every instrument a deadline of its own, and the caller’s signal besides', async () => {
    const signals: AbortSignal[] = []
    const caller = new AbortController()
    const open = all.map((driver) => fake(driver, async (signal) => void signals.push(signal)))
    await makeAllSafe(open, 1000, caller.signal)
    expect(new Set(signals).size).toBe(all.length)
    expect(signals.some(({ aborted }) => aborted)).toBe(false)
    caller.abort()
    expect(signals.every(({ aborted }) => aborted)).toBe(true)
  })

  test('has nothing to say when all is well', () => {
    expect(safeStateError({ verified: true, instruments: [] })).toBeUndefined()
  })
})
