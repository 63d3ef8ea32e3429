import { execFile, spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { MessageInstrument } from '../../sim/ports/message-instrument.ts'
import { serveTcp } from '../../sim/ports/tcp-server.ts'
import { serveVxi11 } from '../../sim/ports/vxi11-server.ts'
import { pythonHas, runPython } from '../support/python.ts'
import { generator, powerMeter, sourceMeter } from './served.ts'

const modules = ['pyvisa', 'pyvisa_py']
const hasPyvisa = pythonHas(...modules)
if (!hasPyvisa) console.info('skipped: no Python here has PyVISA (Debian: python3-pyvisa-py)')
const hasLxi = spawnSync('lxi', ['--version']).status === 0
if (!hasLxi) console.info('skipped: no lxi here (Debian: lxi-tools)')

const POLL_MS = 100
const PATIENCE_POLLS = 200
const hasPortmapper = await canBind(111)
if (!hasPortmapper) console.info('skipped: port 111 cannot be had here, and these clients look nowhere else')

/**
 * Unchanged clients of VXI-11, which ask port 111 of a host. There is one, so all that need it are in this file; a
 * `fringe sim` of another may have it for a while.
 */
async function serve(...instruments: readonly MessageInstrument[]): ReturnType<typeof serveVxi11> {
  const devices = new Map(instruments.map((instrument, index) => [`inst${index}`, instrument]))
  for (;;) {
    const server = await serveVxi11(devices, { portmapper: 'if-possible', maxReceiveBytes: 1024 })
    if (server.portmapperPort !== undefined) return server
    await server[Symbol.asyncDispose]()
    await setTimeout(POLL_MS)
  }
}

/** What only message-based wires have, and messages longer than what is sent or taken at once. */
const TALK = `
import json, pyvisa
manager = pyvisa.ResourceManager('@py')
meter = manager.open_resource('TCPIP::127.0.0.1::inst0::INSTR', read_termination='\\n', write_termination='\\n')
seen = {}
meter.write('SENS1:POW:ATIM 20MS')
seen['set'] = meter.query('SENS1:POW:ATIM?')
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

/** Identity, a setting, a reading, a block and an error of each of three instruments. */
const DRIVE_THREE = `
import json, sys, pyvisa
manager = pyvisa.ResourceManager('@py')
def open(name): return manager.open_resource(name, read_termination='\\n', write_termination='\\n', timeout=10000)
meter, generator, source = [open(name) for name in sys.argv[1:]]

meter.write('SENS1:POW:ATIM 20MS;:SENS1:POW:UNIT 1')
seen = {'meter': {
    'identity': meter.query('*IDN?'),
    'set': float(meter.query('SENS1:POW:ATIM?')),
    'reading': float(meter.query('READ1:POW?')),
}}
meter.write('SENS1:FUNC:PAR:LOGG 1000,100US')
meter.write('INIT2:CONT 0;:SENS2:POW:ATIM 1S;:SENS1:FUNC:STAT LOGG,STAR')
meter.query('READ2:POW?')
seen['meter']['block'] = [round(1e3 * value, 2) for value in meter.query_binary_values('SENS1:FUNC:RES?', datatype='f', is_big_endian=False)]
meter.write('SENS1:POW:ATIM 1KM')
seen['meter']['error'] = [meter.query('SYST:ERR?') for _ in range(2)]

samples = [step % 256 - 128 for step in range(768)]
generator.write(':INST:DACM FOUR;:INST:MEM:EXT:RDIV DIV4' + ''.join(';:TRAC%d:MMOD EXT' % channel for channel in range(1, 5)))
generator.write(':VOLT1 0.25;:TRAC1:DEF 1,768,0')
generator.write_binary_values(':TRAC1:DATA 1,0,', samples, datatype='b')
block = generator.query_binary_values(':TRAC1:DATA:BLOC? 1,0,768', datatype='b')
seen['generator'] = {
    'identity': generator.query('*IDN?'),
    'set': float(generator.query(':VOLT1?')),
    'block': block == samples,
}
generator.write(':FUNC:MODE ARB;:TRAC1:SEL 1;:INIT:CONT 1;:INIT:IMM')
seen['generator']['reading'] = int(generator.query(':STAB:SEQ:STAT?')) >> 25
generator.write(':TRAC1:DEL 1')
seen['generator']['error'] = [generator.query(':SYST:ERR?') for _ in range(2)]

source.write(':SENS1:CURR:PROT 0.01;:SOUR1:VOLT 0.5;:FORM:ELEM:SENS VOLT,CURR')
seen['source'] = {
    'identity': source.query('*IDN?'),
    'set': float(source.query(':SOUR1:VOLT?')),
    'reading': source.query_ascii_values(':MEAS? (@1)'),
}
source.write(':FORM REAL,64')
seen['source']['block'] = source.query_binary_values(':MEAS? (@1)', datatype='d', is_big_endian=True)
source.write(':SOUR1:VOLT 211')
seen['source']['error'] = [source.query(':SYST:ERR?') for _ in range(2)]
print(json.dumps(seen))
`

/** As either wire shows them. The sequencer's state 2 is: it plays. */
const THREE = {
  meter: {
    identity: expect.stringMatching(/^Keysight Technologies,N7745C,MY59\d{6},V2\.022$/) as string,
    set: 0.02,
    reading: expect.closeTo(1e-3, 6) as number,
    block: new Array<number>(1000).fill(1),
    error: ['-131,"Invalid suffix"', '+0,"No error"'],
  },
  generator: {
    identity: expect.stringMatching(/^Keysight Technologies,M8195A,DE\d{8},3\.7\.0\.0$/) as string,
    set: 0.25,
    reading: 2,
    block: true,
    error: ['-221,"Settings conflict;stop first"', '0,"No error"'],
  },
  source: {
    identity: expect.stringMatching(/^Keysight Technologies,B2912A,MY51\d{6},3\.4\.2011\.5100$/) as string,
    set: 0.5,
    reading: [0.5, 5e-4],
    block: [0.5, 5e-4],
    error: ['-222,"Data out of range"', '+0,"No error"'],
  },
}

describe.skipIf(!hasPyvisa)('PyVISA', () => {
  test.skipIf(!hasPortmapper)(
    'talks to a simulated power meter over VXI-11, beyond questions and answers',
    async () => {
      await using _ = await serve(powerMeter())
      expect(JSON.parse(await runPython(TALK, { modules }))).toEqual({
        set: '+2.00000000E-002',
        block: new Array<number>(8).fill(1),
        log: 30_000,
        'long message': '+1',
        status: 0x44,
        'after clear': '1',
        unasked: 'VI_ERROR_TMO',
        after: ['-113,"Undefined header"', '-420,"Query UNTERMINATED"'],
        locked: 'VI_ERROR_IO',
      })
    },
  )

  test.skipIf(!hasPortmapper)('drives meter, generator and source meter behind one VXI-11 server', async () => {
    await using _ = await serve(powerMeter(), generator(), sourceMeter())
    const args = [0, 1, 2].map((index) => `TCPIP::127.0.0.1::inst${index}::INSTR`)
    expect(JSON.parse(await runPython(DRIVE_THREE, { modules, args }))).toEqual(THREE)
  })

  test('drives meter, generator and source meter over raw sockets', async () => {
    await using meter = await serveTcp(powerMeter())
    await using awg = await serveTcp(generator())
    await using smu = await serveTcp(sourceMeter())
    const args = [meter, awg, smu].map(({ port }) => `TCPIP::127.0.0.1::${port}::SOCKET`)
    expect(JSON.parse(await runPython(DRIVE_THREE, { modules, args }))).toEqual(THREE)
  })
})

/** Characters, because a command line holds no other bytes. */
const SAMPLES = 'Zq~'.repeat(128)

describe.skipIf(!hasLxi)('lxi', () => {
  const subjects = [
    {
      what: 'power meter',
      create: powerMeter,
      identity: /^Keysight Technologies,N7745C,/,
      set: ['SENS1:POW:ATIM 20MS', 'SENS1:POW:ATIM?', '+2.00000000E-002\n'],
      reading: ['SENS1:POW:UNIT 1;:READ1:POW?', /^\+(1\.0|9\.99)\d+E-00[34]\n$/],
      error: ['NONSENSE', 'SYST:ERR?', '-113,"Undefined header"\n'],
      block: ['READ:POW:ALL?', /^#232(.{3}:){8}\n$/s],
    },
    {
      what: 'generator',
      create: generator,
      identity: /^Keysight Technologies,M8195A,/,
      set: [':INST:DACM FOUR;:TRAC1:MMOD EXT;:TRAC1:DEF 1,384,0;:VOLT1 0.25', ':VOLT1?', '2.500000000000E-1\n'],
      reading: [':TRAC1:CAT?', /^1,384\n$/],
      error: [':VOLT1 7', ':SYST:ERR?', '-222,"Data out of range"\n'],
      block: [`:TRAC1:DATA 1,0,#3384${SAMPLES};:TRAC1:DATA:BLOC? 1,0,384`, new RegExp(`^#3384${SAMPLES}\n$`)],
    },
    {
      what: 'source meter',
      create: sourceMeter,
      identity: /^Keysight Technologies,B2912A,/,
      set: [':SENS1:CURR:PROT 0.01;:SOUR1:VOLT 0.5', ':SOUR1:VOLT?', '+5.000000E-01\n'],
      reading: [':FORM:ELEM:SENS VOLT,CURR;:MEAS? (@1)', /^\+5\.000000E-01,\+5\.000000E-04\n$/],
      error: [':SOUR1:VOLT 211', ':SYST:ERR?', '-222,"Data out of range"\n'],
      // 0.5 V and 0.5 mA as IEEE-754 double precision, big end first.
      block: [':FORM REAL,64;:MEAS? (@1)', /^#216\x3f\xe0\0{6}\x3f\x40\x62\x4d\xd2\xf1\xa9\xfc\n$/],
    },
  ] as const
  type Subject = (typeof subjects)[number]

  /** Every call is a connection of its own. */
  async function drive({ identity, set, reading, error, block }: Subject, wire: readonly string[]): Promise<void> {
    const args = ['scpi', '--address', '127.0.0.1', '--timeout', '10', ...wire]
    const lxi = async (message: string): Promise<string> =>
      (await promisify(execFile)('lxi', [...args, message], { encoding: 'latin1' })).stdout
    expect(await lxi('*IDN?')).toMatch(identity)
    for (const [command, question, answer] of [set, error]) {
      expect(await lxi(command)).toBe('')
      expect(await lxi(question)).toBe(answer)
    }
    for (const [question, answer] of [reading, block]) expect(await lxi(question)).toMatch(answer)
  }

  // It asks for inst0 and no other: one after the other behind the portmapper.
  test.skipIf(!hasPortmapper).each(subjects)('drives a simulated $what over VXI-11', async (subject) => {
    await using _ = await serve(subject.create())
    await drive(subject, [])
  })

  test.each(subjects)('drives a simulated $what over a raw socket', async (subject) => {
    await using server = await serveTcp(subject.create())
    await drive(subject, ['--raw', '--port', String(server.port)])
  })
})

/** A port that is taken may be given back, one for the privileged not. */
async function canBind(port: number): Promise<boolean> {
  for (let poll = 0; poll < PATIENCE_POLLS; poll++) {
    const server = createServer()
    const failure = await new Promise<string | undefined>((resolve) => {
      server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)))
    })
    if (failure === undefined) return true
    if (failure !== 'EADDRINUSE') return false
    await setTimeout(POLL_MS)
  }
  return false
}
