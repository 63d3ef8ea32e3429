import { describe, expect, test } from 'vitest'
import { SystemClock, VirtualClock } from '../../core/clock.ts'
import { simWaveshaper } from '../../sim/instruments/sim-waveshaper.ts'
import { WavelengthFilter } from '../../sim/optics/wavelength-filter.ts'
import { serveTcp } from '../../sim/ports/tcp-server.ts'
import { HttpCallReader } from '../../sim/protocols/http.ts'
import { pythonHas, runPython } from '../support/python.ts'
import { RawClient, settled, vector } from '../support/scpi-wires.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('waveshaper')

function plugged() {
  const clock = new VirtualClock()
  const optics = new WavelengthFilter()
  const instrument = simWaveshaper.create(optics, { name: 'filter', seed: 4, clock, settings: {} })
  return { client: new RawClient(instrument), instrument, optics, clock }
}

/** Status and body of the one answer. */
async function exchange(client: RawClient, request: Uint8Array | string): Promise<readonly [number, string]> {
  client.send(request)
  for (let turn = 0; turn < 5; turn++) await settled()
  const [head = '', body = ''] = client.take().toString().split('\r\n\r\n')
  return [Number(head.split(' ')[1]), body]
}

const post = (body: unknown): string => {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return `POST /waveshaper/loadprofile HTTP/1.1\r\nContent-Length: ${text.length}\r\n\r\n${text}`
}
const load = async (client: RawClient, body: unknown): Promise<number> => {
  const [status, reply] = await exchange(client, post(body))
  expect(status).toBe(200)
  return (JSON.parse(reply) as { rc: number }).rc
}

describe('the simulated WaveShaper', () => {
  test('understands the requests of the vectors, and answers in their form', async () => {
    const { client, optics } = plugged()
    const info = await exchange(client, vector(vectors, 'what it is').sent)
    const written = (meaning: string): object =>
      JSON.parse(Buffer.from(vector(vectors, meaning).reply).toString().split('\r\n\r\n')[1]!) as object
    expect(Object.keys(JSON.parse(info[1]) as object)).toEqual(Object.keys(written('what it is')))
    const loaded = await exchange(client, vector(vectors, 'a band-pass of 100 GHz to port 2').sent)
    expect(JSON.parse(loaded[1])).toMatchObject({ rc: 0, sno: expect.stringMatching(/^SN\d{6}$/) as string })
    expect(optics.powerRatio(2, 193.1)).toBeCloseTo(10 ** -0.85, 6)
    await exchange(client, vector(vectors, 'a profile of two slices').sent)
    expect([optics.powerRatio(1, 193.1) > 0, optics.powerRatio(1, 193.101), optics.powerRatio(2, 193.1)]).toEqual([
      true,
      0,
      0,
    ])
    await exchange(client, vector(vectors, 'all light is blocked').sent)
    const [, profile] = await exchange(client, vector(vectors, 'the active profile, all blocked').sent)
    expect(profile.split('\n')).toHaveLength(5027)
    expect(
      profile
        .split('\n')
        .slice(0, -1)
        .every((line) => line.endsWith('\t60.0000\t0.0000\t0')),
    ).toBe(true)
  })

  test('takes half a second to load a profile', async () => {
    const { client, clock } = plugged()
    expect(await load(client, { type: 'transmit', port: 1, attn: 0 })).toBe(0)
    expect(clock.monotonicNs()).toBe(5e8)
  })

  const band = { type: 'bandpass', port: 1, center: 193.1, bandwidth: 0.1, attn: 0 }
  test.each([
    ['garbage', '{'],
    ['no object', 'null'],
    ['an unknown type', { type: 'wobble' }],
    ['a profile without text', { type: 'wsp' }],
    ['an empty profile', { type: 'wsp', wsp: '' }],
    ['a port that it does not have', { ...band, port: 5 }],
    ['half a port', { ...band, port: 1.5 }],
    ['a band beyond its range', { ...band, center: 191.25 }],
    ['a band that is too narrow', { ...band, bandwidth: 0.009 }],
    ['a gain', { ...band, attn: -1 }],
    ['a frequency outside', { type: 'wsp', wsp: '190.0000\t0\t0\t1\n' }],
    ['a gap in the slices', { type: 'wsp', wsp: '193.1000\t0\t0\t1\n193.1020\t0\t0\t1\n' }],
    ['a slice off the grid', { type: 'wsp', wsp: '193.1005\t0\t0\t1\n' }],
    ['a line of three fields', { type: 'wsp', wsp: '193.1000\t0\t0\n' }],
  ])('refuses %s, and changes nothing', async (_, body) => {
    const { client, optics } = plugged()
    expect(await load(client, band)).toBe(0)
    expect(await load(client, body)).toBeLessThan(0)
    expect(optics.powerRatio(1, 193.1)).toBeGreaterThan(0)
  })

  test('passes all but a band, and takes NaN for blocked', async () => {
    const { client, optics } = plugged()
    expect(await load(client, { ...band, type: 'bandstop' })).toBe(0)
    expect([optics.powerRatio(1, 193.1), optics.powerRatio(1, 194) > 0]).toEqual([0, true])
    expect(await load(client, { type: 'wsp', wsp: '193.1000\tNaN\t0\t1\n' })).toBe(0)
    expect(optics.powerRatio(1, 193.1)).toBe(0)
  })

  test.each([
    ['a path that it does not have', 'GET /index.html HTTP/1.1\r\n\r\n', 404],
    ['a method that it does not take', 'DELETE /waveshaper/devinfo HTTP/1.1\r\n\r\n', 405],
    ['no request', 'hello\r\n\r\n', 400],
    ['two lengths', 'GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    ['a body in chunks', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n', 411],
    ['a huge body', 'POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n', 413],
    ['a huge head', `GET / HTTP/1.1\r\nA: ${'x'.repeat(9000)}`, 413],
  ])('answers %s with a status', async (_, request, status) => {
    expect((await exchange(plugged().client, request))[0]).toBe(status)
  })

  test('answers nobody who has left', async () => {
    const { client, optics } = plugged()
    client.send(post({ type: 'transmit', port: 1, attn: 0 }))
    client.detach()
    for (let turn = 0; turn < 5; turn++) await settled()
    expect(client.take()).toHaveLength(0)
    expect(optics.powerRatio(1, 193.1)).toBe(0)
  })

  test('reads nothing more after a request that it could not read', () => {
    const reader = new HttpCallReader()
    reader.push(Buffer.from('hello\r\n\r\nGET / HTTP/1.1\r\n\r\n'))
    expect(reader.next()).toBe(400)
    expect(reader.next()).toBeUndefined()
  })
})

const CLIENT = `
import json, sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

base = 'http://127.0.0.1:%s/waveshaper/' % sys.argv[1]
get = lambda path: urlopen(base + path, timeout=30).read().decode()

def load(**profile):
    request = Request(base + 'loadprofile', json.dumps(profile).encode(), {'Content-Type': 'application/json'})
    return json.loads(urlopen(request, timeout=30).read())['rc']

info = json.loads(get('devinfo'))
band = load(type='bandpass', port=2, center=193.1, bandwidth=0.02, attn=1)
open_slices = [line for line in get('getprofile').splitlines() if float(line.split('\\t')[1]) < 60]
bad = load(type='bandpass', port=9, center=193.1, bandwidth=0.02, attn=1)
wsp = load(type='wsp', wsp='193.1000\\t2.0000\\t0.5000\\t3\\n')
try:
    urlopen(base + 'nothing', timeout=30)
except HTTPError as error:
    missing = error.code
print(json.dumps([info['portcount'], band, len(open_slices), open_slices[0], bad < 0, wsp, missing]))
`

if (!pythonHas('urllib.request')) console.info('Python is not installed: no foreign client drives the WaveShaper')

describe.skipIf(!pythonHas('urllib.request'))("Python's urllib", () => {
  test('drives the simulated WaveShaper over a socket', async () => {
    const optics = new WavelengthFilter()
    const context = { name: 'filter', seed: 4, clock: new SystemClock(), settings: {} }
    await using server = await serveTcp(simWaveshaper.create(optics, context))
    const printed = await runPython(CLIENT, { modules: ['urllib.request'], args: [String(server.port)] })
    expect(JSON.parse(printed)).toEqual([4, 0, 21, '193.0900\t1.0000\t0.0000\t2', true, 0, 404])
    expect(optics.powerRatio(3, 193.1)).toBeCloseTo(10 ** -0.7, 6)
  })
})
