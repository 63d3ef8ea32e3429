import { execFile, spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { serveTcp } from '../../sim/ports/tcp-server.ts'
import { serveVxi11 } from '../../sim/ports/vxi11-server.ts'
import { simulatedMeter } from '../support/message-instruments.ts'
import { pythonHas, runPython } from '../support/python.ts'

const modules = ['pyvisa', 'pyvisa_py']
const hasPyvisa = pythonHas(...modules)
if (!hasPyvisa) console.info('skipped: no Python here has PyVISA (Debian: python3-pyvisa-py)')
const hasLxi = spawnSync('lxi', ['--version']).status === 0
if (!hasLxi) console.info('skipped: no lxi here (Debian: lxi-tools)')
const hasPortmapper = await canBind(111)
if (!hasPortmapper) console.info('skipped: port 111 cannot be had here, and these clients look nowhere else')

/** Unchanged clients of VXI-11. All that need port 111 are in this file, because there is one. */
const serve = (): ReturnType<typeof serveVxi11> =>
  serveVxi11(new Map([['inst0', simulatedMeter()]]), { portmapper: 'if-possible', maxReceiveBytes: 1024 })

const TALK = `
import json, time, pyvisa
manager = pyvisa.ResourceManager('@py')
meter = manager.open_resource('TCPIP::127.0.0.1::inst0::INSTR', read_termination='\\n', write_termination='\\n')
seen = {'identity': meter.query('*IDN?')}
meter.write('SENS1:POW:ATIM 20MS')
seen['set'] = meter.query('SENS1:POW:ATIM?')
meter.write('SENS1:POW:UNIT 1')
seen['reading'] = float(meter.query('READ1:POW?'))
meter.write('NONSENSE')
seen['error'] = meter.query('SYST:ERR?')
seen['block'] = [round(1e3 * value, 3) for value in meter.query_binary_values('READ:POW:ALL?', datatype='f', is_big_endian=False)]
meter.write('SENS1:FUNC:PAR:LOGG 30000,1US')
meter.write('INIT2:CONT 0;:SENS2:POW:ATIM 1S;:SENS1:FUNC:STAT LOGG,STAR')
meter.query('READ2:POW?')
seen['log'] = len(meter.query_binary_values('SENS1:FUNC:RES?', datatype='f', is_big_endian=False))
meter.write(':SENS1:POW:UNIT 1;' * 150 + ':SENS1:POW:UNIT?')
seen['long message'] = meter.read()
meter.write('*CLS;*SRE 4')
meter.write('NONSENSE')
seen['status'] = meter.read_stb()
meter.write('*IDN?')
meter.clear()
seen['after clear'] = meter.query('*OPC?')
meter.timeout = 100
try:
    meter.read()
    seen['unasked'] = 'read'
except pyvisa.errors.VisaIOError as error:
    seen['unasked'] = error.abbreviation
seen['after'] = [meter.query('SYST:ERR?') for _ in range(2)]
meter.lock_excl()
rival = manager.open_resource('TCPIP::127.0.0.1::inst0::INSTR')
try:
    rival.write('*CLS')
    seen['locked'] = 'written'
except pyvisa.errors.VisaIOError as error:
    seen['locked'] = error.abbreviation
meter.unlock()
rival.write('*CLS')
rival.close()
meter.close()
print(json.dumps(seen))
`

describe.skipIf(!hasPyvisa || !hasPortmapper)('PyVISA', () => {
  test('talks to a simulated power meter over VXI-11', async () => {
    await using _ = await serve()
    expect(JSON.parse(await runPython(TALK, { modules }))).toEqual({
      identity: expect.stringMatching(/^Keysight Technologies,N7745C,MY59\d{6},V2\.022$/) as string,
      set: '+2.00000000E-002',
      reading: expect.closeTo(1e-3, 6) as number,
      error: '-113,"Undefined header"',
      block: new Array<number>(8).fill(1),
      log: 30_000,
      'long message': '+1',
      status: 0x44,
      'after clear': '1',
      unasked: 'VI_ERROR_TMO',
      after: ['-113,"Undefined header"', '-420,"Query UNTERMINATED"'],
      locked: 'VI_ERROR_IO',
    })
  })
})

describe.skipIf(!hasLxi)('lxi', () => {
  const lxi = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)('lxi', ['scpi', '--address', '127.0.0.1', '--timeout', '10', ...args])).stdout

  test.skipIf(!hasPortmapper)('talks to a simulated power meter over VXI-11', async () => {
    await using _ = await serve()
    expect(await lxi('*IDN?')).toMatch(/^Keysight Technologies,N7745C,/)
    expect(await lxi('SENS1:POW:ATIM 20MS')).toBe('')
    expect(await lxi('SENS1:POW:ATIM?')).toBe('+2.00000000E-002\n')
    expect(await lxi('SENS1:POW:UNIT 1;:READ1:POW?')).toMatch(/^\+(1\.0|9\.99)/)
    await lxi('NONSENSE')
    expect(await lxi('SYST:ERR?')).toBe('-113,"Undefined header"\n')
    const block = (await lxi('--hex', 'READ:POW:ALL?')).trim().split(/\s+/)
    expect(block).toHaveLength('#232'.length + 8 * 4 + 1)
    expect(block.slice(0, 4)).toEqual(['0x23', '0x32', '0x33', '0x32'])
  })

  test('talks to a simulated power meter over a raw socket', async () => {
    await using server = await serveTcp(simulatedMeter())
    const raw = ['--raw', '--port', String(server.port)]
    expect(await lxi(...raw, '*IDN?')).toMatch(/^Keysight Technologies,N7745C,/)
    await lxi(...raw, 'NONSENSE')
    expect(await lxi(...raw, 'SYST:ERR?')).toBe('-113,"Undefined header"\n')
  })
})

function canBind(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
