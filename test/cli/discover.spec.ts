import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { takeLease } from '../../bench/lease.ts'
import { parseResource } from '../../bench/resource.ts'
import { answerMdns } from '../../sim/ports/mdns-responder.ts'
import { whyNoSerialPorts } from '../support/serial-ports.ts'
import { documentOf, expectFailure, fringe, ROOT, scratchFolder, SMALL_BENCH } from './fringe-process.ts'
import type { Ended } from './fringe-process.ts'
import { servedBench } from './served-bench.ts'

const PATIENCE_MS = 180_000
const reason = await whyNoSerialPorts()
/** On the port of all others: `fringe sim` uses no other. */
const shared = await answerMdns([])
if (shared === undefined) console.info('skipped: nobody can share the port of multicast DNS here')
await shared?.[Symbol.asyncDispose]()

interface Found {
  readonly resource: string
  readonly foundBy: string
  readonly driver: string | null
  readonly identity: { readonly model: string } | null
  readonly error: { readonly code: string; readonly message: string } | null
}

async function found(ended: Ended): Promise<readonly Found[]> {
  const { resources } = (await documentOf('discover', ended)) as unknown as { resources: readonly Found[] }
  return resources
}

describe('fringe discover', { timeout: PATIENCE_MS }, () => {
  test('without names lists what is plugged into this machine, and asks nobody', async () => {
    const ended = await fringe(['discover', '--json'])
    expect(ended.code, ended.stderr).toBe(0)
    for (const one of await found(ended)) expect(one).toMatchObject({ identity: null, driver: null, error: null })
  })

  test.skipIf(reason !== undefined)('names the drivers of the instruments of fringe sim', async () => {
    const { resources, stop } = await servedBench(await scratchFolder(), SMALL_BENCH)
    const five = ['laser', 'awg', 'mbx-0', 'shifters', 'daq'].map((name) => resources.get(name)!)
    const named = await fringe(['discover', ...five, '--json'])
    expect(named.code, named.stderr).toBe(0)
    expect((await found(named)).map(({ resource, driver }) => [resource, driver])).toEqual([
      [five[0], 'oif-itla'],
      [five[1], 'keysight-m8195a'],
      [five[2], 'thorlabs-mbx'],
      [five[3], 'qontrol-q8'],
      [five[4], 'labjack-t7'],
    ])
    await stop()
  })

  test.skipIf(reason !== undefined)('lists five on five kinds of network wire, and who announces itself', async () => {
    const { resources, stop } = await servedBench(await scratchFolder(), join(ROOT, 'examples', 'wires.yaml'))
    const drivers = {
      awg: 'keysight-m8195a',
      pm: 'keysight-n7745',
      smu: 'keysight-b2900',
      filter: 'waveshaper',
      daq: 'labjack-t7',
    }
    const five = Object.entries(drivers).map(([name, driver]) => ({ name, resource: resources.get(name)!, driver }))
    const named = await fringe(['discover', ...five.map(({ resource }) => resource), '--json'])
    expect(named.code, named.stderr).toBe(0)
    expect(await found(named)).toMatchObject(
      five.map(({ resource, driver }) => ({ resource, driver, foundBy: 'named', error: null })),
    )
    if (shared !== undefined) {
      const announced = await found(await fringe(['discover', '--interface', 'lo', '--json']))
      for (const { resource, driver } of five.filter(({ name }) => ['awg', 'pm', 'smu'].includes(name))) {
        expect(announced).toContainEqual(expect.objectContaining({ resource, foundBy: 'mDNS', driver, error: null }))
      }
    }
    await stop()
  })

  test.skipIf(reason !== undefined)('and fringe check say who holds an instrument, and do not touch it', async () => {
    const { bench, resources, stop } = await servedBench(await scratchFolder(), SMALL_BENCH)
    const meter = resources.get('pm')!
    {
      await using _held = await takeLease(parseResource(meter), new AbortController().signal)
      const who = new RegExp(`is held by process ${process.pid} \\(`)
      const discovered = await fringe(['discover', meter, '--json'])
      expect(discovered.code).toBe(3)
      expect((await found(discovered))[0]?.error).toMatchObject({
        code: 'TRANSPORT_LOCKED',
        message: expect.stringMatching(who) as string,
      })
      const checked = await fringe(['check', bench, '--json'])
      expect(checked.code).toBe(3)
      const { instruments } = (await documentOf('check', checked)) as { instruments: readonly Found[] }
      expect(instruments.find(({ error }) => error !== null)?.error?.code).toBe('TRANSPORT_LOCKED')
      expect(instruments.filter(({ error }) => error !== null)).toEqual([expect.objectContaining({ resource: meter })])
    }
    expect((await fringe(['check', bench])).code).toBe(0)
    await stop()
  })

  test('reports places where nobody answers, and still shows the others', async () => {
    const ended = await fringe(['discover', '127.0.0.1:1', '/dev/no-such-port', '--json'])
    expect(ended.code).toBe(3)
    expect((await found(ended)).map(({ error }) => error?.code)).toEqual([
      'TRANSPORT_OPEN_FAILED',
      'TRANSPORT_OPEN_FAILED',
    ])
  })

  test.each([
    [['ttyUSB0'], /is not a resource name/],
    [['--interface', 'no-such-network'], /there is no network interface "no-such-network".*127\.0\.0\.1/],
    [['--identify'], /name one by --interface/],
  ])('refuses %j', async (args, why) => {
    expect(await expectFailure(await fringe(['discover', ...args, '--json']), 2, 'CALL_INVALID')).toMatch(why)
  })
})
