import { describe, expect, test } from 'vitest'
import { SystemClock } from '../../core/clock.ts'
import { SimQontrol } from '../../sim/instruments/sim-qontrol.ts'
import { servePseudoTerminal } from '../../sim/ports/pseudo-terminal.ts'
import { pythonHas, runPython } from '../support/python.ts'
import { ResistiveHeaters } from '../support/resistive-heaters.ts'
import { whyNoSerialPorts } from '../support/serial-ports.ts'
import { bias, laser } from './served.ts'

const modules = ['serial'] as const
const noPorts = await whyNoSerialPorts()
const noPython = pythonHas(...modules) ? undefined : 'no Python here has pyserial (Debian: python3-serial)'
if (noPython !== undefined) console.warn(`skipped: ${noPython}`)

/** Other people's program, with the settings of the maker's own driver: it knows nothing of us. */
const TALK = `
import json, serial, sys
port = serial.Serial(sys.argv[1], 115200, timeout=5)
def ask(command, lines=1):
    port.write((command + '\\n').encode('ascii'))
    return [port.readline().decode('ascii') for _ in range(lines)]
def ask_binary(frame):
    port.write(bytes.fromhex(frame))
    return [port.readline().decode('ascii')]
print(json.dumps({
    'id': ask('id?'),
    'chain': ask('nupall?', 2),
    'set': ask('v3=4.5'),
    'read': ask('v3?'),
    'vector': ask('VVEC8=0.5,1.0,1.5,2.0,2.5,3.0,3.5,4.0'),
    'all': ask('VALL?', 16),
    'binary': ask_binary('81000000035fff'),
    'error': ask('v99=1'),
    'unknown': ask('val?'),
    'trip': ask('imax1=1') + ask('v1=6', 2),
}))
`

const TALK_TO_BIAS = `
import json, serial, sys
port = serial.Serial(sys.argv[1], 115200, timeout=5)
def tell(command): port.write((command + '\\r').encode('ascii'))
def ask(command):
    tell(command)
    return port.read_until(b'\\r').decode('ascii').strip()
identity = ask('*IDN?')
tell('MZM:HOLD:VOLTAGE: 2500')
print(json.dumps({
    'identity': identity,
    'held': ask('MZM:HOLD:VOLTAGE?'),
    'tap': ask('MZM:TAP:MW?'),
    'unknown': ask('MZM:NONSENSE?'),
    'range': ask('MZM:MODE: 10'),
}))
`

/** Frames of four bytes with their own parity, as the maker describes them. */
const TALK_TO_LASER = `
import json, serial, sys
port = serial.Serial(sys.argv[1], 9600, timeout=5)
def frame(write, register, data):
    body = bytes([write, register, data >> 8, data & 255])
    x = body[0] ^ body[1] ^ body[2] ^ body[3]
    return bytes([((x >> 4) ^ (x & 15)) << 4 | body[0]]) + body[1:]
def ask(register, data=0, write=0):
    port.write(frame(write, register, data))
    reply = port.read(4)
    x = (reply[0] & 15) ^ reply[1] ^ reply[2] ^ reply[3]
    assert reply[0] >> 4 == ((x >> 4) ^ (x & 15)) and reply[1] == register, reply.hex()
    return reply[0] & 3, reply[2] << 8 | reply[3]
def text(register):
    status, count = ask(register)
    assert status == 2
    return b''.join(ask(0x0b)[1].to_bytes(2, 'big') for _ in range((count + 1) // 2))[:count].rstrip(b'\\0').decode()
print(json.dumps({
    'serial': text(0x04),
    'set': ask(0x31, 1000, 1),
    'power': ask(0x31),
    'refused': ask(0x31, 0x7fff, 1),
    'why': ask(0x00)[1] & 15,
}))
`

const volts = (line: string | undefined): number => {
  expect(line).toMatch(/^[+-]\d+\.\d{4} V\n$/)
  return Number(line?.replace(' V\n', ''))
}

describe.skipIf(noPorts !== undefined || noPython !== undefined)('pyserial on a simulated serial port', () => {
  test('talks to a chain of Qontrol modules: identities, voltages, vectors, frames and error lines', async () => {
    const heaters = new ResistiveHeaters(16)
    const context = { name: 'heaters', seed: 8, clock: new SystemClock(), settings: { modules: 2 } }
    await using port = await servePseudoTerminal(new SimQontrol(heaters, context))
    const said = JSON.parse(await runPython(TALK, { modules, args: [port.path] })) as Record<string, string[]>
    expect(said['id']?.[0]).toMatch(/^Q8iv-[0-9A-F]{4}\n$/)
    expect(said['chain']?.map((line) => line.slice(-4))).toEqual([': 0\n', ': 1\n'])
    expect(said['set']).toEqual(['OK\n'])
    expect(Math.abs(volts(said['read']?.[0]) - 4.5)).toBeLessThan(0.03)
    expect(said['vector']).toEqual(['OK\n'])
    expect(said['all']?.map((line) => Math.round(volts(line) * 2) / 2).slice(8)).toEqual([
      0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4,
    ])
    expect(said['binary']).toEqual(['OK\n'])
    expect(said['error']).toEqual(['E12:99\n'])
    expect(said['unknown']).toEqual(['E10:02\n'])
    expect(said['trip']).toEqual(['OK\n', 'OK\n', 'E02:01\n'])
    expect(heaters.voltagesV[3]).toBeCloseTo((0x5fff / 0xffff) * 12, 9)
    expect(heaters.voltagesV[1]).toBe(0)
  })

  test('talks to a bias controller: identity, a setting, a reading, two errors', async () => {
    await using port = await servePseudoTerminal(bias())
    const said = JSON.parse(await runPython(TALK_TO_BIAS, { modules, args: [port.path] })) as Record<string, string>
    expect(said).toMatchObject({ held: '2500', unknown: 'Err: Undefined header', range: 'Err: Data out of range' })
    expect(said['identity']).toMatch(/MBX/)
    expect(Number(said['tap'])).toBeCloseTo(0.2, 1)
  })

  test('talks to a laser in frames with parity: a text, a setting, a refusal and its reason', async () => {
    await using port = await servePseudoTerminal(laser())
    const said = JSON.parse(await runPython(TALK_TO_LASER, { modules, args: [port.path] })) as Record<string, unknown>
    const [executionError, outOfRange] = [1, 3]
    expect(said).toMatchObject({ serial: 'FR1234', set: [0, 1000], power: [0, 1000], why: outOfRange })
    expect((said['refused'] as number[])[0]).toBe(executionError)
  })
})
