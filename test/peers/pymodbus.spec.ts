import { describe, expect, test } from 'vitest'
import { SystemClock } from '../../core/clock.ts'
import { EastronSdm120, eastronSdm120 } from '../../drivers/power/eastron-sdm120.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'
import { MbapInstrument, RtuInstrument } from '../../sim/instruments/modbus-instrument.ts'
import { SimSdm120 } from '../../sim/instruments/sim-sdm120.ts'
import { SimT7 } from '../../sim/instruments/sim-t7.ts'
import { servePseudoTerminal } from '../../sim/ports/pseudo-terminal.ts'
import { serveTcp } from '../../sim/ports/tcp-server.ts'
import { farEnd, forever } from '../support/modbus-lines.ts'
import { pythonHas, runPython } from '../support/python.ts'
import { oven } from './served.ts'

const modules = ['pymodbus.client', 'serial']
const hasPymodbus = pythonHas(...modules)
if (!hasPymodbus) console.info('skipped: no Python here has pymodbus and pyserial (Debian: python3-pymodbus)')

/** Values as pymodbus 3.0 reads them, by its own framing, check sums and exceptions. */
const READ_METER = `
import json, struct, sys
from pymodbus.client import ModbusSerialClient
client = ModbusSerialClient(port=sys.argv[1], baudrate=9600, bytesize=8, parity='N', stopbits=1, timeout=3)
assert client.connect()
def words(reply):
    assert not reply.isError(), reply
    return reply.registers
def number(address):
    return struct.unpack('>f', struct.pack('>HH', *words(client.read_input_registers(address, 2, slave=1))))[0]
seen = {
    'voltageV': number(0x0000),
    'powerW': number(0x000c),
    'energyKwh': number(0x0156),
    'serial': struct.unpack('>I', struct.pack('>HH', *words(client.read_holding_registers(0xfc00, 2, slave=1))))[0],
    'meterCode': words(client.read_holding_registers(0xfc02, 2, slave=1))[0],
    'oddAddress': client.read_input_registers(1, 2, slave=1).exception_code,
    'written': not client.write_registers(2, [0x41f0, 0], slave=1).isError(),
    'readBack': words(client.read_holding_registers(2, 2, slave=1)),
}
client.close()
print(json.dumps(seen))
`

const DRIVE_OVEN = `
import json, sys
from pymodbus.client import ModbusSerialClient
client = ModbusSerialClient(port=sys.argv[1], baudrate=9600, bytesize=8, parity='N', stopbits=1, timeout=3)
assert client.connect()
def words(reply):
    assert not reply.isError(), reply
    return reply.registers
locked = client.write_register(0x2103, 314, slave=1).exception_code
for value in (0x0001, 0x0100): client.write_register(0x0000, value, slave=1)
seen = {
    'locked': locked,
    'written': not client.write_register(0x2103, 314, slave=1).isError(),
    'setPoint': words(client.read_holding_registers(0x2103, 1, slave=1)),
    'temperature': words(client.read_holding_registers(0x2000, 1, slave=1)),
    'block': words(client.read_holding_registers(0x2103, 4, slave=1)),
    'unknown': client.read_holding_registers(0x2700, 1, slave=1).exception_code,
}
client.close()
print(json.dumps(seen))
`

const READ_T7 = `
import json, struct, sys
from pymodbus.client import ModbusTcpClient
client = ModbusTcpClient('127.0.0.1', port=int(sys.argv[1]), timeout=3)
assert client.connect()
def words(reply):
    assert not reply.isError(), reply
    return reply.registers
def numbers(address, count):
    data = words(client.read_holding_registers(address, 2 * count, slave=1))
    return list(struct.unpack('>%df' % count, struct.pack('>%dH' % len(data), *data)))
seen = {
    'test': words(client.read_holding_registers(55100, 2, slave=1)),
    'product': numbers(60000, 1)[0],
    'written': not client.write_registers(40000, list(struct.unpack('>2H', struct.pack('>f', 1.0))) * 14, slave=1).isError(),
    'ranges': numbers(40000, 14),
    'voltagesV': numbers(0, 14),
    'halfAValue': client.read_holding_registers(0, 1, slave=1).exception_code,
    'detail': words(client.read_holding_registers(55000, 1, slave=1))[0],
    'readOnly': client.write_registers(60000, [0, 0], slave=1).exception_code,
}
client.close()
print(json.dumps(seen))
`

describe.skipIf(!hasPymodbus)('pymodbus', () => {
  test('reads the simulated energy meter over a serial port, and sees what our driver sees', async () => {
    const clock = new SystemClock()
    const mains = { powerW: () => 984.5, energyKwh: () => 12.345 }
    const meter = new RtuInstrument(new SimSdm120(mains, { unit: 1, serial: 19_092_345 }), { unit: 1, clock })
    await using port = await servePseudoTerminal(meter)
    const seen = JSON.parse(await runPython(READ_METER, { modules, args: [port.path] })) as Record<string, unknown>

    const transport = new BytePipe('MODBUS::test', farEnd(meter))
    await using ours = await EastronSdm120.open(
      { name: 'mains', transport },
      eastronSdm120.settings.parse({}),
      clock,
      forever(),
    )
    expect(seen).toEqual({
      voltageV: 230,
      powerW: await ours.readPowerW(forever()),
      energyKwh: await ours.readEnergyKwh(forever()),
      serial: Number(ours.identity.serial),
      meterCode: 0x0020,
      oddAddress: 2,
      written: true,
      readBack: [0x41f0, 0],
    })
  })

  test('reads and sets the simulated voltage monitor over a socket', async () => {
    const inputsV = Array.from({ length: 14 }, (_, channel) => 0.06 * (channel - 7))
    const options = { clock: new SystemClock(), name: 'taps', seed: 1, serial: 470_012_345 }
    const sim = new SimT7({ voltageV: (channel) => inputsV[channel] ?? 0 }, options)
    await using server = await serveTcp(new MbapInstrument(sim))
    const seen = JSON.parse(await runPython(READ_T7, { modules, args: [String(server.port)] })) as {
      readonly voltagesV: readonly number[]
    }
    expect(seen).toMatchObject({
      test: [0x0011, 0x2233],
      product: 7,
      written: true,
      ranges: new Array<number>(14).fill(1),
      halfAValue: 4,
      detail: 2315,
      readOnly: 2,
    })
    seen.voltagesV.forEach((voltageV, channel) => expect(voltageV).toBeCloseTo(inputsV[channel]!, 4))
  })

  test('unlocks, sets and reads a temperature controller', async () => {
    await using port = await servePseudoTerminal(oven())
    const seen = JSON.parse(await runPython(DRIVE_OVEN, { modules, args: [port.path] })) as Record<string, unknown>
    expect(seen).toMatchObject({ locked: 4, written: true, setPoint: [314], temperature: [314], unknown: 2 })
    expect(seen['block']).toHaveLength(4)
  })
})
