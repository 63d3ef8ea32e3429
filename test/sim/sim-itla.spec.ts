import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { SimItla, simItla } from '../../sim/instruments/sim-itla.ts'
import type { SimItlaOptions } from '../../sim/instruments/sim-itla.ts'
import { formatItlaReply, parseItlaRequest } from '../../sim/protocols/itla-frames.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('itla')

class Host {
  readonly clock = new VirtualClock()
  readonly light: { powerMw: number; frequencyThz: number }[] = []
  readonly replies: string[] = []
  readonly sim: SimItla
  readonly receive: (bytes: Uint8Array) => void

  constructor(options: Partial<SimItlaOptions> = {}, settings: Record<string, unknown> = {}, name = 'laser-1') {
    const context = { name, seed: 7, clock: this.clock, settings }
    this.sim = new SimItla({ setOutput: (output) => this.light.push({ ...output }) }, context, options)
    const connection = this.sim.attach((bytes) => this.replies.push(hex(bytes)))
    this.receive = (bytes) => connection.receive(bytes)
  }

  ask(request: string | Uint8Array): string | undefined {
    this.receive(typeof request === 'string' ? Buffer.from(request.replaceAll(' ', ''), 'hex') : request)
    return this.replies.pop()
  }

  read(register: number): number {
    const reply = Buffer.from(this.ask(request(0, register, 0)) ?? '', 'hex')
    expect(reply[0]! & 0x0b, `status of register 0x${register.toString(16)}`).toBe(0)
    return reply.readUInt16BE(2)
  }

  /** Status and CE of the reply. */
  write(register: number, data: number): number {
    return Buffer.from(this.ask(request(1, register, data)) ?? '', 'hex')[0]! & 0x0b
  }

  text(register: number): string {
    const announced = Buffer.from(this.ask(request(0, register, 0)) ?? '', 'hex')
    expect(announced[0]! & 0x03).toBe(2)
    const bytes: number[] = []
    while (bytes.length < announced.readUInt16BE(2)) {
      const word = this.read(0x0b)
      bytes.push(word >> 8, word & 0xff)
    }
    return Buffer.from(bytes.slice(0, announced.readUInt16BE(2))).toString('latin1')
  }

  wait(ms: number): void {
    this.clock.moveTo(this.clock.monotonicNs() + ms * 1e6)
  }

  get now(): { powerMw: number; frequencyThz: number } {
    return this.light.at(-1)!
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Written out by the rule that the nibbles of a frame cancel out. */
function request(control: number, register: number, data: number): Uint8Array {
  const frame = Uint8Array.of(control, register, (data >> 8) & 0xff, data & 0xff)
  let parity = control
  for (const byte of frame.subarray(1)) parity ^= (byte >> 4) ^ (byte & 0x0f)
  frame[0] = (parity << 4) | control
  return frame
}

const [OK, XE, CP] = [0, 1, 3]

/** The state in which a laser gives the reply of a vector. */
const BEFORE: Readonly<Record<string, () => Host>> = {
  'a laser that is ready has nothing pending': () => new Host(),
  'the device type is eight bytes long': () => new Host(),
  'the device type begins with CW': () => after(new Host(), '10 01 00 00'),
  'switching on takes its time': () => new Host(),
  'an operation is pending': () => after(new Host(), '81 32 00 08'),
  'switching on is done at once': () => new Host({ enableMs: 0 }),
  'switching off': () => after(new Host(), '81 32 00 08'),
  '13.00 dBm is more than the laser has': () => new Host({ powerRangeDbm: { min: 6, max: 12.5 } }),
  'the reason was a value out of range': () => after(new Host({ powerRangeDbm: { min: 6, max: 12.5 } }), '31 31 05 14'),
  '10.00 dBm': () => new Host(),
  'a grid of 50 GHz': () => new Host(),
  '193.414489 THz, the THz': () => new Host(),
  '193.414489 THz, the tenths of GHz': () => new Host(),
  '193.414489 THz, the MHz': () => new Host(),
  'channel 1 starts to tune': () => new Host(),
  'a laser of agreement 01.2 has no MHz register': () => new Host({ resolvesMhz: false }),
  'the reason was a register not implemented': () => after(new Host({ resolvesMhz: false }), '10 67 00 00'),
  'a lit laser takes no new frequency': () => after(new Host({ enableMs: 0 }), '81 32 00 08'),
  'the reason was the enabled output': () => after(new Host({ enableMs: 0 }), '81 32 00 08', '91 35 00 C2'),
  'the laser saw a damaged request': () => new Host(),
  'the laser is at 191 THz and something': () => new Host(),
  'and 500.0 GHz': () => new Host(),
  'the laser can do 13.50 dBm': () => new Host(),
}

function after(host: Host, ...requests: readonly string[]): Host {
  for (const one of requests) host.ask(one)
  return host
}

describe('a simulated ITLA laser', () => {
  test.each(vectors)('answers byte for byte: $meaning', ({ meaning, sent, reply }) => {
    expect(BEFORE[meaning]?.().ask(sent)).toBe(hex(reply))
  })

  test.each(vectors)('its codec agrees with: $meaning', ({ sent, reply }) => {
    const { intact, register } = parseItlaRequest(sent)
    expect(register).toBe(reply[1])
    const checksumError = (reply[0]! & 8) !== 0
    expect(intact).toBe(!checksumError)
    const data = (reply[2]! << 8) | reply[3]!
    expect(hex(formatItlaReply({ checksumError, status: reply[0]! & 3, register, data }))).toBe(hex(reply))
  })

  test('sees any single flipped bit of a request and does nothing', () => {
    const host = new Host({ enableMs: 0 })
    for (let bit = 0; bit < 32; bit++) {
      const damaged = request(1, 0x32, 8)
      damaged[bit >> 3] = damaged[bit >> 3]! ^ (1 << (bit & 7))
      expect(Buffer.from(host.ask(damaged) ?? '', 'hex')[0]! & 8, `bit ${bit}`).toBe(8)
    }
    expect(host.now.powerMw).toBe(0)
    expect(host.read(0x20) & 0x40).toBe(0x40)
  })

  test('takes its bytes in any pieces', () => {
    const host = new Host()
    for (const byte of request(0, 0x51, 0)) host.receive(Uint8Array.of(byte))
    expect(host.replies).toEqual(['74510546'])
  })

  test.each([1, 2, 3])('answers within three zero bytes when it holds %i bytes of a lost request', (held) => {
    const host = new Host()
    host.receive(request(1, 0x32, 8).subarray(0, held))
    for (let zeros = 1; zeros <= 4 - held; zeros++) {
      expect(host.replies).toEqual([])
      host.receive(Uint8Array.of(0))
    }
    expect(host.replies.splice(0)).toHaveLength(1)
    expect(host.read(0x51)).toBe(1350)
  })

  test('gives its last reply again without doing anything', () => {
    const host = new Host({ tuneMs: 0 })
    const first = host.ask(request(0, 0x51, 0))
    expect(host.ask(request(8, 0x00, 0))).toBe(first)
    expect(host.read(0x13)).toBe(1350)
  })

  test('says what it is in texts of even and odd length', () => {
    const host = new Host()
    expect(host.text(0x01)).toBe('CW ITLA\0')
    expect(host.text(0x02)).toBe('FRINGE\0')
    expect(host.text(0x06)).toBe('SIM:1.0\0')
  })

  test('ends a text with an error that says so', () => {
    const host = new Host()
    host.text(0x02)
    expect(Buffer.from(host.ask(request(0, 0x0b, 0)) ?? '', 'hex')[0]! & 3).toBe(XE)
    expect(host.read(0x00)).toBe(0x0016)
  })

  test('has the serial number of the bench file, or one of its own', () => {
    expect(new Host({}, { serial: 'CRTMB1234' }).text(0x04)).toBe('CRTMB1234\0')
    expect(new Host().text(0x04)).toBe(new Host().text(0x04))
    expect(new Host().text(0x04)).not.toBe(new Host({}, {}, 'laser-2').text(0x04))
  })

  test('reports currents and temperatures as lists of words', () => {
    const host = new Host()
    expect(host.text(0x58).length).toBe(4)
    expect(host.text(0x57).length).toBe(4)
  })

  test('lights up only when the time to do so has passed', () => {
    const host = new Host({ enableMs: 1500 })
    expect(host.write(0x32, 8)).toBe(CP)
    host.wait(1499)
    expect([host.read(0x00), host.now.powerMw, host.read(0x42)]).toEqual([0x0110, 0, 0xf060])
    host.wait(1)
    expect([host.read(0x00), host.read(0x32)]).toEqual([0x0010, 8])
    expect(host.now.powerMw).toBeGreaterThan(9)
  })

  test('emits what it measures, within 0.05 dB of what it was told', () => {
    const host = new Host({ enableMs: 0, trimMs: 0 })
    expect(host.write(0x31, 1300)).toBe(OK)
    host.write(0x32, 8)
    const measured = host.read(0x42)
    expect(Math.abs(measured - 1300)).toBeLessThanOrEqual(5)
    expect(10 * Math.log10(host.now.powerMw)).toBeCloseTo(measured / 100, 9)
  })

  test('changes its power while lit only after a while, and what it measures with it', () => {
    const host = new Host({ enableMs: 0, trimMs: 200 })
    host.write(0x32, 8)
    const before = host.read(0x42)
    expect(host.write(0x31, 700)).toBe(CP)
    expect(host.read(0x42)).toBe(before)
    host.wait(200)
    expect(Math.abs(host.read(0x42) - 700)).toBeLessThanOrEqual(5)
    expect(10 * Math.log10(host.now.powerMw)).toBeCloseTo(host.read(0x42) / 100, 9)
  })

  test('has nothing to do when it is switched on while lit', () => {
    const host = new Host()
    host.write(0x32, 8)
    host.wait(1500)
    expect([host.write(0x32, 8), host.read(0x00)]).toEqual([OK, 0x0010])
    expect(host.now.powerMw).toBeGreaterThan(9)
  })

  test('goes dark at once, even while it is still lighting up', () => {
    const host = new Host()
    host.write(0x32, 8)
    expect(host.write(0x32, 0)).toBe(OK)
    host.wait(60_000)
    expect([host.read(0x00), host.read(0x32), host.now.powerMw]).toEqual([0x0010, 0, 0])
  })

  test('tunes to first channel, channel, grid and fine tuning together', () => {
    const host = new Host({ tuneMs: 500 })
    host.write(0x35, 193)
    host.write(0x36, 1000)
    host.write(0x67, 25)
    host.write(0x34, 1000)
    expect(host.write(0x30, 3)).toBe(CP)
    host.wait(500)
    expect([host.read(0x40), host.read(0x41), host.read(0x68)]).toEqual([193, 3000, 25])
    expect(host.write(0x62, 0x10000 - 1025)).toBe(OK)
    expect(host.now.frequencyThz).toBe(193.299)
    expect([host.read(0x40), host.read(0x41), host.read(0x68)]).toEqual([193, 2990, 0])
  })

  test('stays at the edge of its range without a word when told to leave it', () => {
    const host = new Host({ tuneMs: 0 })
    expect(host.write(0x35, 200)).toBe(OK)
    host.write(0x30, 1)
    expect(host.now.frequencyThz).toBe(196.25)
  })

  test.each([
    ['a register that it does not have', 0x91, 0, 0x1],
    ['writing a measurement', 0x42, 0, 0x2],
    ['writing a capability', 0x51, 0, 0x2],
    ['channel 0', 0x30, 0, 0x3],
    ['a power below its least', 0x31, 599, 0x3],
    ['a negative power', 0x31, 0xff00, 0x3],
    ['fine tuning beyond its range', 0x62, 6001, 0x3],
  ])('refuses %s and says why, once', (_, register, data, reason) => {
    const host = new Host()
    expect(host.write(register, data)).toBe(XE)
    expect(host.read(0x00)).toBe(0x10 | reason)
    expect(host.read(0x00)).toBe(0x10)
    expect(host.read(0x20) & 0x80).toBe(0x80)
  })

  test.each([0x30, 0x34, 0x35, 0x36, 0x66, 0x67])('refuses a write to register %i while it is lit', (register) => {
    const host = new Host({ enableMs: 0 })
    host.write(0x32, 8)
    expect(host.write(register, 1)).toBe(XE)
    expect(host.read(0x00) & 0xf).toBe(9)
  })

  test('refuses commands while one is pending, but not to go dark', () => {
    const host = new Host()
    host.write(0x30, 1)
    expect(host.write(0x31, 1000)).toBe(XE)
    expect(host.read(0x00)).toBe(0x0114)
    expect(host.write(0x32, 8)).toBe(XE)
    expect(host.write(0x32, 0)).toBe(OK)
  })

  test('keeps its alarms until they are cleared by writing ones', () => {
    const host = new Host()
    expect(host.read(0x20) & 0x10ff).toBe(0x1030)
    host.write(0x20, 0x0010)
    expect(host.read(0x20) & 0x00ff).toBe(0x0020)
    expect(host.read(0x21) & 0x00ff).toBe(0x0030)
    host.write(0x21, 0x00ff)
    expect(host.read(0x21) & 0x00ff).toBe(0)
  })

  test('warns of its frequency while it tunes, unless told not to', () => {
    const host = new Host({ tuneMs: 500 })
    host.write(0x21, 0xff)
    host.write(0x30, 1)
    expect(host.read(0x21) & 0x0404).toBe(0x0404)
    host.wait(500)
    expect(host.read(0x21) & 0x0404).toBe(0x0004)
    host.write(0x21, 0xff)
    host.write(0x33, 0)
    host.write(0x30, 1)
    expect(host.read(0x21) & 0x0404).toBe(0)
  })

  test('raises fatal, alarm and service request by their masks', () => {
    const host = new Host({ tuneMs: 500 })
    host.write(0x20, 0xff)
    host.write(0x21, 0xff)
    expect(host.read(0x21) & 0xe000).toBe(0x8000)
    host.write(0x28, 0)
    expect(host.read(0x21) & 0xe000).toBe(0)
    host.write(0x2a, 0x0004)
    host.write(0x30, 1)
    expect(host.read(0x21) & 0xe000).toBe(0x4000)
    host.wait(500)
    host.write(0x29, 0x0080)
    host.write(0x91, 0)
    expect(host.read(0x20) & 0xe000).toBe(0x6000)
  })

  test('acknowledges a module reset, is deaf for a second, and wakes dark with its defaults', () => {
    const host = new Host({ enableMs: 0, resetMs: 1000 })
    host.write(0x31, 1300)
    host.write(0x20, 0xff)
    host.write(0x32, 8)
    expect(host.write(0x32, 1)).toBe(OK)
    expect(host.now.powerMw).toBe(0)
    expect(host.ask(request(0, 0x00, 0))).toBeUndefined()
    host.wait(1000)
    expect([host.read(0x32), host.read(0x31), host.read(0x20) & 0xff]).toEqual([0, 1000, 0x30])
  })

  test('keeps its settings and listens on through a soft reset', () => {
    const host = new Host({ enableMs: 0 })
    host.write(0x31, 1300)
    host.write(0x20, 0xff)
    host.write(0x32, 8)
    host.write(0x32, 2)
    expect([host.read(0x32), host.read(0x31), host.read(0x20) & 0xff]).toEqual([0, 1300, 0x10])
    expect(host.now.powerMw).toBe(0)
  })

  test('has no MHz registers when it follows agreement 01.2', () => {
    const host = new Host({ resolvesMhz: false })
    for (const register of [0x63, 0x64, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b]) {
      expect(Buffer.from(host.ask(request(0, register, 0)) ?? '', 'hex')[0]! & 3).toBe(XE)
    }
  })

  test('is dark in the world before anybody speaks to it', () => {
    expect(new Host().light).toEqual([{ powerMw: 0, frequencyThz: 191.5 }])
    let world = 0
    const clock = new VirtualClock()
    const port = { setOutput: () => world++ }
    simItla.create(port, { name: 'laser-1', seed: 1, clock, settings: {} })
    expect(world).toBe(1)
  })
})
