import { describe, expect, test } from 'vitest'
import { pythonHas, runPython } from '../support/python.ts'
import { DEFAULT_BENCH, scratchFolder, SMALL_BENCH, startFringe } from './fringe-process.ts'
import { servedBench } from './served-bench.ts'

const PATIENCE_MS = 120_000

const ASK_METER = `
import json, sys, pyvisa
meter = pyvisa.ResourceManager('@py').open_resource(sys.argv[1], read_termination='\\n', write_termination='\\n')
print(json.dumps({'identity': meter.query('*IDN?'), 'powerDbm': float(meter.query('READ1:POW?'))}))
`

const READ_MAINS = `
import json, struct, sys
from pymodbus.client import ModbusSerialClient
_, path, line, unit = sys.argv[1].split('::')
client = ModbusSerialClient(port=path, baudrate=int(line.split('-')[0]), bytesize=8, parity=line[-2], stopbits=1, timeout=3)
assert client.connect()
def number(address):
    reply = client.read_input_registers(address, 2, slave=int(unit))
    assert not reply.isError(), reply
    return struct.unpack('>f', struct.pack('>HH', *reply.registers))[0]
print(json.dumps({'voltageV': number(0x0000), 'powerW': number(0x000c)}))
`

const ASK_CHAIN = `
import json, serial, sys
port = serial.Serial(sys.argv[1][4:].split('::')[0], 115200, timeout=3)
def ask(command):
    port.write((command + '\\n').encode('ascii'))
    return port.readline().decode('latin1').strip()
def tell(command):
    port.write((command + '\\n').encode('ascii'))
    return port.read_until(b'\\n').decode('latin1')
print(json.dumps({'identity': ask('id?'), 'set': tell('v5=2.5'), 'volts': ask('v5?')}))
`

const [visa, modbus, serial] = [['pyvisa', 'pyvisa_py'], ['pymodbus.client', 'serial'], ['serial']] as const
for (const [peer, debian, modules] of [
  ['PyVISA', 'python3-pyvisa-py', visa],
  ['pymodbus', 'python3-pymodbus', modbus],
  ['pyserial', 'python3-serial', serial],
] as const) {
  if (!pythonHas(...modules)) console.info(`skipped: no Python here has ${peer} (Debian: ${debian})`)
}

describe('the simulated instruments of fringe sim', { timeout: PATIENCE_MS }, () => {
  test.skipIf(!pythonHas(...visa))('tell PyVISA who the meter is, and a power', async () => {
    const { resources, stop } = await servedBench(await scratchFolder(), DEFAULT_BENCH)
    const args = [resources.get('pm-0') ?? '']
    const seen = JSON.parse(await runPython(ASK_METER, { modules: visa, args })) as {
      identity: string
      powerDbm: number
    }
    expect(seen.identity).toMatch(/^Keysight Technologies,N7745C,/)
    // The lasers are off: no more than the noise of the port, in the unit of a meter that was just switched on.
    expect(seen.powerDbm).toBeLessThan(-40)
    expect(await stop()).toBe(0)
  })

  test.skipIf(!pythonHas(...modbus))('let pymodbus read the SDM120', async () => {
    const { resources, stop } = await servedBench(await scratchFolder(), DEFAULT_BENCH)
    const args = [resources.get('wall') ?? '']
    const seen = JSON.parse(await runPython(READ_MAINS, { modules: modbus, args })) as {
      voltageV: number
      powerW: number
    }
    expect(seen.voltageV).toBeGreaterThan(200)
    expect(seen.voltageV).toBeLessThan(260)
    expect(seen.powerW).toBeGreaterThan(0)
    expect(await stop()).toBe(0)
  })

  test.skipIf(!pythonHas(...serial))('let pyserial talk to the Qontrol chain', async () => {
    const { resources, stop } = await servedBench(await scratchFolder(), DEFAULT_BENCH)
    const args = [resources.get('shifters') ?? '']
    const seen = JSON.parse(await runPython(ASK_CHAIN, { modules: serial, args })) as Record<string, string>
    expect(seen['identity']).toMatch(/^Q8iv-[0-9A-F]{4}$/)
    expect(seen['set']).toContain('OK')
    expect(Number.parseFloat(seen['volts'] ?? '')).toBeCloseTo(2.5, 1)
    expect(await stop()).toBe(0)
  })

  test('are listed for people without --json, and gone after SIGTERM', async () => {
    const { child, ended, firstLine } = await startFringe(['sim', SMALL_BENCH])
    await firstLine
    child.kill('SIGTERM')
    const { code, stdout } = await ended
    expect(code).toBe(0)
    expect(stdout).toMatch(/^wall +eastron-sdm120 +MODBUS::\/dev\/pts\/\d+::9600-8N1::1$/m)
    expect(stdout).toContain('every port listens')
  })
})
