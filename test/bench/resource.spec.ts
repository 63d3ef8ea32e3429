import { describe, expect, test } from 'vitest'
import { closestName, didYouMean } from '../../bench/closest-name.ts'
import { RESOURCE_EXAMPLES, parseResource, serialLineText } from '../../bench/resource.ts'

const eightE1 = { baudRate: 9600, dataBits: 8, parity: 'even', stopBits: 1 } as const

describe('a resource name', () => {
  test.each([
    ['TCPIP::10.0.0.5::5025::SOCKET', { wire: 'socket', host: '10.0.0.5', port: 5025 }],
    ['tcpip0::awg.lab.example::5025::socket', { wire: 'socket', host: 'awg.lab.example', port: 5025 }],
    ['TCPIP::[fe80::1]::5025::SOCKET', { wire: 'socket', host: 'fe80::1', port: 5025 }],
    ['ASRL/dev/ttyUSB0::INSTR', { wire: 'serial', path: '/dev/ttyUSB0' }],
    ['ASRL3::INSTR', { wire: 'serial', path: 'COM3' }],
    ['ASRLCOM7::INSTR', { wire: 'serial', path: 'COM7' }],
    ['MODBUS::/dev/ttyUSB1::9600-8E1::1', { wire: 'modbus-serial', path: '/dev/ttyUSB1', line: eightE1, unit: 1 }],
    [
      'MODBUS::COM4::19200-8n2::247',
      {
        wire: 'modbus-serial',
        path: 'COM4',
        line: { baudRate: 19200, dataBits: 8, parity: 'none', stopBits: 2 },
        unit: 247,
      },
    ],
    ['MODBUS::10.0.0.7::502::1', { wire: 'modbus-tcp', host: '10.0.0.7', port: 502, unit: 1 }],
    [
      'ASRL/dev/ttyUSB0::250000-7O2-rtscts::INSTR',
      {
        wire: 'serial',
        path: '/dev/ttyUSB0',
        line: { baudRate: 250_000, dataBits: 7, parity: 'odd', stopBits: 2, flow: 'rts-cts' },
      },
    ],
    ['TCPIP::10.0.0.5::INSTR', { wire: 'vxi11', host: '10.0.0.5', device: 'inst0' }],
    ['TCPIP0::10.0.0.5::gpib0,20::INSTR', { wire: 'vxi11', host: '10.0.0.5', device: 'gpib0,20' }],
    ['TCPIP::10.0.0.5,1024::inst3::INSTR', { wire: 'vxi11', host: '10.0.0.5', port: 1024, device: 'inst3' }],
    ['TCPIP::10.0.0.5::hislip0::INSTR', { wire: 'hislip', host: '10.0.0.5', port: 4880, device: 'hislip0' }],
    ['TCPIP::10.0.0.5::hislipHCCU,4881::INSTR', { wire: 'hislip', host: '10.0.0.5', port: 4881, device: 'hislipHCCU' }],
    [
      'USB0::0x1313::0x8078::P0001::INSTR',
      { wire: 'usbtmc', usb: { vendor: 0x1313, product: 0x8078, serial: 'P0001' } },
    ],
    [
      'USB::4883::32888::P0001::0::INSTR',
      { wire: 'usbtmc', usb: { vendor: 0x1313, product: 0x8078, serial: 'P0001' } },
    ],
    ['USB/dev/usbtmc0::INSTR', { wire: 'usbtmc', path: '/dev/usbtmc0' }],
    ['GPIB0::12::INSTR', { wire: 'visa', name: 'GPIB0::12::INSTR' }],
    ['VISA::TCPIP0::10.0.0.5::inst0::INSTR', { wire: 'visa', name: 'TCPIP0::10.0.0.5::inst0::INSTR' }],
    ['HTTP::10.0.0.9', { wire: 'http', host: '10.0.0.9', port: 80 }],
    ['HTTP::10.0.0.9::8080', { wire: 'http', host: '10.0.0.9', port: 8080 }],
    ['MODBUS::[::1]::502::255', { wire: 'modbus-tcp', host: '::1', port: 502, unit: 255 }],
  ])('%s', (text, expected) => {
    expect(parseResource(text)).toEqual({ text, ...expected })
  })

  const forms = Object.values(RESOURCE_EXAMPLES).join(' or ')
  const lan =
    'must end in a port and SOCKET, or in INSTR, like TCPIP::10.0.0.5::5025::SOCKET, TCPIP::10.0.0.5::inst0::INSTR or TCPIP::10.0.0.5::hislip0::INSTR'
  test.each([
    ['', `is not a resource name; write it like ${forms}`],
    ['/dev/ttyUSB0', `is not a resource name; write it like ${forms}`],
    ['TCPIP::10.0.0.5', lan],
    ['TCPIP::10.0.0.5::5025', lan],
    ['TCPIP::10.0.0.5::70000::SOCKET', '"70000" is not a port from 1 to 65535'],
    ['TCPIP::10.0.0.5::http::SOCKET', '"http" is not a port from 1 to 65535'],
    ['TCPIP::::5025::SOCKET', 'names no host, as in TCPIP::10.0.0.5::5025::SOCKET'],
    ['TCPIP::10.0.0.5 ::5025::SOCKET', '"10.0.0.5 " is not a host name or address'],
    ['TCPIP::10.0.0.5,99999::inst0::INSTR', '"99999" is not a port from 1 to 65535'],
    ['TCPIP::10.0.0.5::hislip0,0::INSTR', '"0" is not a port from 1 to 65535'],
    ['TCPIP::10.0.0.5::::INSTR', 'names no device, as in TCPIP::10.0.0.5::inst0::INSTR'],
    [
      'USB0::0x1313::INSTR',
      'must name vendor, product and serial number and end in INSTR, like USB0::0x1313::0x8078::P0001::INSTR',
    ],
    [
      'USB0::0x13131::0x8078::P0001::INSTR',
      'must name vendor, product and serial number and end in INSTR, like USB0::0x1313::0x8078::P0001::INSTR',
    ],
    ['GPIB0::12', 'must be a whole VISA name that ends in INSTR, like GPIB0::12::INSTR'],
    ['VISA::', 'must be a whole VISA name that ends in INSTR, like GPIB0::12::INSTR'],
    ['HTTP::', 'names no host, as in TCPIP::10.0.0.5::5025::SOCKET'],
    ['HTTP::10.0.0.9::80::x', 'must name a host and at most a port, like HTTP::10.0.0.9'],
    ['ASRL::INSTR', 'must name one port and end in INSTR, like ASRL/dev/ttyUSB0::INSTR'],
    ['ASRL/dev/ttyUSB0', 'must name one port and end in INSTR, like ASRL/dev/ttyUSB0::INSTR'],
    ['ASRL/dev/ttyUSB0::9600::INSTR', '"9600" is not a line like 9600-8N1, 19200-7E1 or 115200-8N1-RTSCTS'],
    [
      'MODBUS::/dev/ttyUSB1::9600-8E1-RTSCTS::1',
      '"9600-8E1-RTSCTS" is neither a port like 502 nor a line like 9600-8E1 or 9600-8N1',
    ],
    ['MODBUS::10.0.0.7', 'must read like MODBUS::/dev/ttyUSB1::9600-8E1::1 or MODBUS::10.0.0.7::502::1'],
    ['MODBUS::10.0.0.7::502::256', 'has no unit 0 to 255 at its end, as in MODBUS::10.0.0.7::502::1'],
    ['MODBUS::/dev/ttyUSB1::9600-8E1::0', 'has no unit 1 to 247 at its end, as in MODBUS::/dev/ttyUSB1::9600-8E1::1'],
    ['MODBUS::/dev/ttyUSB1::9600-7E1::1', '"9600-7E1" is neither a port like 502 nor a line like 9600-8E1 or 9600-8N1'],
  ])('%s is refused', (text, why) => {
    expect(() => parseResource(text)).toThrow(
      expect.objectContaining({ code: 'BENCH_FILE_INVALID', message: `"${text}" ${why}` }) as Error,
    )
  })

  test('writes a serial line as it reads it', () => {
    expect(serialLineText(eightE1)).toBe('9600-8E1')
    expect(serialLineText({ ...eightE1, dataBits: 7, flow: 'xon-xoff' })).toBe('9600-7E1-XONXOFF')
  })
})

describe('the name that was probably meant', () => {
  const drivers = ['oif-itla', 'thorlabs-mbx', 'keysight-m8195a', 'keysight-n7745']
  test.each([
    ['oif-ilta', 'oif-itla'],
    ['OIF-ITLA', 'oif-itla'],
    ['keysight-n7744', 'keysight-n7745'],
    ['thorlab-mbx', 'thorlabs-mbx'],
  ])('%s means %s', (written, meant) => {
    expect(closestName(written, drivers)).toBe(meant)
  })

  test('is not guessed from far away: then all names are listed, a dozen at most', () => {
    expect(didYouMean('laser', drivers)).toBe(`known: ${drivers.join(', ')}`)
    const many = Array.from({ length: 31 }, (_, index) => `instrument-${index}`)
    expect(didYouMean('xyz', many)).toMatch(/^known: instrument-0, .*instrument-11, and 19 more$/)
  })
})
