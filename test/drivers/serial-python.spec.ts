import { describe, expect, test } from 'vitest'
import { SystemClock } from '../../core/clock.ts'
import { SimQontrol } from '../../sim/instruments/sim-qontrol.ts'
import { servePseudoTerminal } from '../../sim/ports/pseudo-terminal.ts'
import { pythonHas, runPython } from '../support/python.ts'
import { ResistiveHeaters } from '../support/resistive-heaters.ts'
import { whyNoSerialPorts } from '../support/serial-ports.ts'

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
})
