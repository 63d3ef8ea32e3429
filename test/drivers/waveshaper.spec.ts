import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { HttpTransport } from '../../drivers/transports/http.ts'
import { Waveshaper, waveshaper } from '../../drivers/wdm/waveshaper.ts'
import { parseWspText, wspText } from '../../drivers/wdm/wsp-text.ts'
import { simWaveshaper } from '../../sim/instruments/sim-waveshaper.ts'
import { WavelengthFilter } from '../../sim/optics/wavelength-filter.ts'
import { serveTcp } from '../../sim/ports/tcp-server.ts'
import { describeOpticalFilter } from '../contracts/optical-filter.contract.ts'
import { TranscriptWire, pipeTo, vector } from '../support/scpi-wires.ts'
import { TamperedWire } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'
import type { VectorExchange } from '../support/vectors.ts'

const vectors = readVectors('waveshaper')
const forever = (): AbortSignal => new AbortController().signal
const say = (meaning: string): VectorExchange => vector(vectors, meaning)
const SETTINGS = waveshaper.settings.parse({})
const INFO = say('what it is')
const SAFE = [say('all light is blocked'), say('the active profile, all blocked')]

const openOn = (transport: TamperedWire | TranscriptWire | HttpTransport, clock = new VirtualClock()) =>
  Waveshaper.open({ name: 'filter', transport }, SETTINGS, clock, forever(), 1000)

function simulated() {
  const clock = new VirtualClock()
  const optics = new WavelengthFilter()
  const instrument = simWaveshaper.create(optics, { name: 'filter', seed: 4, clock, settings: {} })
  return { clock, optics, instrument }
}

async function openTampered() {
  const { clock, optics, instrument } = simulated()
  const wire = new TamperedWire(pipeTo(instrument))
  return { filter: await openOn(wire, clock), wire, optics }
}

describeOpticalFilter('a WaveShaper', async () => {
  const { filter, wire, optics } = await openTampered()
  return {
    filter,
    messagesSent: () => wire.sent.length,
    powerRatio: (port, frequencyThz) => optics.powerRatio(port, frequencyThz),
  }
})

const httpReply = (body: string, status = '200 OK'): Uint8Array =>
  Buffer.from(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)

describe('a WaveShaper', () => {
  test('is spoken to in these bytes', async () => {
    const wire = new TranscriptWire(
      INFO,
      say('a band-pass of 100 GHz to port 2'),
      say('a profile of two slices'),
      ...SAFE,
    )
    {
      await using filter = await openOn(wire)
      expect(filter).toMatchObject({
        identity: { maker: 'Finisar', model: 'WaveShaper 4000A', serial: 'SN200123', firmware: '2.1.5' },
        frequencyRangeThz: { min: 191.25, max: 196.275 },
        portCount: 4,
      })
      await filter.loadBandPass({ port: 2, centreThz: 193.1, bandwidthThz: 0.1, attenuationDb: 3.5 }, forever())
      const profile = {
        frequenciesThz: Float64Array.of(193.1, 193.101),
        attenuationsDb: Float64Array.of(0, 60),
        phasesRad: Float64Array.of(Math.PI / 2, 0),
        ports: Uint8Array.of(1, 0),
      }
      await filter.loadProfile(profile, forever())
    }
    wire.expectDone()
  })

  test('is believed to be settled half a second after it took a profile', async () => {
    const clock = new VirtualClock()
    const wire = new TranscriptWire(INFO, say('all light is blocked'), ...SAFE)
    await using filter = await openOn(wire, clock)
    await filter.blockAll(forever())
    expect(clock.monotonicNs()).toBe(5e8)
  })

  test('is served over a real connection, one for each request', async () => {
    const { clock, optics, instrument } = simulated()
    await using server = await serveTcp(instrument)
    const transport = await HttpTransport.open('HTTP::127.0.0.1', { host: '127.0.0.1', port: server.port }, forever())
    {
      await using filter = await openOn(transport, clock)
      await filter.loadBandPass({ port: 3, centreThz: 193.5, bandwidthThz: 0.05, attenuationDb: 0 }, forever())
      expect(optics.powerRatio(3, 193.5)).toBeCloseTo(10 ** -0.5, 6)
      expect((await filter.readProfile(forever())).ports).toHaveLength(5026)
    }
    expect(optics.powerRatio(3, 193.5)).toBe(0)
  })

  test.each([
    ['another server', httpReply('<html>', '404 Not Found')],
    ['another JSON', httpReply('{"rc":0}')],
    ['no JSON', httpReply('{"model":')],
  ])('is not taken for %s', async (_, reply) => {
    const wire = new TamperedWire(pipeTo(simulated().instrument))
    wire.tamper(() => reply)
    await expect(openOn(wire)).rejects.toMatchObject({ code: 'INSTRUMENT_WRONG_IDENTITY' })
    expect(wire.closed).toBe(true)
  })

  test.each([
    ['a refusal', httpReply('{"rc":-22,"rctext":"Invalid frequency"}'), 'INSTRUMENT_REFUSED', '-22 Invalid frequency'],
    ['a refusal in other words', httpReply('{"rc":5,"msg":"busy"}'), 'INSTRUMENT_REFUSED', '5 busy'],
    ['a server in trouble', httpReply('', '500 Oops'), 'INSTRUMENT_REFUSED', 'HTTP status 500'],
    ['half an outcome', httpReply('{"rctext":"Success"}'), 'PROTOCOL_UNEXPECTED_REPLY', 'rctext'],
    ['no HTTP', Buffer.from('SSH-2.0-x\r\n'), 'PROTOCOL_UNEXPECTED_REPLY', 'SSH-2.0'],
  ])('reports %s, and goes on', async (_, reply, code, says) => {
    const { filter, wire } = await openTampered()
    await using _filter = filter
    wire.tamper(() => reply)
    await expect(filter.blockAll(forever())).rejects.toMatchObject({
      code,
      message: expect.stringContaining(says) as string,
    })
    wire.tamper(() => 'pass')
    await filter.blockAll(forever())
  })

  test('is reported unsafe when something still passes', async () => {
    const { filter, wire } = await openTampered()
    const open = httpReply('193.1000\t60.0000\t0.0000\t0\n193.1010\t12.0000\t0.0000\t2\n')
    wire.tamper((request) => (Buffer.from(request).includes('getprofile') ? open : 'pass'))
    const message = expect.stringContaining('193.101 THz still passes to port 2') as string
    await expect(filter.makeSafe(forever())).rejects.toMatchObject({ code: 'SAFE_STATE_UNVERIFIED', message })
    await expect(filter[Symbol.asyncDispose]()).rejects.toMatchObject({ code: 'SAFE_STATE_UNVERIFIED' })
    expect(wire.closed).toBe(true)
  })

  test('never takes a late reply for the answer to the next request', async () => {
    const { filter, wire } = await openTampered()
    await using _ = filter
    wire.holdReplies()
    const caller = new AbortController()
    const slow = filter.readProfile(caller.signal)
    caller.abort()
    await expect(slow).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    await wire.release()
    await filter.blockAll(forever())
  })
})

describe('the text of a profile', () => {
  const slice = fc.record({
    attenuation: fc.integer({ min: 0, max: 600_000 }),
    phase: fc.integer({ min: -99_999, max: 99_999 }),
    port: fc.integer({ min: 0, max: 4 }),
  })

  test('is read as it was written', () => {
    fc.assert(
      fc.property(
        fc.array(slice, { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 191_250, max: 196_000 }),
        (list, ghz) => {
          const profile = {
            frequenciesThz: Float64Array.from(list, (_, at) => (ghz + at) / 1e3),
            attenuationsDb: Float64Array.from(list, ({ attenuation }) => attenuation / 1e4),
            phasesRad: Float64Array.from(list, ({ phase }) => phase / 1e4),
            ports: Uint8Array.from(list, ({ port }) => port),
          }
          expect(parseWspText(wspText(profile))).toEqual({
            ...profile,
            phasesRad: profile.phasesRad.map((phaseRad) => phaseRad),
          })
        },
      ),
    )
  })

  test.each([
    '',
    '193.1\t0\t0',
    '193.1\t0\t0\t1\t5',
    '193.1\tx\t0\t1',
    '193.1\t0\t0\t1.5',
    '193.1\t0\t0\t256',
    '\n\n',
    '193.1 0 0 1',
  ])('is refused when it is %j', (text) => {
    expect(() => parseWspText(text)).toThrow(expect.objectContaining({ code: 'PROTOCOL_UNEXPECTED_REPLY' }) as Error)
  })
})
